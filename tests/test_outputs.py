"""Rows to files and to the terminal: whole or not at all, readable, and no formula among them."""

import csv
import io
import json
import os
import re
import resource
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.labeller import Theme
from service.outputs import OUTPUT_SUFFIXES, OutputError, Row, Run, check_output, json_lines_writer, open_output

RUN = Run(
    (Theme("tech_finance", "科技金融", "Technology finance", "……"), Theme("talent", "人才", "Talent", "……")),
    "1.0",
    {"thresholds": {"tech_finance": 0.4, "talent": 0.5}},
    datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
)


TERMS = [{"text": "引进", "start": 0, "end": 2, "weight": 1.5}]


def make_row(text: str = "引进人才。发放贷款。", /, **fields: Any) -> Row:
    """A row as the labeller makes them; its evidence is its first five characters."""
    evidence = {
        "theme": "talent",
        "text": text[:5],
        "start": 0,
        "end": min(5, len(text)),
        "terms": TERMS if text[:2] == "引进" else [],
    }
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


DOCUMENT_PLACE = {"file": "某市总结.txt", "paragraph": 3, "lines": [4, 6], "headings": ["总结", "一、人才"]}


def document_row() -> Row:
    row = make_row(**DOCUMENT_PLACE)
    del row["id"]
    return row


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(folder: Path, row: Row) -> dict[str, str]:
    with open_output(folder / "out.csv", RUN) as write:
        write(row)
    (read,) = read_csv(folder / "out.csv")
    return read


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_json_lines_hold_one_row_a_line(tmp_path: Path) -> None:
    rows = [make_row("第一行\n第二行\u2028“引号”"), document_row()]
    with open_output(tmp_path / "out.JSONL", RUN) as write:
        for row in rows:
            write(row)
    data = (tmp_path / "out.JSONL").read_bytes()
    assert data.count(b"\n") == len(rows)
    assert [json.loads(line) for line in data.split(b"\n")[:-1]] == rows
    assert "人才" in data.decode("utf-8"), "Chinese stays readable"


def test_json_lines_go_to_any_stream() -> None:
    stream = io.StringIO()
    json_lines_writer(stream)(make_row())
    assert json.loads(stream.getvalue()) == make_row()


def test_csv_is_what_a_spreadsheet_opens(tmp_path: Path) -> None:
    with open_output(tmp_path / "out.csv", RUN) as write:
        write(document_row())
        write(make_row(themes=[], primary="other", uncertain=[], evidence=[]))
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    document, paragraph = read_csv(tmp_path / "out.csv")
    assert document == {
        "文件": "某市总结.txt",
        "编号": "3",
        "工作表": "",
        "起始页": "",
        "结束页": "",
        "起始行": "4",
        "结束行": "6",
        "标题": "总结 / 一、人才",
        "正文": "引进人才。发放贷款。",
        "主题": "人才",
        "主要主题": "人才",
        "待复核": "科技金融",
        "科技金融（概率）": "0.25",
        "人才（概率）": "0.9",
        "依据": "【人才】引进人才。",
        "依据词": "【人才】引进 +1.5",
    }
    assert (paragraph["编号"], paragraph["起始行"], paragraph["标题"]) == ("1", "", "")
    assert (paragraph["主题"], paragraph["主要主题"], paragraph["依据"]) == ("", "其他", "")


@pytest.mark.parametrize("text", ['引号"和,逗号', "第一行\r\n第二行", "\u2028", "'", "“", "𠮷"])
def test_csv_carries_any_text(tmp_path: Path, text: str) -> None:
    assert write_csv(tmp_path, make_row(text))["正文"] == text


FORMULA_STARTS = "=+-@\t\r\n\0＝＋－＠"


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    hostile = f"{start}HYPERLINK(A1)"
    row = make_row(hostile, id=hostile, file=hostile, headings=[hostile], columns={hostile: hostile})
    cells = write_csv(tmp_path, row)
    for column in ("正文", "编号", "文件", "标题", f"'{hostile}"):
        assert cells[column] == f"'{hostile}"


@pytest.mark.parametrize("number", ["-5", "+3.25", "-12.5%"])
def test_a_number_of_a_table_is_no_formula(tmp_path: Path, number: str) -> None:
    assert write_csv(tmp_path, make_row(columns={"增长": number}))["增长"] == number


