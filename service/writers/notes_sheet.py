"""The sheet 说明: what made the workbook, what its columns mean, and what could not be labelled."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version

from xlsxwriter.worksheet import Worksheet

from model import review_sheet
from service.run import Run
from service.writers.sheet_cells import MOST_ROWS, Formats, put, set_height
from service.writers.tally import Tally

_MOST_REFUSALS = 100_000
_COLUMNS = [
    ("文件、编号、位置、标题", "段落出自哪份文件、第几段，在第几页、第几行或工作表第几行，上面有哪些标题（由外到内）"),
    ("正文", "段落全文；定下主题的句子加粗"),
    ("主题、主要主题", "可以有几个主题，也可以没有；没有一个主题为主时，主要主题是“其他”"),
    ("待复核", "模型对这些主题没有把握，建议人再看"),
    ("主题名称下的 ✓", "有这个主题"),
    ("概率", "校准过的概率，达到该主题的界限就给出这个主题"),
    ("依据、依据词", "定下主题的句子，和其中分量最重的词；数字是这个词给得分（对数几率）加了多少"),
    ("其余各列", "原表的其他列，照原样保留"),
]
_REVIEW = [
    "“待复核”从最没有把握的排起，各主题已按模型的判断填“是”或“否”，主要主题也已填好。",
    f"逐行看过：不对就改，对的不动；看过的行在“{review_sheet.REVIEWER}”填上名字。没有填的行不算看过，不会导入。",
    "改动主题时，主要主题应是判“是”的一个主题，或“其他”。正文请勿改动。",
    "存盘后运行：policy-train data import 本文件.xlsx --data 数据文件夹，改正的标签就成为训练数据。",
]


def write_notes(sheet: Worksheet, tally: Tally, run: Run, left_out: Sequence[str], formats: Formats) -> None:
    """Write the sheet; `left_out` are the kept columns that the workbook had no room for."""
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 100)
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 0)
    for number, (name, value) in enumerate(_lines(tally, run, left_out)):
        put(sheet, number, 0, name, formats.title if value is None else formats.text)
        if value is None:
            sheet.set_row(number, 24)
        else:
            set_height(sheet, number, [(name, 30), (str(value), 100)])
            put(sheet, number, 1, value, formats.text)


def _lines(tally: Tally, run: Run, left_out: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Each line's name and value; None as value makes the name a title."""
    yield "这份工作簿", None
    yield "软件", f"policy-themes {version('policy-themes')}"
    yield "模型版本", run.model_version
    yield "标注时间", run.started.strftime("%Y-%m-%d %H:%M %z")
    yield "段落", f"{tally.total.paragraphs:,}（有主题 {tally.total.themed:,}，待复核 {tally.total.uncertain:,}）"
    if tally.total.paragraphs > MOST_ROWS - 1:
        yield "工作表", f"一张表最多 {MOST_ROWS:,} 行，其余的行在“段落(2)”等表。"
    if left_out:
        yield "没有列出的原表列", f"原表的列太多，这些没有列入：{'、'.join(left_out[:100])}"
    yield "", ""
    yield "主题", None
    f1 = run.card.get("scores", {}).get("cross_validation", {}).get("themes", {})
    for theme in run.themes:
        quality = f"；训练时交叉验证 F1 {f1[theme.id]['f1']:.3f}" if theme.id in f1 else ""
        yield theme.name_zh, f"界限 {run.threshold_of(theme.id):.3f}{quality}。{theme.definition}"
    yield "", ""
    yield "各列的意思", None
    yield from _COLUMNS
    yield "", ""
    yield "怎样复核", None
    for sentence in _REVIEW:
        yield "", sentence
    yield "", ""
    yield f"没能处理的（{len(run.refusals):,} 处）" if run.refusals else "没能处理的：没有", None
    for refusal in run.refusals[:_MOST_REFUSALS]:
        yield refusal.file, str(refusal).removeprefix(refusal.file).strip("：: ")
    if len(run.refusals) > _MOST_REFUSALS:
        yield "", f"……另有 {len(run.refusals) - _MOST_REFUSALS:,} 处"
