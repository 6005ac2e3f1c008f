"""Workbooks (.xlsx, .xls, .ods): each sheet a table; formulas by the values that were saved with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine as calamine

from service.readers.cell_values import json_value
from service.readers.source import Item, RefusalKind, Source, UnreadableError
from service.readers.table import NoTextColumnError, NumberedRow, read_table
from service.readers.zip_guard import open_zip

_TICK_ROWS = 5_000
_DAMAGED = "表格文件已损坏或不完整；请用 Excel 或 WPS 打开，另存后再试。"
Range = tuple[tuple[int, int], tuple[int, int]]  # first and last cell, as row and column from 0


def read(source: Source) -> Iterator[Item]:
    """A block of each row of each sheet; sheets in which nothing can be the text are passed over, unless that is all of them.

    Raises:
        UnreadableError: the workbook is damaged, hostile or encrypted.
    """
    _check_zip(source.path)
    try:
        # By what it holds, not by its name, as from_path would.
        with source.path.open("rb") as file, calamine.CalamineWorkbook.from_filelike(file) as workbook:
            yield from _read_sheets(workbook, source)
    except calamine.PasswordError:
        raise UnreadableError(
            "表格有打开密码；请在 Excel 或 WPS 中去掉密码，另存后再试。", RefusalKind.ENCRYPTED
        ) from None
    except calamine.CalamineError:
        raise UnreadableError(_DAMAGED) from None


def _check_zip(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return
    with open_zip(path):
        pass


def _read_sheets(workbook: calamine.CalamineWorkbook, source: Source) -> Iterator[Item]:
    refused: list[tuple[str, NoTextColumnError]] = []
    some = False
    for sheet in workbook.sheets_metadata:
        if sheet.typ is not calamine.SheetTypeEnum.WorkSheet:
            continue
        try:
            yield from _read_sheet(workbook, sheet.name, source)
            some = True
        except NoTextColumnError as error:
            if error.names:
                refused.append((sheet.name, error))
    some = some or any(problem.likely for _, problem in refused)
    for name, problem in refused:
        if not some or problem.likely:
            yield problem.refusal(source.name, name)


def _read_sheet(workbook: calamine.CalamineWorkbook, name: str, source: Source) -> Iterator[Item]:
    sheet = workbook.get_sheet_by_name(name)
    merged = sorted(sheet.merged_cell_ranges or [])
    first_column = sheet.start[1] if sheet.start else 0
    width = sheet.width
    rows = _rows(sheet, source)
    sections = {
        first[0] + 1: max(first[1] - first_column, 0)
        for first, last in merged
        if first[0] == last[0] and width > 1 and last[1] - first[1] + 1 >= width
    }
    yield from read_table(_filled(rows, merged, first_column), source.name, name, source.options.text_column, sections)


def _rows(sheet: calamine.CalamineSheet, source: Source) -> Iterator[NumberedRow]:
    """Row number and cells, from the first cell that is used on."""
    first = sheet.start[0] if sheet.start else 0
    for count, row in enumerate(sheet.to_python(skip_empty_area=True)):
        if count % _TICK_ROWS == 0:
            source.tick()
        yield first + count + 1, [json_value(cell) for cell in row]


def _filled(rows: Iterator[NumberedRow], merged: list[Range], first_column: int) -> Iterator[NumberedRow]:
    """Rows in which a cell merged over several rows has its value in each, except where that is a text: it stands once."""
    coming = list(reversed(merged))
    active: list[tuple[Range, Any]] = []
    for number, cells in rows:
        filled = list(cells)
        while coming and coming[-1][0][0] + 1 <= number:
            span = coming.pop()
            column = span[0][1] - first_column
            if span[0][0] + 1 == number and 0 <= column < len(filled):
                active.append((span, filled[column]))
        active = [(span, value) for span, value in active if span[1][0] + 1 >= number]
        for (first, last), value in active:
            for column in range(first[1] - first_column, min(last[1] - first_column + 1, len(filled))):
                if first[0] + 1 < number and column >= 0 and filled[column] is None and not _is_prose(value):
                    filled[column] = value
        yield number, filled


def _is_prose(value: object) -> bool:
    return isinstance(value, str) and len(value) > 40
