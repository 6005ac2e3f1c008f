"""Corrected labels on their way back: from the workbook and from feedback into a data folder that training can read."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from model.errors import DataError
from model.features import FeatureReader
from model.labeller import Labeller
from service.documents import InputParagraph
from service.labelling import labelled_row
from service.outputs import Run, open_output
from training.command import main
from training.data_import import Imported, import_reviews
from training.dataset import read_dataset
from training.fit import read_examples

TODAY = date(2026, 11, 22)
LOAN = "县里与两家农商行商定，凡列入名录的种子期科技公司，可凭订单先行借款，本金损失由专户承担七成。"
FERRY = "渡口管理所更换了全部救生衣，并在汛期前完成趸船锚链的检修。"
TALENT = "对柔性聘任的首席技师，按其在本地服务的月数发放津贴，子女入学由教育部门一次办结。"
TEXTS = [LOAN, FERRY, TALENT]


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    """A data folder of one's own."""
    folder = tmp_path / "我的数据"
    shutil.copytree(tiny_data, folder)
    return folder


Correct = Callable[[dict[str, Any]], None]


@pytest.fixture
def sheet(labeller: Labeller, tmp_path: Path) -> Callable[..., Path]:
    """Writes a workbook whose paragraphs are all uncertain, and has a person fill in its rows: cells by heading, by text."""

    def make(corrections: dict[str, dict[str, Any]], texts: list[str] = TEXTS) -> Path:
        path = tmp_path / "结果.xlsx"
        paragraphs = [
            InputParagraph(text, {"file": "汇报/某县总结.docx", "paragraph": number, "headings": ["某县总结"]})
            for number, text in enumerate(texts, 1)
        ]
        with open_output(path, Run.of(labeller)) as write:
            for paragraph, label in zip(paragraphs, labeller.label(texts), strict=True):
                write({**labelled_row(paragraph, label), "uncertain": ["talent"]})
        book = openpyxl.load_workbook(path)
        cells = book["待复核"]
        column = {cell.value: cell.column for cell in cells[1]}
        for number in range(2, cells.max_row + 1):
            text = cells.cell(number, column["正文"]).value
            for heading, value in corrections.get(text, {}).items():
                cells.cell(number, column[heading]).value = value
        book.save(path)
        book.close()
        return path

    return make


def verdict(*names: str, primary: str = "其他", reviewer: Any = "王工", **others: Any) -> dict[str, Any]:
    """A whole row as a person fills it in."""
    themes = ("科技金融", "孵化器", "人才", "知识产权", "军民融合")
    given = {theme: "是" if theme in names else "否" for theme in themes}
    return {**given, "主要主题": primary, "复核人": reviewer, **others}


