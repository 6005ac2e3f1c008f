"""Cells of a workbook: any value as a value, never as a formula, a link or a broken file."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service.run import Row, Run
from service.theme_style import LIGHT_PAGE, theme_styles
from service.writers.row_parts import file_of, headings_of, number_of, place_of

MOST_ROWS = 1_048_576
"""Rows of a sheet, as Excel bounds them."""
LONGEST_CELL = 32_767
"""Characters of a cell, in UTF-16 code units, as Excel bounds them."""

_CUT = "……（单元格容不下，以下从略）"
_LARGEST_INTEGER = 10**15  # Excel keeps fifteen digits: a longer number is an identity, not a quantity
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?")
_LINE_POINTS = 15.0
_MOST_LINES = 8


class Formats:
    """The looks of cells, made once a workbook; those of `theme_…`, and the colours, are by theme id."""

    def __init__(self, workbook: Workbook, run: Run) -> None:
        top = {"valign": "top", "font_name": "等线", "font_size": 10.5}
        wrapped = {**top, "text_wrap": True}
        head = {**wrapped, "bold": True, "valign": "vcenter", "bottom": 1, "bg_color": "#E9EDF2"}
        self.text = workbook.add_format(wrapped)
        self.line = workbook.add_format(top)
        self.number = workbook.add_format({**top, "num_format": "0.00"})
        self.count = workbook.add_format({**top, "num_format": "#,##0"})
        self.share = workbook.add_format({**top, "num_format": "0.0%", "font_color": "#57606A"})
        self.bold = workbook.add_format({"bold": True, "font_name": "等线", "font_size": 10.5})
        self.plain = workbook.add_format({"font_name": "等线", "font_size": 10.5})
        self.head = workbook.add_format(head)
        self.count_head = workbook.add_format({**head, "align": "right"})
        self.identity = workbook.add_format({**top, "align": "left"})
        self.title = workbook.add_format({"bold": True, "font_name": "等线", "font_size": 14, "valign": "top"})
        self.entry = workbook.add_format({**wrapped, "bg_color": "#FFFDF0", "border": 1, "border_color": "#D8D2B0"})
        self.theme_heads: dict[str, Format] = {}
        self.theme_marks: dict[str, Format] = {}
        self.theme_yes: dict[str, Format] = {}
        self.fills: dict[str, str] = {}
        self.tints: dict[str, str] = {}
        for theme, style in theme_styles([theme.id for theme in run.themes]).items():
            colours = {"bg_color": style.light.tint.upper(), "font_color": style.light.ink.upper(), "bold": True}
            self.theme_heads[theme] = workbook.add_format({**head, **colours})
            self.theme_marks[theme] = workbook.add_format({**top, **colours, "align": "center"})
            self.theme_yes[theme] = workbook.add_format(colours)
            self.fills[theme], self.tints[theme] = style.light.fill, style.light.tint
        self.no_fill = LIGHT_PAGE.fill


def clean(text: str) -> str:
    """`text` as a cell can hold it: without what XML forbids, and with line feeds as line ends."""
    return _NOT_IN_XML.sub("", _LINE_END.sub("\n", text))


def fits(text: str) -> bool:
    """Whether a cell holds all of `text`."""
    return len(text) <= LONGEST_CELL // 2 or len(text.encode("utf-16-le")) // 2 <= LONGEST_CELL


def put(sheet: Worksheet, row: int, column: int, value: object, look: Format) -> None:
    """Write a value: text as text, numbers as numbers where Excel keeps all their digits; of a text too long for a cell, its beginning.

    Nothing is written of an empty value: a third of all cells are empty.
    """
    match value:
        case None | "":
            return
        case bool():
            sheet.write_boolean(row, column, value, look)
        case int() if abs(value) < _LARGEST_INTEGER:
            sheet.write_number(row, column, value, look)
        case float() if math.isfinite(value):
            sheet.write_number(row, column, value, look)
        case _:
            _put_text(sheet, row, column, clean(str(value)), look)


def _put_text(sheet: Worksheet, row: int, column: int, text: str, look: Format) -> None:
    if not fits(text):
        kept = text.encode("utf-16-le")[: (LONGEST_CELL - len(_CUT)) * 2]
        text = kept.decode("utf-16-le", "ignore") + _CUT
    if text.startswith("<r>") and text.endswith("</r>"):
        # The library takes this for markup of its own; as two runs it is text again.
        sheet.write_rich_string(row, column, look, text[:1], look, text[1:], look)
    else:
        sheet.write_string(row, column, text, look)


def put_marked_text(
    sheet: Worksheet, row: int, column: int, text: str, marked: Sequence[tuple[int, int]], formats: Formats
) -> None:
    """Write `text` with the stretches `marked` (offsets, in any order, overlapping or not) in bold."""
    pieces: list[Any] = []
    position = 0
    for start, end in _merged(marked):
        for piece, look in ((text[position:start], formats.plain), (text[start:end], formats.bold)):
            cleaned = clean(piece)
            if cleaned:
                pieces += [look, cleaned]
        position = end
    rest = clean(text[position:])
    if rest:
        pieces += [formats.plain, rest]
    if len(pieces) < 4 or "\r" in text or not fits(text):  # a line end of two characters must not be parted
        put(sheet, row, column, text, formats.text)
    else:
        sheet.write_rich_string(row, column, *pieces, formats.text)


def _merged(stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def put_paragraph(sheet: Worksheet, number: int, column: Iterator[int], row: Row, formats: Formats) -> None:
    """Write where a paragraph stands, the headings above it and its text, evidence in bold, into the next five of `column`."""
    for value, look in (
        (file_of(row), formats.text),
        (number_of(row), formats.identity),
        (place_of(row), formats.text),
        (" / ".join(headings_of(row)), formats.text),
    ):
        put(sheet, number, next(column), value, look)
    put_marked_text(sheet, number, next(column), row["text"], evidence_of_themes(row), formats)


def evidence_of_themes(row: Row) -> list[tuple[int, int]]:
    """Where the evidence of the row's themes stands in its text."""
    return [(item["start"], item["end"]) for item in row["evidence"] if item["theme"] in row["themes"]]


def set_height(sheet: Worksheet, row: int, contents: Sequence[tuple[str, float]]) -> None:
    """Make `row` high enough for `contents` (text and width of its column), up to eight lines; Excel alone would show long texts whole.

    Call it before the next row is written: what is known of earlier rows is let go, as a million of them would fill the memory.
    """
    lines = max(sum(-(-2 * max(len(line), 1) // int(width)) for line in text.split("\n")) for text, width in contents)
    sheet.set_row(row, _LINE_POINTS * min(max(lines, 1), _MOST_LINES))
    for known in (sheet.row_info, sheet.row_sizes):
        known.pop(row - 2, None)
