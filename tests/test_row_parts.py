"""What a row says of its place: the readers' fields are understood, an author's own are kept as columns."""

from typing import Any

import pytest

from service.writers.row_parts import as_cell, column_headings, file_of, headings_of, kept_columns, number_of, place_of

LABEL = {"text": "……", "themes": [], "primary": "other", "scores": {}, "uncertain": [], "evidence": []}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"lines": [4, 6]}, "第 4-6 行"),
        ({"lines": [4, 4]}, "第 4 行"),
        ({"pages": [2, 3]}, "第 2-3 页"),
        ({"pages": [2, 2], "lines": [1, 9]}, "第 2 页，第 1-9 行"),
        ({"sheet": "项目", "row": 5}, "工作表“项目”第 5 行"),
        ({"sheet": None, "row": 5}, "第 5 行"),
        ({"row": 5}, "第 5 行"),
        ({"paragraph": 3}, ""),
        ({"lines": "4-6", "pages": [1], "sheet": 3, "row": "x"}, ""),
        ({"lines": [10**30, 10**30]}, ""),
    ],
)
def test_the_place_is_told_in_words(fields: dict[str, Any], place: str) -> None:
    assert place_of({**LABEL, **fields}) == place


def test_a_documents_row_brings_no_columns() -> None:
    row = {"file": "甲.pdf", "paragraph": 3, "pages": [1, 2], "headings": ["一"], **LABEL}
    assert kept_columns(row) == {}
    assert (file_of(row), number_of(row), headings_of(row)) == ("甲.pdf", 3, ["一"])


def test_an_authors_fields_are_columns() -> None:
    row = {"id": "a", "year": 2024, "paragraph": "上", "lines": "4-6", "headings": "无", "file": 7, **LABEL}
    assert kept_columns(row) == {"year": 2024, "paragraph": "上", "lines": "4-6", "headings": "无", "file": 7}
    assert (file_of(row), number_of(row), headings_of(row)) == ("", "a", [])


def test_a_tables_columns_are_kept_in_their_order() -> None:
    row = {"file": "甲.xlsx", "paragraph": 1, "sheet": "项目", "row": 2, "columns": {"乙": 1, "甲": None}, **LABEL}
    assert list(kept_columns(row).items()) == [("乙", 1), ("甲", None)]


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), ("文", "文"), (1.5, 1.5), (True, True), ([1, "二"], '[1, "二"]'), ({"a": None}, '{"a": null}')],
)
def test_any_value_fits_in_a_cell(value: object, cell: object) -> None:
    assert as_cell(value) == cell


def test_a_kept_column_is_told_from_the_tables_own() -> None:
    assert column_headings(["正文", "金额"], ["文件", "正文"]) == ["正文（原表）", "金额"]