def run(file: Path, data: Path, **options: Any) -> Imported:
    return import_reviews(file, data, **{"reviewer": "网页反馈", "skip_refused": False, "today": TODAY, **options})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_corrected_sheet_comes_back_as_training_data(
    sheet: Callable[..., Path], data: Path, labeller: Labeller, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sheet(
        {
            LOAN: verdict("科技金融", "人才", primary="科技金融", 备注="人才是顺带提到"),
            FERRY: verdict(reviewer="李工"),
            TALENT: {},
        }
    )
    before = read_dataset(data)
    assert main(["data", "import", str(file), "--data", str(data)]) == 0
    assert "新的 2 段，已导入过的 0 段，没有复核的 1 行，不合的 0 行" in capsys.readouterr().out
    after = read_dataset(data)
    new = {one.text: one for one in after.paragraphs if one not in before.paragraphs}
    assert set(new) == {LOAN, FERRY}
    loan, ferry = new[LOAN], new[FERRY]
    assert (loan.themes, loan.primary, loan.labelled) == (["tech_finance", "talent"], "tech_finance", "reviewed")
    assert (ferry.themes, ferry.primary) == ([], "other")
    assert loan.review is not None
    assert loan.review.note == "人才是顺带提到"
    assert loan.review.place == {"paragraph": 1, "headings": ["某县总结"]}
    assert loan.review.predicted == list(labeller.label([LOAN])[0].themes)
    document = after.documents[loan.document]
    assert (document.title, document.origin) == ("某县总结", "review")
    assert document.review is not None
    assert (document.review.file, document.review.model) == ("汇报/某县总结.docx", labeller.version)
    assert (document.review.reviewer, after.documents[ferry.document].review.reviewer) == ("王工", "李工")  # type: ignore[union-attr]
    assert document.collection == after.documents[ferry.document].collection, "one file is one group"
    assert main(["check", "--data", str(data)]) == 0


def test_importing_again_adds_nothing_and_says_so(
    sheet: Callable[..., Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sheet({LOAN: verdict("科技金融", primary="科技金融")})
    run(file, data)
    before = contents(data)
    again = run(file, data, today=date(2027, 1, 5))
    assert (again.added, again.known, again.written) == ((), 1, False)
    assert contents(data) == before
    main(["data", "import", str(file), "--data", str(data)])
    assert "已导入过的 1 段" in capsys.readouterr().out


def test_training_reads_reviewed_paragraphs(sheet: Callable[..., Path], data: Path) -> None:
    run(sheet({LOAN: verdict("科技金融", primary="科技金融"), FERRY: verdict()}), data)
    dataset = read_dataset(data)
    documents = {one.id for one in dataset.documents.values() if one.origin == "review"}
    examples = [one for one in read_examples(dataset, FeatureReader(dataset.lexicon)) if one.document in documents]
    assert sorted(one.themes for one in examples) == [(False,) * 5, (True, False, False, False, False)]
    assert all(len(one.clauses) > 1 for one in examples)


REFUSED = [
    pytest.param(
        verdict("科技金融", primary="科技金融") | {"人才": "也许"}, "人才", "现为“也许”", id="unknown verdict"
    ),
    pytest.param(verdict("科技金融", primary="科技金融") | {"人才": None}, "人才", "现为空白", id="empty verdict"),
    pytest.param(verdict("科技金融", primary="人才"), "主要主题", "判“是”", id="primary against themes"),
    pytest.param(verdict(primary="金融"), "主要主题", "现为“金融”", id="unknown primary"),
    pytest.param(verdict("人才", primary="人才", reviewer=None), "复核人", "没有填复核人", id="changed, nobody's"),
    pytest.param(verdict(正文=f"{LOAN}加一句。"), "正文", "恢复原文", id="changed text"),
    pytest.param(verdict(模型的主题="[]x"), "模型的主题", "隐藏列", id="broken hidden column"),
    pytest.param(verdict(模型的主题='["weather"]'), "模型的主题", "没有主题 weather", id="another model's theme"),
]


@pytest.mark.parametrize(("cells", "column", "message"), REFUSED)
def test_what_does_not_fit_is_refused_by_row_and_column(
    sheet: Callable[..., Path],
    data: Path,
    capsys: pytest.CaptureFixture[str],
    cells: dict[str, Any],
    column: str,
    message: str,
) -> None:
    file = sheet({LOAN: cells, FERRY: verdict()})
    book = openpyxl.load_workbook(file)
    headings = {cell.value: cell for cell in book["待复核"][1]}
    letter = headings[column].column_letter
    texts = [cell.value for cell in book["待复核"][headings["正文"].column_letter]]
    row = next(number for number, text in enumerate(texts, 1) if str(text).startswith(LOAN))
    book.close()
    before = contents(data)
    assert main(["data", "import", str(file), "--data", str(data)]) == 1
    told = capsys.readouterr().out
    assert f"工作表“待复核”第 {row} 行，{letter} 列（{column}）：" in told
    assert message in told
    assert "什么也没有写入" in told
    assert contents(data) == before
    assert main(["data", "import", str(file), "--data", str(data), "--skip-refused"]) == 0
    texts_now = {one.text for one in read_dataset(data).paragraphs}
    assert FERRY in texts_now
    assert LOAN not in texts_now


def test_all_that_does_not_fit_is_told_at_once(sheet: Callable[..., Path], data: Path) -> None:
    imported = run(sheet({text: verdict(primary="无") for text in TEXTS}), data)
    assert len(imported.refused) == 3


def test_a_repetition_is_refused(sheet: Callable[..., Path], data: Path) -> None:
    known = next(one for one in read_dataset(data).paragraphs if len(one.text) < 400)
    near = LOAN.replace("七成", "八成")
    file = sheet({text: verdict() for text in (known.text, LOAN, near)}, [known.text, LOAN, near])
    imported = run(file, data, skip_refused=True)
    same, close = sorted(imported.refused, key=lambda one: "近似" in one.message)
    assert f"已有记录 {known.id} 正文相同" in same.message
    assert "近似重复" in close.message
    assert "工作表“待复核”第" in close.message, "it repeats another row of the sheet"
    assert len(imported.added) == 1


def test_a_second_opinion_is_refused(sheet: Callable[..., Path], data: Path) -> None:
    run(sheet({LOAN: verdict("科技金融", primary="科技金融")}), data)
    (refused,) = run(sheet({LOAN: verdict("人才", primary="人才")}), data).refused
    assert "tech_finance" in refused.message


def test_a_paragraph_too_long_for_the_data_is_refused(sheet: Callable[..., Path], data: Path) -> None:
    long = "".join(f"第{number}项任务已经完成。" for number in range(250))
    (refused,) = run(sheet({long: verdict()}, [long]), data).refused
    assert "最多 2,000 字" in refused.message


def test_a_sheet_sorted_and_filtered_by_hand_is_read(sheet: Callable[..., Path], data: Path) -> None:
    file = sheet({text: verdict() for text in TEXTS})
    book = openpyxl.load_workbook(file)
    cells = book["待复核"]
    cells.insert_rows(3)
    cells.insert_cols(1)
    book.save(file)
    book.close()
    assert len(run(file, data).added) == 3


@pytest.mark.parametrize(
    "text",
    ["两行文字，\n第二行接着说明渡口的检修安排。", "  前后有空格的渡口检修说明文字  ", "𠮷字号渡口的检修说明：=1+1"],
)
def test_odd_texts_survive_the_journey(sheet: Callable[..., Path], data: Path, text: str) -> None:
    run(sheet({text: verdict()}, [text]), data)
    assert text in {one.text for one in read_dataset(data).paragraphs}


def test_a_workbook_without_the_sheet_or_its_columns_is_refused(
    sheet: Callable[..., Path], data: Path, tmp_path: Path
) -> None:
    file = sheet({})
    book = openpyxl.load_workbook(file)
    book["待复核"].delete_cols(5)
    book.save(file)
    with pytest.raises(DataError, match="缺少这些列：正文"):
        run(file, data)
    del book["待复核"]
    book.save(file)
    book.close()
    with pytest.raises(DataError, match="没有名为“待复核”"):
        run(file, data)
    (tmp_path / "假.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="不能作为工作簿读取"):
        run(tmp_path / "假.xlsx", data)
    (tmp_path / "表.docx").write_bytes(b"")
    with pytest.raises(DataError, match="不认识"):
        run(tmp_path / "表.docx", data)
    with pytest.raises(DataError, match="找不到"):
        run(tmp_path / "没有.xlsx", data)


def test_the_shipped_data_take_no_reviews(sheet: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    shipped = Path(__file__).resolve().parent.parent / "datasets"
    assert main(["data", "import", str(sheet({})), "--data", str(shipped)]) == 1
    assert "复制一份" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["data", "import", "x.xlsx"])


FEEDBACK = {
    "id": "f1",
    "text": LOAN,
    "themes": ["tech_finance"],
    "primary": "tech_finance",
    "model": "0.1.0+x",
    "predicted": [],
    "note": "漏了",
    "file": "某县总结.docx",
    "text_sha256": None,
    "at": "2026-11-20T08:00:00Z",
}


def feedback_file(folder: Path, *changes: dict[str, Any]) -> Path:
    path = folder / "反馈.jsonl"
    lines = [json.dumps({**FEEDBACK, **change}, ensure_ascii=False) for change in changes]
    path.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_feedback_is_imported(data: Path, tmp_path: Path) -> None:
    file = feedback_file(
        tmp_path,
        {},
        {"text": FERRY, "themes": [], "primary": None},
        {"text": TALENT, "themes": ["talent", "tech_finance"], "primary": None},
    )
    imported = run(file, data, reviewer="某局")
    dataset = read_dataset(data)
    new = {one.text: one for one in dataset.paragraphs if one.id in imported.added}
    assert [(new[text].themes, new[text].primary) for text in TEXTS] == [
        (["tech_finance"], "tech_finance"),
        ([], "other"),
        (["tech_finance", "talent"], None),
    ]
    review = dataset.documents[new[LOAN].document].review
    assert review is not None
    assert (review.reviewer, review.date) == ("某局", date(2026, 11, 20))
    assert run(file, data, reviewer="某局").known == 3


def test_the_last_feedback_on_a_text_counts(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = feedback_file(
        tmp_path,
        {},
        {"themes": ["tech_finance", "talent"], "primary": None},
        {"themes": ["talent"], "primary": "talent"},
    )
    assert main(["data", "import", str(file), "--data", str(data), "--reviewer", "某局"]) == 0
    assert "新的 1 段" in (told := capsys.readouterr().out)
    assert "被后来的反馈取代的 2 条" in told
    (record,) = [one for one in read_dataset(data).paragraphs if one.text == LOAN]
    assert record.themes == ["talent"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"themes": ["weather"]}, "themes", "没有主题 weather"),
        ({"primary": "talent"}, "primary", "不在本段主题之中"),
        ({"text_sha256": "0" * 64}, "text_sha256", "改动过"),
        ({"model": None}, "model", ""),
        ({"text": "  "}, "正文", "没有文字"),
    ],
)
def test_feedback_that_does_not_fit_is_refused_by_line_and_field(
    data: Path, tmp_path: Path, change: dict[str, Any], field: str, message: str
) -> None:
    (refused,) = run(feedback_file(tmp_path, {"text": FERRY}, change), data).refused
    assert refused.where == "反馈.jsonl 第 3 行"
    assert field in refused.field
    assert message in refused.message
