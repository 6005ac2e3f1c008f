"""Reads the verdicts in the sheet 待复核 of a workbook of results, as people corrected it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook
from xlsxwriter.utility import xl_col_to_name

from model import review_sheet
from model.errors import DataError
from model.label import NO_THEME
from model.labeller import Theme
from training.verdict import RefusedVerdict, Verdict, Verdicts

WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})


class _RefusedCellError(Exception):
    """A cell that does not fit."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def read_review_workbook(path: Path, themes: Sequence[Theme], today: date) -> Verdicts:
    """The verdicts of all rows that have a reviewer.

    Args:
        path: a workbook that `policy-label` wrote and a spreadsheet program saved.
        themes: of the data folder; their Chinese names are the headings of the verdicts.
        today: when they are imported.

    Raises:
        DataError: the file is no workbook, or its sheet 待复核 or one of its columns is missing.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        names = [name for name in workbook.sheet_names if name == review_sheet.SHEET or _is_further_sheet(name)]
        sheets = [(name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in names]
    except (CalamineError, OSError) as error:
        raise DataError(f"{path}：不能作为工作簿读取（{error}）；请在表格软件里另存为 .xlsx 后再试。") from None
    if not sheets:
        raise DataError(
            f"{path}：没有名为“{review_sheet.SHEET}”的工作表；请用 policy-label 输出的工作簿，工作表不要改名。"
        )
    verdicts = Verdicts()
    for name, rows in sheets:
        _Sheet(name, rows[0] if rows else [], themes, today).read(rows[1:], verdicts)
    return verdicts


def _is_further_sheet(name: str) -> bool:
    return name.startswith(f"{review_sheet.SHEET}(") and name.endswith(")")


class _Sheet:
    """One sheet: knows its columns by their headings."""

    def __init__(self, name: str, headings: Sequence[Any], themes: Sequence[Theme], today: date) -> None:
        self._name = name
        self._themes = themes
        self._today = today
        self._columns = {_text(heading): position for position, heading in enumerate(headings)}
        needed = [
            review_sheet.TEXT,
            *(theme.name_zh for theme in themes),
            review_sheet.PRIMARY,
            review_sheet.REVIEWER,
            *review_sheet.HIDDEN,
        ]
        missing = [heading for heading in needed if heading not in self._columns]
        if missing:
            raise DataError(
                f"工作表“{name}”缺少这些列：{'、'.join(missing)}；列名不要改动，隐藏的列不要删除，主题应与数据文件夹一致。"
            )

    def read(self, rows: Sequence[Sequence[Any]], verdicts: Verdicts) -> None:
        for number, cells in enumerate(rows, 2):
            if not any(_text(cell) for cell in cells):
                continue
            where = f"工作表“{self._name}”第 {number} 行"
            try:
                verdict = self._verdict(where, cells)
            except _RefusedCellError as error:
                column = f"{xl_col_to_name(self._columns[error.column])} 列（{error.column}）"
                verdicts.refused.append(RefusedVerdict(where, column, error.message))
                continue
            if verdict is None:
                verdicts.unreviewed += 1
            else:
                verdicts.found.append(verdict)

    def _verdict(self, where: str, cells: Sequence[Any]) -> Verdict | None:
        """The verdict of one row, or None where nobody has reviewed it.

        Raises:
            _RefusedCellError: a cell does not fit.
        """
        predicted = self._predicted(cells)
        themes = tuple(self._themes_of(cells))
        primary = self._primary(cells)
        reviewer = self._cell(cells, review_sheet.REVIEWER)
        if not reviewer:
            if set(themes) != set(predicted) or primary != self._cell(cells, review_sheet.PREDICTED_PRIMARY):
                raise _RefusedCellError(
                    review_sheet.REVIEWER, "这一行的结论改过，却没有填复核人；请填上，或改回原来的结论"
                )
            return None
        if primary != NO_THEME and primary not in themes:
            raise _RefusedCellError(review_sheet.PRIMARY, "主要主题应是本行判“是”的一个主题，或“其他”")
        text = self._paragraph(cells)
        return Verdict(
            where,
            text,
            themes,
            primary,
            predicted,
            self._cell(cells, review_sheet.MODEL),
            self._cell(cells, review_sheet.FILE),
            reviewer,
            self._today,
            self._cell(cells, review_sheet.NOTE) if review_sheet.NOTE in self._columns else "",
            self._json(cells, review_sheet.PLACE, dict),
        )

    def _cell(self, cells: Sequence[Any], heading: str) -> str:
        position = self._columns[heading]
        return _text(cells[position]) if position < len(cells) else ""

    def _paragraph(self, cells: Sequence[Any]) -> str:
        cell = cells[self._columns[review_sheet.TEXT]]
        text = cell.replace("\r\n", "\n").replace("\r", "\n") if isinstance(cell, str) else _text(cell)
        if hashlib.sha256(text.encode()).hexdigest() != self._cell(cells, review_sheet.TEXT_SHA256):
            raise _RefusedCellError(
                review_sheet.TEXT, "正文与标注时的不同（改动过，或太长而被截断），结论不再对应；请恢复原文"
            )
        return text

    def _themes_of(self, cells: Sequence[Any]) -> Iterator[str]:
        for theme in self._themes:
            verdict = self._cell(cells, theme.name_zh)
            if verdict == review_sheet.YES:
                yield theme.id
            elif verdict != review_sheet.NO:
                shown = f"“{verdict}”" if verdict else "空白"
                raise _RefusedCellError(theme.name_zh, f"应是“{review_sheet.YES}”或“{review_sheet.NO}”，现为{shown}")

    def _primary(self, cells: Sequence[Any]) -> str:
        name = self._cell(cells, review_sheet.PRIMARY)
        if name == review_sheet.OTHER:
            return NO_THEME
        for theme in self._themes:
            if theme.name_zh == name:
                return theme.id
        raise _RefusedCellError(
            review_sheet.PRIMARY, f"应是一个主题的名称或“{review_sheet.OTHER}”，现为{f'“{name}”' if name else '空白'}"
        )

    def _predicted(self, cells: Sequence[Any]) -> tuple[str, ...]:
        predicted = self._json(cells, review_sheet.PREDICTED, list)
        known = {theme.id for theme in self._themes}
        for theme in predicted:
            if theme not in known:
                raise _RefusedCellError(review_sheet.PREDICTED, f"数据文件夹里没有主题 {theme}")
        return tuple(predicted)

    def _json(self, cells: Sequence[Any], heading: str, kind: type) -> Any:
        try:
            value = json.loads(self._cell(cells, heading))
        except (json.JSONDecodeError, RecursionError):
            value = None
        if not isinstance(value, kind):
            raise _RefusedCellError(heading, "隐藏列的内容缺失或改动过；请从原工作簿恢复这一行")
        return value


def _text(cell: object) -> str:
    """A cell as text without white space around it; a whole number without the .0 that spreadsheets keep it with."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
