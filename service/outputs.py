"""The one door to files of results: by the ending of its name, whole or not at all."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from service.run import OutputError, Row, RowWriter, Run
from service.writers.json_lines import json_lines_writer

__all__ = [
    "OUTPUT_SUFFIXES",
    "OutputError",
    "Row",
    "RowWriter",
    "Run",
    "check_output",
    "json_lines_writer",
    "open_output",
]

# The module below service.writers that writes each ending: imported when it is asked for, with the libraries that it needs.
_WRITERS = {
    ".xlsx": "workbook",
    ".csv": "delimited",
    ".jsonl": "json_lines",
    ".parquet": "parquet",
    ".html": "report_page",
}
OUTPUT_SUFFIXES = tuple(_WRITERS)


def check_output(path: Path) -> None:
    """Whether `open_output` can write to such a name, told before any work is done.

    Raises:
        OutputError: the ending is not known, or what writes it is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise OutputError(f"不认识输出文件的扩展名“{path.suffix}”；可用：{'、'.join(_WRITERS)}。")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise OutputError("写 .parquet 需要 pyarrow：请运行 pip install 'policy-themes[parquet]'，或改用 .jsonl。")


@contextmanager
def open_output(path: Path, about: Run) -> Iterator[RowWriter]:
    """A writer of rows to `path`, by the ending of its name; the file takes its name only once it is whole and on disk.

    Rows are written as they come or set aside in a file, so that memory stays flat. What `about` holds of refusals is read at the end.

    Args:
        path: ends in one of `OUTPUT_SUFFIXES`.
        about: the run that the rows come from.

    Raises:
        OutputError: another ending, or a place that cannot be written.
    """
    check_output(path)
    open_writer: Callable[[Path, Run], AbstractContextManager[RowWriter]] = import_module(
        f"service.writers.{_WRITERS[path.suffix.lower()]}"
    ).open_writer
    try:
        part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
        part.touch(exist_ok=False)
    except OSError as error:
        raise OutputError(
            f"不能在 {path.parent} 写入结果（{error.strerror}）；请换一个文件夹，或检查权限和磁盘空间。"
        ) from None
    try:
        with open_writer(part, about) as write:
            yield write
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"写入 {path} 失败（{error.strerror}）；请检查磁盘空间和权限。") from None
    finally:
        part.unlink(missing_ok=True)
