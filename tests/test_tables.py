"""Tables of every kind: the header, the column of text, what is kept, what is refused."""

import datetime
import decimal
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet

from model.paragraphs import BlockKind
from service.documents import DocumentBlock, ReadOptions, Refusal, RefusalKind, read_blocks
from service.readers.table import NoTextColumnError, column_letter, find_header

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向企业发放贷款。"
PATENT = "对首次获得发明专利授权的企业，给予每件五千元的奖励。"


def read(path: Path, text_column: str | None = None) -> list[DocumentBlock | Refusal]:
    return list(read_blocks(path, path.name, ReadOptions(text_column)))


def texts(path: Path, text_column: str | None = None) -> list[str]:
    found = []
    for item in read(path, text_column):
        assert isinstance(item, DocumentBlock), item
        if item.kind is BlockKind.PARAGRAPH:
            found.append(item.text)
    return found


def refusal(path: Path, text_column: str | None = None) -> Refusal:
    (item,) = read(path, text_column)
    assert isinstance(item, Refusal)
    return item


def header(*rows: list[Any], text_column: str | None = None) -> tuple[int, str]:
    """Row of the header and name of the text's column."""
    found = find_header(list(enumerate(rows, 1)), text_column)
    return found.row, found.names[found.text]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([["编号", "正文"], [1, "甲"]], (1, "正文"), id="by name"),
        pytest.param([["ID", " Text "], [1, "甲"]], (1, "Text"), id="in English"),
        pytest.param([["内容", "正文"], ["甲", "乙"]], (1, "正文"), id="the surer name"),
        pytest.param([["文号", "要求"], ["一", LOAN], ["二", PATENT]], (1, "要求"), id="by its long texts"),
        pytest.param([["一览表", None], ["编号", "内容"], [1, "甲"]], (2, "内容"), id="below a title"),
        pytest.param([["措施"], [LOAN]], (1, "措施"), id="one column"),
        pytest.param([[LOAN], [PATENT]], (0, "列A"), id="no header"),
        pytest.param([[None, None], ["编号", "内容"]], (2, "内容"), id="an empty row first"),
        pytest.param([["一", LOAN], ["二", PATENT]], (0, "列B"), id="no header, two columns"),
    ],
)
def test_header_and_text_are_found(rows: list[list[Any]], expected: tuple[int, str]) -> None:
    assert header(*rows) == expected


def test_the_column_that_is_asked_for_is_taken() -> None:
    assert header(["编号", "正文", "说明"], [1, "甲", "乙"], text_column="说明") == (1, "说明")
    with pytest.raises(NoTextColumnError, match="没有名为“备注”的列；这里的列是：编号、正文"):
        header(["编号", "正文"], [1, "甲"], text_column="备注")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([["摘要", "内容"], ["甲", "乙"]], "有几列都可能是正文；这里的列是：摘要、内容。"),
        ([["甲", "乙"], [LOAN, PATENT]], "有几列都可能是正文"),
        ([["编号", "金额"], [1, 2]], "看不出哪一列是正文"),
        ([["金额"], [1], [2]], "看不出哪一列是正文"),
    ],
)
def test_a_table_whose_text_is_not_known_is_refused(rows: list[list[Any]], sentence: str) -> None:
    with pytest.raises(NoTextColumnError, match=sentence):
        header(*rows)


def test_the_columns_to_choose_from_are_told_likely_ones_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,摘要,备注,内容\n1,甲,乙,丙\n", encoding="utf-8")
    refused = refusal(path)
    assert (refused.kind, refused.columns) == (RefusalKind.UNKNOWN_TEXT_COLUMN, ("摘要", "内容", "编号", "备注"))
    assert (
        refused.message == "有几列都可能是正文；这里的列是：编号、摘要、备注、内容。"
    )  # each door says how to name one
    assert refusal(path, "正文").columns == ("编号", "摘要", "备注", "内容")


def test_every_column_that_is_offered_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    title, heading, row = "填报单位：某局,2026 年", '内容,摘要,注,注,,"主要\n措施",Abc,ABC', "甲,乙,丙,丁,戊,己,庚,辛"
    path.write_text(f"{title}\n{heading}\n{row}\n", encoding="utf-8", newline="")
    offered = refusal(path).columns
    assert offered == ("内容", "摘要", "注", "注 (2)", "列E", "主要\n措施", "Abc", "ABC")
    found = [texts(path, name.replace("\n", "\r\n")) for name in offered]  # as a browser sends what it was given
    assert found == [[cell] for cell in row.split(",")]


def test_names_that_no_form_can_carry_are_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"内容,摘要,{'长' * 257},坏\0名\n甲,乙,丙,丁\n", encoding="utf-8")
    assert refusal(path).columns == ("内容", "摘要")


def test_a_very_wide_table_is_refused_in_bounded_words(tmp_path: Path) -> None:
    names = [*(f"第{number}列" for number in range(1000)), "内容", "摘要"]
    path = tmp_path / "a.csv"
    path.write_text(f"{','.join(names)}\n{','.join('甲' * len(names))}\n", encoding="utf-8")
    refused = refusal(path)
    assert refused.columns[:3] == ("内容", "摘要", "第0列")
    assert len(refused.columns) == 200
    assert refused.message.endswith("、第49列等 1002 列。")


