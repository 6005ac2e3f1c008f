"""Rows as CSV: one flat table that Excel opens right."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.run import Row, RowWriter, Run
from service.writers.evidence_words import evidence_sentences, evidence_terms
from service.writers.row_parts import (
    as_cell,
    column_headings,
    file_of,
    headings_of,
    kept_columns,
    number_of,
    sheet_row_of,
    span_of,
)
from service.writers.row_spool import RowSpool

# A cell that begins with one of these is a formula to a spreadsheet (CWE-1236; full-width forms are taken as their half-width ones).
_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?%?", re.ASCII)
_PLACE = ["文件", "编号", "工作表", "起始页", "结束页", "起始行", "结束行", "标题"]
_LABEL = ["正文", "主题", "主要主题", "待复核"]


@contextmanager
def open_writer(path: Path, run: Run) -> Iterator[RowWriter]:
    """Sets rows aside and writes them at the end, when all columns that they bring along are known."""
    columns: dict[str, None] = {}
    with RowSpool(path.parent) as spool:

        def write(row: Row) -> None:
            spool.add(row)
            columns.update(dict.fromkeys(kept_columns(row)))

        yield write
        with path.open(
            "w", encoding="utf-8-sig", newline=""
        ) as file:  # without the mark Excel reads UTF-8 as the local code page
            writer = csv.writer(file)
            own = [*_PLACE, *_LABEL, *(f"{theme.name_zh}（概率）" for theme in run.themes), "依据", "依据词"]
            writer.writerow(map(_not_a_formula, [*own, *column_headings(columns, own)]))
            for row in spool:
                writer.writerow(map(_not_a_formula, _cells(row, run, list(columns))))


def _cells(row: Row, run: Run, columns: list[str]) -> Iterator[object]:
    table = sheet_row_of(row)
    yield file_of(row)
    yield number_of(row)
    yield table[0] if table else ""
    yield from span_of(row, "pages") or ("", "")
    yield from (table[1], table[1]) if table else span_of(row, "lines") or ("", "")
    yield " / ".join(headings_of(row))
    yield row["text"]
    yield run.names_of(row["themes"])
    yield run.name_of(row["primary"])
    yield run.names_of(row["uncertain"])
    yield from (row["scores"][theme.id] for theme in run.themes)
    yield evidence_sentences(row, run)
    yield evidence_terms(row, run)
    kept = kept_columns(row)
    yield from (as_cell(kept.get(column)) for column in columns)


def _not_a_formula(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
