"""The sheet 待复核: what a person should look at again, most uncertain first, to be corrected in place and read back by training."""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from itertools import islice

from xlsxwriter.worksheet import Worksheet

from model import review_sheet
from service.run import Row, Run
from service.writers.evidence_words import evidence_sentences
from service.writers.row_parts import file_of, headings_of
from service.writers.sheet_cells import MOST_ROWS, Formats, clean, put, put_paragraph, set_height

_SEEN = [
    ("文件", 22.0),
    ("编号", 7.0),
    ("位置", 13.0),
    ("标题", 22.0),
    (review_sheet.TEXT, 70.0),
    ("存疑", 17.0),
    ("依据", 44.0),
]
_VERDICT_WIDTH = 10.0
_ENTRIES = [(review_sheet.PRIMARY, 12.0), (review_sheet.NOTE, 24.0), (review_sheet.REVIEWER, 12.0)]
_LONGEST_LIST = 255  # characters of a drop-down's choices, as Excel bounds them
_PLACE_FIELDS = ("id", "paragraph", "lines", "pages", "sheet", "row", "headings")


def uncertainty(row: Row, run: Run) -> float:
    """How unsure the model is of a row: minus the least distance, in logits, of an uncertain theme's probability from its threshold."""
    return -min(abs(_logit(row["scores"][theme]) - _logit(run.threshold_of(theme))) for theme in row["uncertain"])


def _logit(probability: float) -> float:
    limited = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(limited / (1 - limited))


def write_reviews(sheets: Sequence[Worksheet], rows: Iterable[Row], run: Run, formats: Formats) -> None:
    """Fill `sheets` one after the other with `rows`, in the order in which they come."""
    waiting = iter(rows)
    for sheet in sheets:
        _write_heading(sheet, run, formats)
        last = 0
        for last, row in enumerate(islice(waiting, MOST_ROWS - 1), 1):
            _write_row(sheet, last, row, run, formats)
        first_entry = len(_SEEN)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, last, first_entry + len(run.themes) + len(_ENTRIES) - 1)
        if last:
            _add_choices(sheet, last, run, formats)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)


def _write_heading(sheet: Worksheet, run: Run, formats: Formats) -> None:
    headings = [(name, width, formats.head) for name, width in _SEEN]
    headings += [(theme.name_zh, _VERDICT_WIDTH, formats.theme_heads[theme.id]) for theme in run.themes]
    headings += [(name, width, formats.head) for name, width in _ENTRIES]
    sheet.set_row(0, 33)
    for position, (name, width, look) in enumerate(headings):
        sheet.set_column(position, position, width)
        put(sheet, 0, position, name, look)
    for position, name in enumerate(review_sheet.HIDDEN, len(headings)):
        sheet.set_column(position, position, 12, None, {"hidden": True})
        put(sheet, 0, position, name, formats.head)


def _write_row(sheet: Worksheet, number: int, row: Row, run: Run, formats: Formats) -> None:
    text: str = row["text"]
    headings = " / ".join(headings_of(row))
    sentences = evidence_sentences(row, run)
    doubts = "\n".join(
        f"{run.name_of(theme)} {row['scores'][theme]:.2f}（界限 {run.threshold_of(theme):.2f}）"
        for theme in row["uncertain"]
    )
    set_height(sheet, number, [(headings, 22), (text, 70), (doubts, 17), (sentences, 44)])
    column = iter(range(len(_SEEN) + len(run.themes) + len(_ENTRIES) + len(review_sheet.HIDDEN)))
    put_paragraph(sheet, number, column, row, formats)
    for value in (doubts, sentences):
        put(sheet, number, next(column), value, formats.text)
    for theme in run.themes:
        verdict = review_sheet.YES if theme.id in row["themes"] else review_sheet.NO
        put(sheet, number, next(column), verdict, formats.entry)
    put(sheet, number, next(column), run.name_of(row["primary"]), formats.entry)
    for _ in (review_sheet.NOTE, review_sheet.REVIEWER):
        sheet.write_blank(number, next(column), None, formats.entry)
    for value in _hidden(row, run):
        put(sheet, number, next(column), value, formats.line)


def _hidden(row: Row, run: Run) -> tuple[str, ...]:
    """What an import must know, in the order of `review_sheet.HIDDEN`."""
    place = {field: row[field] for field in _PLACE_FIELDS if field in row}
    return (
        hashlib.sha256(clean(row["text"]).encode()).hexdigest(),
        run.model_version,
        file_of(row),
        json.dumps(place, ensure_ascii=False, default=str),
        json.dumps(row["themes"]),
        row["primary"],
    )


def _add_choices(sheet: Worksheet, last: int, run: Run, formats: Formats) -> None:
    """Drop-downs for the verdicts and the primary theme; a verdict that is 是 shows its theme's colours, as it changes."""
    first = len(_SEEN)
    for position, theme in enumerate(run.themes, first):
        sheet.data_validation(
            1,
            position,
            last,
            position,
            {
                "validate": "list",
                "source": [review_sheet.YES, review_sheet.NO],
                "input_title": f"{theme.name_zh}？"[:32],
                "input_message": "已按模型的判断填好；不对就改。看过的行请填复核人。",
                "error_title": "请选“是”或“否”",
                "error_message": "这一列只能填“是”或“否”。",
            },
        )
        sheet.conditional_format(
            1,
            position,
            last,
            position,
            {"type": "cell", "criteria": "==", "value": f'"{review_sheet.YES}"', "format": formats.theme_yes[theme.id]},
        )
    choices = [*(theme.name_zh for theme in run.themes), review_sheet.OTHER]
    if len(",".join(choices)) <= _LONGEST_LIST and not any("," in choice for choice in choices):
        primary = first + len(run.themes)
        sheet.data_validation(
            1,
            primary,
            last,
            primary,
            {
                "validate": "list",
                "source": choices,
                "error_title": "请从列表中选",
                "error_message": "主要主题应是本行判“是”的一个主题，或“其他”。",
            },
        )
