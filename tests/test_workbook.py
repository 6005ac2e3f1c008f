"""The workbook as spreadsheets open it: four sheets, no formula among the texts, and nothing lost without a word."""

import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from model.labeller import Theme
from service.documents import Refusal
from service.outputs import Row, Run, open_output
from service.writers import paragraph_sheet, review_sheets, sheet_cells, workbook

THEMES = (
    Theme("tech_finance", "科技金融", "Technology finance", "金融支持科技。"),
    Theme("talent", "人才", "Talent", "引才用才。"),
)


def make_run(*refusals: Refusal) -> Run:
    card = {"thresholds": {"tech_finance": 0.4, "talent": 0.5}}
    return Run(THEMES, "1.0+abc", card, datetime(2026, 11, 22, 9, 30, tzinfo=UTC), list(refusals))


def make_row(text: str = "引进人才。发放贷款。", /, **fields: Any) -> Row:
    return {
        "file": "资料/某市总结.docx",
        "paragraph": 3,
        "headings": ["总结", "一、人才"],
        "text": text,
        "themes": ["talent"],
        "primary": "talent",
        "scores": {"tech_finance": 0.25, "talent": 0.9},
        "uncertain": [],
        "evidence": [
            {
                "theme": "talent",
                "text": text[:5],
                "start": 0,
                "end": min(5, len(text)),
                "terms": [{"text": text[:2], "start": 0, "end": min(2, len(text)), "weight": 1.5}],
            }
        ],
        **fields,
    }


def write(folder: Path, rows: Sequence[Row], run: Run | None = None) -> Path:
    path = folder / "结果.xlsx"
    with open_output(path, run or make_run()) as put:
        for row in rows:
            put(row)
    return path


def cells_of(sheet: Worksheet) -> list[dict[str, Any]]:
    """The rows below the headings, by heading."""
    headings, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(set(headings)) == len(headings), "each heading stands once"
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def opened(path: Path) -> Workbook:
    book: Workbook = openpyxl.load_workbook(path)
    return book


def test_the_sheets_are_there_in_order(tmp_path: Path) -> None:
    book = opened(write(tmp_path, [make_row()]))
    assert book.sheetnames == ["段落", "待复核", "汇总", "说明"]
    assert book.active is not None
    assert book.active.title == "段落"


def test_a_paragraph_is_a_row(tmp_path: Path) -> None:
    book = opened(write(tmp_path, [make_row(pages=[2, 3]), make_row(themes=[], primary="other", evidence=[])]))
    first, second = cells_of(book["段落"])
    assert first == {
        "文件": "资料/某市总结.docx",
        "编号": 3,
        "位置": "第 2-3 页",
        "标题": "总结 / 一、人才",
        "正文": "引进人才。发放贷款。",
        "主题": "人才",
        "主要主题": "人才",
        "待复核": None,
        "科技金融": None,
        "人才": "✓",
        "科技金融 概率": 0.25,
        "人才 概率": 0.9,
        "依据": "【人才】引进人才。",
        "依据词": "【人才】引进 +1.5",
    }
    assert (second["主题"], second["主要主题"], second["人才"], second["依据"]) == (None, "其他", None, None)
    assert book["段落"].auto_filter.ref == "A1:N3"
    assert book["段落"].freeze_panes == "C2"


def test_the_evidence_stands_out_in_the_text(tmp_path: Path) -> None:
    rows = [make_row(), make_row("引进人才。"), make_row("", evidence=[])]
    book = openpyxl.load_workbook(write(tmp_path, rows), rich_text=True)
    first, second, third = (book["段落"].cell(row, 5).value for row in (2, 3, 4))
    bold, rest = first
    assert (bold.text, bold.font.b, rest.text, rest.font.b) == ("引进人才。", True, "发放贷款。", False)
    assert str(second) == "引进人才。"
    assert third is None


def test_columns_of_tables_are_kept(tmp_path: Path) -> None:
    tables = [
        make_row(sheet="项目", row=7, columns={"金额": 12.5, "正文": "另一列", "编号": "00071", "明细": {"a": [1]}}),
        make_row(sheet="项目", row=8, columns={"金额": None, "流水号": 12345678901234567890}),
    ]
    first, second = cells_of(opened(write(tmp_path, tables))["段落"])
    assert first["位置"] == "工作表“项目”第 7 行"
    assert (first["金额"], first["正文（原表）"], first["编号（原表）"], first["明细"]) == (
        12.5,
        "另一列",
        "00071",
        '{"a": [1]}',
    )
    assert (second["金额"], second["流水号"]) == (None, "12345678901234567890"), "no digit is lost"


HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://example.com","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "http://example.com/",
    "mailto:a@example.com",
    "internal:汇总!A1",
    "<r><t>标记</t></r>",
    "<r></r>",
    "</t></is></c>",
    "_x0041_",
    "&lt;",
    "\u2028",
    "𠮷",
    "  前后空格  ",
    "两行\n文字",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    row = make_row(text, file=text, headings=[text], columns={f"列{text}": text}, uncertain=["talent"])
    path = write(tmp_path, [row], make_run(Refusal(text, text)))
    book = opened(path)
    for sheet in book:
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
    # openpyxl leaves _x…_ as it is written; calamine reads as Excel does.
    read = CalamineWorkbook.from_path(path).get_sheet_by_name("段落").to_python()
    shown = dict(zip(read[0], read[1], strict=True))
    assert (shown["文件"], shown["标题"], shown["正文"], shown[f"列{text}"]) == (text, text, text, text)
    with zipfile.ZipFile(path) as parts:
        assert not any("hyperlink" in parts.read(name).decode("utf-8", "ignore") for name in parts.namelist())


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=40), starts=st.lists(st.integers(0, 40), min_size=2, max_size=4)
)
def test_any_text_is_written_and_read_again(
    tmp_path_factory: pytest.TempPathFactory, text: str, starts: list[int]
) -> None:
    low, high = min(starts[0], len(text)), min(max(starts), len(text))
    spans = sorted((low, high))
    evidence = {"theme": "talent", "text": text[slice(*spans)], "start": spans[0], "end": spans[1], "terms": []}
    path = write(tmp_path_factory.mktemp("book"), [make_row(text, evidence=[evidence])])
    read = CalamineWorkbook.from_path(path).get_sheet_by_name("段落").to_python()
    assert read[1][read[0].index("正文")] == sheet_cells.clean(text)


def test_what_xml_cannot_hold_is_taken_out(tmp_path: Path) -> None:
    (row,) = cells_of(opened(write(tmp_path, [make_row("引\0进\x0b人\ufffe才\r\n。\ud800")]))["段落"])
    assert row["正文"] == "引进人才\n。"


def test_a_text_too_long_for_a_cell_is_cut_with_a_word(tmp_path: Path) -> None:
    texts = ["长" * 40_000, "𠮷" * 20_000, "短" * 32_767]
    rows = cells_of(opened(write(tmp_path, [make_row(text) for text in texts]))["段落"])
    for row, text in zip(rows[:2], texts, strict=False):
        assert re.fullmatch(f"{text[0]}+……（.*从略）", row["正文"])
        assert len(row["正文"].encode("utf-16-le")) // 2 <= 32_767
        assert len(row["正文"].encode("utf-16-le")) // 2 > 32_760
    assert rows[2]["正文"] == texts[2]


def test_more_rows_than_a_sheet_holds_go_to_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (paragraph_sheet, review_sheets, workbook):
        monkeypatch.setattr(module, "MOST_ROWS", 4)
    rows = [make_row(f"第{number}段", uncertain=["talent"] * (number < 4)) for number in range(7)]
    book = opened(write(tmp_path, rows))
    assert book.sheetnames == ["段落", "段落(2)", "段落(3)", "待复核", "待复核(2)", "汇总", "说明"]
    shown = [row["正文"] for name in book.sheetnames[:3] for row in cells_of(book[name])]
    assert shown == [f"第{number}段" for number in range(7)]
    assert [len(cells_of(book[name])) for name in book.sheetnames[3:5]] == [3, 1]


def uncertain_row(text: str, finance: float, talent: float, **fields: Any) -> Row:
    scores = {"tech_finance": finance, "talent": talent}
    return make_row(text, scores=scores, uncertain=["tech_finance", "talent"], **fields)


