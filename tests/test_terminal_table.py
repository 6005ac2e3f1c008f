"""Rows on a terminal: place, themes, and the text with its evidence, whatever the text holds."""

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from service.run import Row
from service.writers.terminal_table import print_table

NAMES = {"tech_finance": "科技金融", "talent": "人才"}
DOCUMENT_PLACE = {"file": "某市总结.txt", "paragraph": 3, "lines": [4, 6], "headings": ["总结", "一、人才"]}


def make_row(text: str = "引进人才。发放贷款。", /, **fields: Any) -> Row:
    """A row as the labeller makes them; its evidence is its first five characters."""
    evidence = {"theme": "talent", "text": text[:5], "start": 0, "end": min(5, len(text)), "terms": []}
    return {
        "id": "1",
        "text": text,
        "themes": ["talent"],
        "primary": "talent",
        "scores": {"tech_finance": 0.25, "talent": 0.9},
        "uncertain": ["tech_finance"],
        "evidence": [evidence],
        **fields,
    }


def document_row() -> Row:
    row = make_row(**DOCUMENT_PLACE)
    del row["id"]
    return row


def table(row: Row, width: int = 100) -> str:
    """The table of one row as a terminal gets it."""
    stream = io.StringIO()
    print_table([row], NAMES, Console(file=stream, width=width, color_system="standard", force_terminal=True))
    return stream.getvalue()


def plain(shown: str) -> str:
    """Without the commands that rich gives the terminal."""
    return re.sub(r"\x1b\[[\d;]*m", "", shown)


def test_the_table_shows_place_themes_and_evidence() -> None:
    shown = table(document_row())
    assert "第 4-6 行" in shown
    assert "人才 0.90" in plain(shown)
    assert "待复核：科技金融" in plain(shown)
    assert "\x1b[1m引进人才。\x1b[0m发放贷款。" in shown, "the evidence is bold"


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (make_row(id="甲-7"), "甲-7"),
        (make_row(id=0), "0"),
        (make_row(**DOCUMENT_PLACE), "1"),
        (document_row() | {"lines": [5, 5]}, "第 5 行"),
    ],
)
def test_the_table_names_the_place(row: Row, place: str) -> None:
    (line,) = [line for line in plain(table(row)).splitlines() if "引进" in line]
    assert line.split("│")[1].strip() == place


def test_the_table_shows_a_row_without_themes() -> None:
    shown = table(make_row(themes=[], uncertain=[], evidence=[]))
    assert "—" in shown
    assert "待复核" not in shown


def test_the_table_shortens_a_long_text_around_its_evidence() -> None:
    text = "甲" * 300 + "设立风险补偿金。" + "乙" * 300
    evidence = {"theme": "talent", "text": "设立风险补偿金。", "start": 300, "end": 308, "terms": []}
    shown = plain(table(make_row(text, evidence=[evidence])))
    assert "…甲甲甲甲甲甲甲甲甲甲设立风险补偿金。乙" in shown
    assert shown.count("…") == 2
    assert shown.count("乙") < 120


def test_the_table_shows_a_long_text_without_evidence_from_its_beginning() -> None:
    shown = table(make_row("甲" + "乙" * 300, evidence=[]))
    assert "甲乙" in shown
    assert shown.count("…") == 1


def test_control_characters_do_not_command_the_terminal() -> None:
    shown = table(make_row("引\x1b]0;title\x07进\x9b31m人才。"))
    assert "\x1b]" not in shown
    assert "\x9b" not in shown
    assert "引 ]0;title 进 31m人才。" in plain(shown)


def test_pages_sheets_and_numbers_are_places() -> None:
    bare = {field: value for field, value in document_row().items() if field != "lines"}
    assert "第 2 页" in plain(table({**bare, "pages": [2, 2]}))
    assert "工作表“项目”第 5 行" in plain(table({**bare, "sheet": "项目", "row": 5}, width=120))
    assert "│ 3 " in plain(table(bare)), "of a Word document, the paragraph's number"


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    fields=st.dictionaries(
        st.sampled_from(["file", "paragraph", "lines", "headings", "sheet", "row", "columns"]),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=3),
    ),
)
def test_any_row_is_shown(text: str, fields: dict[str, object]) -> None:
    print_table([make_row(text, **fields)], NAMES, Console(file=io.StringIO(), width=80))
