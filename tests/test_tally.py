"""Counts by document and by heading."""

from datetime import UTC, datetime
from typing import Any

import pytest

from model.labeller import Theme
from service.run import Row, Run
from service.writers import tally as tally_module
from service.writers.tally import Tally, most_themed

RUN = Run(
    (Theme("tech_finance", "科技金融", "", ""), Theme("talent", "人才", "", "")),
    "1.0",
    {},
    datetime(2026, 11, 22, tzinfo=UTC),
)


def make_row(*themes: str, **fields: Any) -> Row:
    return {"text": "……", "themes": list(themes), "primary": "other", "uncertain": [], **fields}


def count(*rows: Row) -> Tally:
    counted = Tally(RUN)
    for row in rows:
        counted.add(row)
    return counted


def test_all_paragraphs_are_counted_once_and_each_theme_they_have() -> None:
    total = count(make_row("talent"), make_row("talent", "tech_finance", uncertain=["talent"]), make_row()).total
    assert (total.paragraphs, total.themed, total.uncertain, total.themes) == (3, 2, 1, [1, 2])


def test_documents_come_in_their_order_without_the_folder_they_share() -> None:
    names = ["资料/乙/b.txt", "资料/甲/a.txt", "资料/乙/c.txt"]
    assert [name for name, _ in count(*[make_row(file=name) for name in names]).documents()] == [
        "乙/b.txt",
        "甲/a.txt",
        "乙/c.txt",
    ]
    assert [name for name, _ in count(make_row(file="资料/a.txt"), make_row()).documents()] == [
        "a.txt",
        "（未注明文件）",
    ]
    shared = ["资料甲/a.txt", "资料乙/b.txt"]
    assert [name for name, _ in count(*[make_row(file=name) for name in shared]).documents()] == shared, (
        "a folder is whole"
    )


def regions(*rows: Row) -> list[tuple[str, str, int]]:
    return [(one.document, one.name, one.counts.paragraphs) for one in count(*rows).regions()]


def test_below_a_title_the_chapters_part_a_document() -> None:
    headings = [["报告"], ["报告", "一、甲"], ["报告", "一、甲", "（一）子"], ["报告", "二、乙"], []]
    assert regions(*[make_row(file="a.txt", headings=path) for path in headings]) == [
        ("a.txt", "（标题之前）", 2),
        ("a.txt", "一、甲", 2),
        ("a.txt", "二、乙", 1),
    ]


def test_without_a_title_the_outermost_headings_do() -> None:
    headings = [["一、甲", "（一）子"], ["一、甲", "（二）丑"], ["二、乙"]]
    assert regions(*[make_row(file="a.txt", headings=path) for path in headings]) == [
        ("a.txt", "一、甲", 2),
        ("a.txt", "二、乙", 1),
    ]


def test_sheets_part_a_workbook_and_what_has_no_heading_has_no_parts() -> None:
    rows = [make_row(file="a.xlsx", sheet=sheet, row=2) for sheet in ("甲", "甲", "乙")]
    assert regions(*rows, make_row(file="b.txt", headings=[])) == [
        ("a.xlsx", "工作表“甲”", 2),
        ("a.xlsx", "工作表“乙”", 1),
    ]


def test_beyond_the_bounds_the_rest_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "_MOST_DOCUMENTS", 2)
    monkeypatch.setattr(tally_module, "_MOST_REGIONS", 3)
    counted = count(*[make_row(file=f"{number}.txt", headings=["总", f"第{number}章"]) for number in range(6)])
    assert [(name, counts.paragraphs) for name, counts in counted.documents()] == [
        ("0.txt", 1),
        ("1.txt", 1),
        ("（其余文件）", 4),
    ]
    assert counted.total.paragraphs == 6
    assert sum(region.counts.paragraphs for region in counted.regions()) == 6


def test_the_most_themed_come_first() -> None:
    counted = count(make_row(file="a"), make_row("talent", file="b"), make_row("talent", file="c"))
    assert [name for name, _ in most_themed(counted.documents(), 2)] == ["b", "c"]