def test_csv_keeps_the_columns_of_every_table(tmp_path: Path) -> None:
    tables = [
        {"file": "甲.xlsx", "paragraph": 1, "sheet": "项目", "row": 7, "columns": {"金额": 12.5, "备注": None}},
        {"file": "乙.csv", "paragraph": 2, "sheet": None, "row": 9, "columns": {"单位": "某区", "金额": "三十"}},
    ]
    with open_output(tmp_path / "out.csv", RUN) as write:
        for place in tables:
            write({**place, **document_row(), **place})
    first, second = read_csv(tmp_path / "out.csv")
    assert [first[name] for name in ("工作表", "起始行", "结束行", "金额", "备注", "单位")] == [
        "项目",
        "7",
        "7",
        "12.5",
        "",
        "",
    ]
    assert [second[name] for name in ("工作表", "起始行", "金额", "单位")] == ["", "9", "三十", "某区"]


def test_pages_are_places_too(tmp_path: Path) -> None:
    row = document_row() | {"pages": [2, 3]}
    cells = write_csv(tmp_path, {field: value for field, value in row.items() if field != "lines"})
    assert [cells[name] for name in ("起始页", "结束页", "起始行")] == ["2", "3", ""]


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    assert write_csv(tmp_path, make_row(id=-5))["编号"] == "-5"


_field_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    fields=st.dictionaries(st.sampled_from(["file", "paragraph", "lines", "headings", "x"]), _field_values),
)
def test_any_row_is_written_to_csv_and_shown(
    tmp_path_factory: pytest.TempPathFactory, text: str, fields: dict[str, object]
) -> None:
    row = make_row(text, **fields)
    cells = write_csv(tmp_path_factory.mktemp("csv"), row)
    assert cells["正文"] == (f"'{text}" if text.startswith(tuple(FORMULA_STARTS)) else text)
    assert cells["编号"] == "1", "a field of the user's is no place"
    for cell in cells.values():
        assert not cell.startswith(tuple(FORMULA_STARTS)) or re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", cell)


@pytest.mark.parametrize("name", ["out.xls", "out", "out.json", "out.jsonl.gz", ".jsonl"])
def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="不认识") as caught, open_output(tmp_path / name, RUN):
        pass
    assert all(suffix in str(caught.value) for suffix in OUTPUT_SUFFIXES)
    assert names_in(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="换一个文件夹") as caught, open_output(tmp_path / "no" / "out.csv", RUN):
        pass
    assert str(tmp_path / "no") in str(caught.value)


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(OutputError, match="写入"), open_output(tmp_path / "out.csv", RUN):
        pass
    assert names_in(tmp_path) == ["out.csv"]


def test_what_cannot_be_written_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in OUTPUT_SUFFIXES:
        check_output(tmp_path / f"out{suffix.upper()}")
    with pytest.raises(OutputError, match="不认识"):
        check_output(tmp_path / "out.docx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutputError, match="pip install"):
        check_output(tmp_path / "out.parquet")


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_the_name_is_taken_only_by_a_whole_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with open_output(path, RUN) as write:
        write(make_row())
        assert not path.exists()
    whole = path.read_bytes()
    with open_output(path, RUN) as write:
        write(make_row("别的"))
        assert path.read_bytes() == whole
    assert path.read_bytes() != whole
    assert names_in(tmp_path) == [path.name]


def test_an_interrupted_run_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")

    def interrupted() -> None:
        with open_output(path, RUN) as write:
            write(make_row())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["out.jsonl"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: writing fails in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("old", encoding="utf-8")

    def fill() -> None:
        with largest_file(4096), open_output(path, RUN) as write:
            for _ in range(1000):
                write(make_row())

    with pytest.raises(OutputError, match="磁盘空间"):
        fill()
    assert path.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".xlsx", ".html"])
def test_a_disk_that_is_full_once_all_rows_are_set_aside_leaves_no_rest(tmp_path: Path, suffix: str) -> None:
    rows = [make_row(id=number) for number in range(500)]
    set_aside = sum(len(json.dumps(row, ensure_ascii=False).encode()) + 1 for row in rows)

    def fill() -> None:
        with ExitStack() as full, open_output(tmp_path / f"out{suffix}", RUN) as write:
            for row in rows:
                write(row)
            full.enter_context(largest_file(set_aside + 1024))

    with pytest.raises(OutputError, match="磁盘空间"):
        fill()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_write_that_fails_only_at_the_end_fails(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with pytest.raises(OutputError, match="磁盘空间"), largest_file(16), open_output(path, RUN) as write:
        write(make_row())  # still in memory when the last row is written
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_file_has_the_permissions_that_the_user_wants(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with open_output(tmp_path / "out.csv", RUN):
            pass
        assert os.umask(mask) == mask, "the mask stays as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o666 & ~mask