def test_names_of_columns_are_all_different() -> None:
    assert find_header([(1, ["正文", "注", "注", None])], None).names == ("正文", "注", "注 (2)", "列D")
    assert [column_letter(position) for position in (0, 25, 26, 701, 702)] == ["列A", "列Z", "列AA", "列ZZ", "列AAA"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimited_text_in_every_dialect(encoding: str, delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        ["编号", "正文", "地区"],
        ["1", f'"{LOAN}\n含“引号”""和换行。"', "东湖"],
        ["2", "", "西山"],
        ["3", PATENT, "南岭", "多"],
    ]
    path.write_text("\r\n".join(delimiter.join(row) for row in rows), encoding=encoding, newline="")
    first, last = read(path)
    assert isinstance(first, DocumentBlock)
    assert isinstance(last, DocumentBlock)
    assert first.text == f'{LOAN}\n含“引号”"和换行。'
    assert first.place == {"file": "a.csv", "sheet": None, "row": 2, "columns": {"编号": "1", "地区": "东湖"}}
    assert (last.place["row"], last.place["columns"]) == (4, {"编号": "3", "地区": "南岭", "列D": "多"})


def test_a_wrong_row_is_refused_and_the_others_come_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        f"编号,正文\n1,{LOAN}\n2,{'甲' * 30_000}\n3,{'乙' * 200_000}\n4,丙\0。\n5,{PATENT}\n", encoding="utf-8"
    )
    items = read(path)
    assert [item.text for item in items if isinstance(item, DocumentBlock)] == [LOAN, PATENT]
    refused = [item for item in items if isinstance(item, Refusal)]
    assert [item.line for item in refused] == [3, 4, 5]
    assert {item.kind for item in refused} == {RefusalKind.BAD_ROW}


def test_a_line_without_end_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"编号,正文\n1,{'a' * 9_000_000}\n2,{LOAN}\n", encoding="utf-8")
    refused, block = read(path)
    assert isinstance(refused, Refusal)
    assert refused.line == 2
    assert isinstance(block, DocumentBlock)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("编号,正文\n".encode() + b"1,\xff\xff\n")
    assert "UTF-8" in refusal(tmp_path / "a.csv").message


def test_a_text_table_that_is_called_a_workbook_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_text(f"编号\t正文\n1\t{LOAN}\n", encoding="gb18030")
    assert texts(tmp_path / "a.xls") == [LOAN]
    (tmp_path / "b.xls").write_text(f"<html><table><tr><td>{LOAN}</td></tr></table>", encoding="utf-8")
    assert texts(tmp_path / "b.xls") == [LOAN]


def test_sheets_without_a_text_are_passed_over_but_not_those_with_several(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, row in (("数字", [1, 2]), ("正文", [1, LOAN]), ("两列", [LOAN, PATENT])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["甲", "乙"])
            sheet.write_row(1, 0, row)
        book.add_worksheet("空")
    block, refused = read(path)
    assert isinstance(block, DocumentBlock)
    assert block.place == {"file": "a.xlsx", "sheet": "正文", "row": 2, "columns": {"甲": 1}}
    assert isinstance(refused, Refusal)
    assert "工作表“两列”" in refused.message
    assert [item.text for item in read(path, "甲") if isinstance(item, DocumentBlock)] == ["1", "1", LOAN]


def test_of_sheets_without_a_text_those_with_likely_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, row in (("数字", [1, 2]), ("两列", [LOAN, PATENT])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [f"{name}甲", f"{name}乙"])
            sheet.write_row(1, 0, row)
    assert refusal(path).columns == ("两列甲", "两列乙")
    assert texts(path, "两列乙") == [PATENT]
    items = read(path, "丙")
    assert [item.columns for item in items if isinstance(item, Refusal)] == [("数字甲", "数字乙"), ("两列甲", "两列乙")]


def test_rows_keep_their_numbers_where_a_sheet_begins_lower_down(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row("C4", ["编号", "正文"])
        sheet.write_row("C6", [1.0, LOAN])
    (block,) = read(path)
    assert isinstance(block, DocumentBlock)
    assert (block.place["row"], block.place["columns"]) == (6, {"编号": 1})


def test_values_of_every_kind(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": [LOAN, None, PATENT],
            "day": [datetime.date(2024, 1, 2), None, None],
            "moment": [datetime.datetime(2024, 1, 2, 3, 4), None, None],
            "amount": [decimal.Decimal("1.50"), None, None],
            "share": [0.5, float("nan"), float("inf")],
            "raw": [b"\xff", None, None],
            "list": [[1, 2], None, []],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    first, last = read(tmp_path / "a.parquet")
    assert isinstance(first, DocumentBlock)
    assert isinstance(last, DocumentBlock)
    assert first.place["columns"] == {
        **{"day": "2024-01-02", "moment": "2024-01-02T03:04:00", "amount": "1.50", "share": 0.5},
        **{"raw": "/w==", "list": [1, 2]},
    }
    assert (first.place["row"], last.place["row"]) == (1, 3)
    assert last.place["columns"]["share"] is None


def test_a_parquet_file_is_read_by_the_column_that_is_asked_for(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": ["甲"], "b": ["乙"]}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet", "b") == ["乙"]
    assert "a、b" in refusal(tmp_path / "a.parquet").message
    assert refusal(tmp_path / "a.parquet").columns == ("a", "b")


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx", "a.xls", "a.ods"])
def test_a_truncated_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        parquet.write_table(pa.table({"text": [LOAN] * 100}), path)
        data = path.read_bytes()
    else:
        data = (Path(__file__).parent / "documents" / "reading" / f"项目清单{path.suffix}").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert refusal(path).message.endswith("。")


def test_an_empty_table_gives_nothing_or_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n\n", encoding="utf-8")
    assert refusal(tmp_path / "a.csv").kind == RefusalKind.EMPTY
    (tmp_path / "b.csv").write_text("编号,正文\n", encoding="utf-8")
    assert texts(tmp_path / "b.csv") == []


def test_unreadable_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("正文\n甲\n", encoding="utf-8")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads everything")
    assert "权限" in refusal(path).message