def test_reviews_come_most_uncertain_first_with_what_an_import_needs(tmp_path: Path) -> None:
    rows = [
        uncertain_row("甲段。", 0.30, 0.60, lines=[4, 5]),
        make_row("没有疑问。"),
        uncertain_row("乙段。", 0.39, 0.90, themes=[], primary="other"),
        uncertain_row("丙段。", 0.10, 0.45),
    ]
    sheet = opened(write(tmp_path, rows))["待复核"]
    second, third, first = cells_of(sheet)
    assert (second["正文"], third["正文"], first["正文"]) == ("乙段。", "丙段。", "甲段。")
    assert second["存疑"] == "科技金融 0.39（界限 0.40）\n人才 0.90（界限 0.50）"
    assert (first["科技金融"], first["人才"], first["主要主题"], first["复核人"]) == ("否", "是", "人才", None)
    assert (second["科技金融"], second["人才"], second["主要主题"]) == ("否", "否", "其他")
    assert (first["模型版本"], first["来源文件"]) == ("1.0+abc", "资料/某市总结.docx")
    assert first["来源位置"] == '{"paragraph": 3, "lines": [4, 5], "headings": ["总结", "一、人才"]}'
    assert (first["模型的主题"], first["模型的主要主题"]) == ('["talent"]', "talent")
    hidden = [sheet.cell(1, column).value for column in range(1, sheet.max_column + 1)][-6:]
    letters = [openpyxl.utils.get_column_letter(sheet.max_column - offset) for offset in range(6)]
    assert hidden == ["正文校验", "模型版本", "来源文件", "来源位置", "模型的主题", "模型的主要主题"]
    assert sheet.column_dimensions[letters[-1]].hidden, "the group of hidden columns begins here"


def test_verdicts_have_drop_downs(tmp_path: Path) -> None:
    sheet = opened(write(tmp_path, [uncertain_row(f"第{number}段", 0.3, 0.6) for number in range(3)]))["待复核"]
    choices = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation if one.type == "list"}
    column = {cell.value: cell.column_letter for cell in sheet[1]}
    assert choices == {
        f"{column['科技金融']}2:{column['科技金融']}4": '"是,否"',
        f"{column['人才']}2:{column['人才']}4": '"是,否"',
        f"{column['主要主题']}2:{column['主要主题']}4": '"科技金融,人才,其他"',
    }


def test_the_summary_counts_and_draws(tmp_path: Path) -> None:
    rows = [make_row(file="资料/甲.txt", headings=["总结", "一、人才"]) for _ in range(3)]
    rows += [make_row(file="资料/甲.txt", headings=["总结", "二、其他"], themes=[], primary="other")]
    rows += [make_row(file="资料/乙.txt", headings=["总结", "一、人才"], uncertain=["talent"])]
    path = write(tmp_path, rows)
    lines = [[cell.value for cell in row if cell.value is not None] for row in opened(path)["汇总"].iter_rows()]
    assert ["人才", 4, 0.8] in lines
    assert ["无主题", 1, 0.2] in lines
    assert ["待复核", 1, 0.2] in lines
    assert ["甲.txt", 4, 3, 0, 0, 0, 3, 0.75] in lines
    assert ["乙.txt", 1, 1, 1, 0, 0, 1, 1] in lines
    assert ["甲.txt › 二、其他", 1, 0, 0, 0, 0, 0, 0] in lines
    with zipfile.ZipFile(path) as parts:
        assert len([name for name in parts.namelist() if name.startswith("xl/charts/chart")]) == 3


def test_the_notes_say_what_made_it_and_what_was_refused(tmp_path: Path) -> None:
    run = make_run(Refusal("坏.pdf", "打不开。", 7))
    notes = "\n".join(
        " ".join(str(cell.value) for cell in row if cell.value is not None)
        for row in opened(write(tmp_path, [make_row()], run))["说明"].iter_rows()
    )
    for part in (
        "1.0+abc",
        "2026-11-22 09:30",
        "科技金融 界限 0.400",
        "没能处理的（1 处）",
        "坏.pdf 第 7 行：打不开。",
        "data import",
    ):
        assert part in notes


def test_a_run_without_paragraphs_makes_a_whole_workbook(tmp_path: Path) -> None:
    book = opened(write(tmp_path, []))
    assert [len(cells_of(book[name])) for name in ("段落", "待复核")] == [0, 0]


def test_nothing_is_left_beside_the_workbook(tmp_path: Path) -> None:
    def interrupted() -> None:
        with open_output(tmp_path / "a.xlsx", make_run()) as put:
            put(make_row())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    path = write(tmp_path, [make_row()])
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("一", "二"):
        (tmp_path / name).mkdir()
        made.append(write(tmp_path / name, [make_row(), uncertain_row("甲段。", 0.3, 0.6)]).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("name", ["2023", "nan", "1e5", "甲 & 乙<丙>.txt"])
def test_a_chart_takes_any_name_of_a_document(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, [make_row(file=name, headings=[])])
    with zipfile.ZipFile(path) as parts:
        chart = ElementTree.fromstring(parts.read("xl/charts/chart2.xml"))  # noqa: S314 (our own)
    space = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
    numbers = {cache.findtext(f".//{space}v") for cache in chart.iter(f"{space}numCache")}
    assert numbers == {"0", "1"}, "no name is kept as a number"
    names = [cache.findtext(f".//{space}v") for cache in chart.iter(f"{space}strCache")]
    assert set(names) <= {name}
