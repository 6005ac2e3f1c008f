"""One run at a time writes a result: the claim to its name, and what a killed run left beside it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from service.outputs import OutputError


@contextmanager
def claim_output(path: Path) -> Iterator[None]:
    """Keep `path` for this run: another that would write it is refused. The claim ends with the process, however that ends.

    Unfinished files of runs that were killed are taken away.

    Raises:
        OutputError: the folder is not there or not writable, or another run writes the same result.
    """
    if path.is_dir():
        raise OutputError(f"{path} 是一个文件夹，不能作为结果文件；请换一个名字。")
    if not path.parent.is_dir():
        raise OutputError(f"没有 {path.parent} 这个文件夹，不能在那里写入结果；请先建立它，或换一个文件夹。")
    place = path.with_name(f".{path.name}.lock")
    lock = FileLock(place, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise OutputError(f"另一个 policy-label 正在写 {path}；请等它结束，或换一个名字。") from None
    except OSError as error:
        raise OutputError(
            f"不能在 {path.parent} 写入结果（{error.strerror}）；请换一个文件夹，或检查权限和磁盘空间。"
        ) from None
    try:
        for part in path.parent.iterdir():
            if part.name.startswith(f".{path.name}.") and ".part" in part.suffixes:
                _remove_unfinished(part)
        yield
    finally:
        _remove(place)
        lock.release()
        _remove(place)  # on Windows an open file stays


def _remove_unfinished(part: Path) -> None:
    """Take away a file, or the folder that a writer keeps its own temporary files in."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _remove(place: Path) -> None:
    with suppress(OSError):
        place.unlink(missing_ok=True)
