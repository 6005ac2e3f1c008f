"""Rows to files and to the terminal: whole or not at all, readable, and no formula among them."""

import csv
import io
import json
import os
import re
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from service.outputs import OUTPUT_SUFFIXES, OutputError, Row, json_lines_writer, open_output, print_table

NAMES = {"tech_finance": "科技金融", "talent": "人才"}


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


DOCUMENT_PLACE = {"file": "某市总结.txt", "paragraph": 3, "lines": [4, 6], "headings": ["总结", "一、人才"]}


def document_row() -> Row:
    row = make_row(**DOCUMENT_PLACE)
    del row["id"]
    return row


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(folder: Path, row: Row) -> dict[str, str]:
    with open_output(folder / "out.csv", NAMES) as write:
        write(row)
    (read,) = read_csv(folder / "out.csv")
    return read


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_json_lines_hold_one_row_a_line(tmp_path: Path) -> None:
    rows = [make_row("第一行\n第二行\u2028“引号”"), document_row()]
    with open_output(tmp_path / "out.JSONL", NAMES) as write:
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
    with open_output(tmp_path / "out.csv", NAMES) as write:
        write(document_row())
        write(make_row(themes=[], primary="other", uncertain=[], evidence=[]))
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    document, paragraph = read_csv(tmp_path / "out.csv")
    assert document == {
        "文件": "某市总结.txt",
        "编号": "3",
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
    row = make_row(hostile, id=hostile, file=hostile, headings=[hostile], lines=[hostile, hostile])
    for column in ("正文", "编号", "文件", "标题", "起始行", "结束行"):
        assert write_csv(tmp_path, row)[column] == f"'{hostile}"


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
    for column, cell in cells.items():
        assert column in {"编号", "文件", "起始行", "结束行"} or not cell.startswith(tuple(FORMULA_STARTS))
    print_table([row], NAMES, Console(file=io.StringIO(), width=80))


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.json", "out.jsonl.gz", ".jsonl"])
def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="不认识") as caught, open_output(tmp_path / name, NAMES):
        pass
    assert all(suffix in str(caught.value) for suffix in OUTPUT_SUFFIXES)
    assert names_in(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="换一个文件夹") as caught, open_output(tmp_path / "no" / "out.csv", NAMES):
        pass
    assert str(tmp_path / "no") in str(caught.value)


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(OutputError, match="写入"), open_output(tmp_path / "out.csv", NAMES):
        pass
    assert names_in(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_the_name_is_taken_only_by_a_whole_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with open_output(path, NAMES) as write:
        write(make_row())
        assert not path.exists()
    whole = path.read_bytes()
    with open_output(path, NAMES) as write:
        write(make_row("别的"))
        assert path.read_bytes() == whole
    assert path.read_bytes() != whole
    assert names_in(tmp_path) == [path.name]


def test_an_interrupted_run_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")

    def interrupted() -> None:
        with open_output(path, NAMES) as write:
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


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")

    def fill() -> None:
        with largest_file(4096), open_output(path, NAMES) as write:
            for _ in range(1000):
                write(make_row())

    with pytest.raises(OutputError, match="磁盘空间"):
        fill()
    assert path.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["out.jsonl"]


def test_a_write_that_fails_only_at_the_end_fails(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with pytest.raises(OutputError, match="磁盘空间"), largest_file(16), open_output(path, NAMES) as write:
        write(make_row())  # still in memory when the last row is written
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_file_has_the_permissions_that_the_user_wants(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with open_output(tmp_path / "out.csv", NAMES):
            pass
        assert os.umask(mask) == mask, "the mask stays as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o666 & ~mask


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
