"""What a row says of its place and of the columns it came with, whoever made it.

Rows of documents have the fields that the readers gave them. A row of JSON Lines keeps whatever fields its author chose, of any name
and any kind: one that is not what a reader would have written is no place, but a column of the author's, and is kept as such.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from service.run import Row

_LABEL_FIELDS = frozenset({"text", "themes", "primary", "scores", "uncertain", "evidence"})


def file_of(row: Row) -> str:
    """The name of the file; empty where the row has none."""
    name = row.get("file")
    return name if isinstance(name, str) else ""


def number_of(row: Row) -> str | int:
    """The row's own id, else the paragraph's number in its file; empty where it has neither."""
    number = row.get("id", row.get("paragraph", ""))
    return number if isinstance(number, str | int) and not isinstance(number, bool) else ""


def headings_of(row: Row) -> list[str]:
    """The headings above it, outermost first."""
    headings = row.get("headings")
    if isinstance(headings, list | tuple) and all(isinstance(heading, str) for heading in headings):
        return list(headings)
    return []


def span_of(row: Row, field: str) -> tuple[int, int] | None:
    """First and last of its `lines` or `pages`."""
    match row.get(field):
        case [int(first), int(last)] if _counts(first, last):
            return first, last
    return None


def sheet_row_of(row: Row) -> tuple[str, int] | None:
    """Sheet (empty in a file without sheets) and row of a paragraph out of a table."""
    match row.get("row"), row.get("sheet"):
        case int(number), (str() | None) as sheet if _counts(number):
            return sheet or "", number
    return None


def _counts(*numbers: int) -> bool:
    """Whether `numbers` can be numbers of lines, pages and rows, which outputs keep as 64-bit integers at most."""
    return all(0 <= number < 1 << 53 for number in numbers)


def place_of(row: Row) -> str:
    """Where it stands in its file, in words: 第 3-4 页、第 12 行、工作表“项目”第 5 行; empty where only its number is known."""
    table = sheet_row_of(row)
    if table is not None:
        sheet, number = table
        return f"工作表“{sheet}”第 {number} 行" if sheet else f"第 {number} 行"
    words = []
    for field, unit in (("pages", "页"), ("lines", "行")):
        span = span_of(row, field)
        if span is not None:
            first, last = span
            words.append(f"第 {first} {unit}" if first == last else f"第 {first}-{last} {unit}")
    return "，".join(words)


def kept_columns(row: Row) -> dict[str, Any]:
    """The columns of the table that the row comes from, and the fields of its author's: what neither place nor label speaks for."""
    kept: dict[str, Any] = {}
    for field, value in row.items():
        if field == "columns" and isinstance(value, dict):
            kept |= {str(name): cell for name, cell in value.items()}
        elif field not in _LABEL_FIELDS and not _is_place(row, field):
            kept[field] = value
    return kept


def column_headings(columns: Iterable[str], own: Collection[str]) -> list[str]:
    """Headings of kept columns, told apart from the `own` ones of the table that they are put in."""
    return [f"{name}（原表）" if name in own else name for name in columns]


def _is_place(row: Row, field: str) -> bool:
    match field:
        case "id" | "paragraph":
            return field == "id" or "id" not in row
        case "file":
            return isinstance(row[field], str)
        case "headings":
            return bool(headings_of(row)) or row[field] == []
        case "lines" | "pages":
            return span_of(row, field) is not None
        case "sheet" | "row":
            return sheet_row_of(row) is not None
    return False


def as_cell(value: Any) -> str | int | float | bool:
    """A value of any kind as one cell of a table can hold it: numbers as they are, lists and objects as JSON, nothing as empty."""
    if value is None:
        return ""
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
