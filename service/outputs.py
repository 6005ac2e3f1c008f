"""Rows of results to files and to the terminal: JSON Lines, CSV for spreadsheets, a table for people."""

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.errors import PolicyThemesError

Row = dict[str, Any]
RowWriter = Callable[[Row], None]

# A cell that begins with one of these is a formula to a spreadsheet (CWE-1236; full-width forms are taken as their half-width ones).
_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
_LONGEST_TABLE_TEXT = 120
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")  # on a terminal they are commands


class OutputError(PolicyThemesError):
    """The output cannot be written, or its name's ending is not known."""


@contextmanager
def open_output(path: Path, theme_names: dict[str, str]) -> Iterator[RowWriter]:
    """A writer of rows to `path`, by the ending of its name; the file takes its name only once it is whole.

    Args:
        path: `.jsonl` or `.csv`.
        theme_names: Chinese name of each theme id, in order.

    Raises:
        OutputError: another ending, or a place that cannot be written.
    """
    make_writer = _FORMATS.get(path.suffix.lower())
    if make_writer is None:
        raise OutputError(f"不认识输出文件的扩展名“{path.suffix}”；可用：{'、'.join(_FORMATS)}。")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputError(
            f"不能在 {path.parent} 写入结果（{error.strerror}）；请换一个文件夹，或检查权限和磁盘空间。"
        ) from None
    part = Path(name)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield make_writer(file, theme_names)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"写入 {path} 失败（{error.strerror}）；请检查磁盘空间和权限。") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def json_lines_writer(file: IO[str], _theme_names: dict[str, str] | None = None) -> RowWriter:
    """One JSON object a line."""

    def write(row: Row) -> None:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _csv_writer(file: IO[str], theme_names: dict[str, str]) -> RowWriter:
    file.write("\ufeff")  # without it Excel reads UTF-8 as the local code page
    writer = csv.writer(file)
    header = ["文件", "编号", "起始行", "结束行", "标题", "正文", "主题", "主要主题", "待复核"]
    writer.writerow(header + [f"{name}（概率）" for name in theme_names.values()] + ["依据"])

    def write(row: Row) -> None:
        headings = row.get("headings")
        cells = [
            row.get("file", ""),
            row.get("id", row.get("paragraph", "")),
            *(_lines(row) or ("", "")),
            " / ".join(map(str, headings)) if isinstance(headings, list) else "",
            row["text"],
            "、".join(theme_names[theme] for theme in row["themes"]),
            theme_names.get(row["primary"], "其他"),
            "、".join(theme_names[theme] for theme in row["uncertain"]),
            *(row["scores"][theme] for theme in theme_names),
            "\n".join(f"【{theme_names[item['theme']]}】{item['text']}" for item in row["evidence"]),
        ]
        writer.writerow([_not_a_formula(cell) for cell in cells])

    return write


def _not_a_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


_FORMATS: dict[str, Callable[[IO[str], dict[str, str]], RowWriter]] = {
    ".jsonl": json_lines_writer,
    ".csv": _csv_writer,
}
OUTPUT_SUFFIXES = tuple(_FORMATS)


def print_table(rows: Sequence[Row], theme_names: dict[str, str], console: Console) -> None:
    """Show rows to a person: place, themes, text with its evidence set off."""
    table = Table(show_lines=True)
    table.add_column("位置", no_wrap=True)
    table.add_column("主题", min_width=10)
    table.add_column("段落（依据加粗）", ratio=1, overflow="fold")  # Chinese has no spaces to break at
    for row in rows:
        names = Text("\n".join(f"{theme_names[theme]} {row['scores'][theme]:.2f}" for theme in row["themes"]) or "—")
        if row["uncertain"]:
            names.append("\n待复核：" + "、".join(theme_names[theme] for theme in row["uncertain"]), style="yellow")
        table.add_row(_place(row), names, _shortened(row))
    console.print(table)


def _place(row: Row) -> str:
    lines = _lines(row)
    if "id" in row or lines is None:
        return str(row.get("id", ""))
    first, last = lines
    return f"第 {first} 行" if first == last else f"第 {first}-{last} 行"


def _lines(row: Row) -> tuple[object, object] | None:
    """First and last line of a row; a row of JSON Lines may have a field of that name which is anything."""
    match row.get("lines"):
        case [first, last]:
            return first, last
    return None


def _shortened(row: Row) -> Text:
    """The text with its evidence in bold; of a long text, the part from shortly before the first evidence."""
    text = Text(row["text"].translate(_CONTROLS))
    for item in row["evidence"]:
        if item["theme"] in row["themes"]:
            text.stylize("bold", item["start"], item["end"])
    if len(text) <= _LONGEST_TABLE_TEXT:
        return text
    first = min((item["start"] for item in row["evidence"]), default=0)
    start = 0 if first < _LONGEST_TABLE_TEXT // 2 else first - 10
    end = min(start + _LONGEST_TABLE_TEXT, len(text))
    shown = text[start:end]
    return Text("…" if start else "") + shown + Text("…" if end < len(text) else "")
