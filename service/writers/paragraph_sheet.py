"""The sheet 段落: one row a paragraph."""

from collections.abc import Iterable, Sequence
from itertools import islice

from xlsxwriter.worksheet import Worksheet

from service.run import Row, Run
from service.writers.evidence_words import evidence_sentences, evidence_terms
from service.writers.row_parts import as_cell, column_headings, headings_of, kept_columns
from service.writers.sheet_cells import MOST_ROWS, Formats, put, put_paragraph, set_height

_PLACE = [("文件", 24.0), ("编号", 7.0), ("位置", 13.0), ("标题", 24.0)]
_TEXT = ("正文", 70.0)
_LABEL = [("主题", 15.0), ("主要主题", 11.0), ("待复核", 12.0)]
_EVIDENCE = [("依据", 50.0), ("依据词", 40.0)]
_MARK_WIDTH = 9.5
_SCORE_WIDTH = 9.5
_KEPT_WIDTH = 18.0
_MARK = "✓"
_MOST_COLUMNS = 16_384


def write_paragraphs(
    sheets: Sequence[Worksheet], rows: Iterable[Row], run: Run, columns: Sequence[str], formats: Formats
) -> None:
    """Fill `sheets` one after the other with `rows`; `columns` are the kept ones, in order."""
    waiting = iter(rows)
    for sheet in sheets:
        width = _write_heading(sheet, run, columns, formats)
        last = 0
        for last, row in enumerate(islice(waiting, MOST_ROWS - 1), 1):
            _write_row(sheet, last, row, run, columns, formats)
        sheet.freeze_panes(1, len(_PLACE[:2]))
        sheet.autofilter(0, 0, last, width - 1)
        _add_bars(sheet, last, run, formats)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
    sheets[0].activate()


def _write_heading(sheet: Worksheet, run: Run, columns: Sequence[str], formats: Formats) -> int:
    """Write the first row; returns the number of columns."""
    headings = [(name, width, formats.head) for name, width in [*_PLACE, _TEXT, *_LABEL]]
    headings += [(theme.name_zh, _MARK_WIDTH, formats.theme_heads[theme.id]) for theme in run.themes]
    headings += [(f"{theme.name_zh} 概率", _SCORE_WIDTH, formats.theme_heads[theme.id]) for theme in run.themes]
    headings += [(name, width, formats.head) for name, width in _EVIDENCE]
    own = {name for name, _, _ in headings}
    headings += [(name, _KEPT_WIDTH, formats.head) for name in column_headings(columns, own)]
    sheet.set_row(0, 33)
    for position, (name, width, look) in enumerate(headings):
        sheet.set_column(position, position, width)
        put(sheet, 0, position, name, look)
    return len(headings)


def _write_row(sheet: Worksheet, number: int, row: Row, run: Run, columns: Sequence[str], formats: Formats) -> None:
    headings = " / ".join(headings_of(row))
    sentences, terms = evidence_sentences(row, run), evidence_terms(row, run)
    text: str = row["text"]
    set_height(sheet, number, [(headings, 24), (text, _TEXT[1]), (sentences, 50), (terms, 40)])
    column = iter(range(_MOST_COLUMNS))
    put_paragraph(sheet, number, column, row, formats)
    for value in (run.names_of(row["themes"]), run.name_of(row["primary"]), run.names_of(row["uncertain"])):
        put(sheet, number, next(column), value, formats.text)
    for theme in run.themes:
        put(sheet, number, next(column), _MARK if theme.id in row["themes"] else "", formats.theme_marks[theme.id])
    for theme in run.themes:
        put(sheet, number, next(column), row["scores"][theme.id], formats.number)
    for value in (sentences, terms):
        put(sheet, number, next(column), value, formats.text)
    kept = kept_columns(row)
    for name in columns:
        put(sheet, number, next(column), as_cell(kept.get(name)), formats.text)


def _add_bars(sheet: Worksheet, last: int, run: Run, formats: Formats) -> None:
    """Bars behind the probabilities, as long as they are high."""
    first = len(_PLACE) + 1 + len(_LABEL) + len(run.themes)
    for position, theme in enumerate(run.themes, first):
        sheet.conditional_format(
            1,
            position,
            max(last, 1),
            position,
            {
                "type": "data_bar",
                "bar_color": formats.tints[theme.id],
                "min_type": "num",
                "min_value": 0,
                "max_type": "num",
                "max_value": 1,
            },
        )
