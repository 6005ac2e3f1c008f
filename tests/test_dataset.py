import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from model.errors import DataError
from training.dataset import read_dataset, sizes

Row = dict[str, Any]

THEMES: list[Row] = [
    {"id": "talent", "name_zh": "人才", "name_en": "Talent", "definition": "人的引进和培养。"},
    {"id": "incubator", "name_zh": "孵化器", "name_en": "Incubators", "definition": "孵化载体。"},
]
DOCUMENT: Row = {
    "id": "plan-1",
    "collection": "plans",
    "genre": "plan",
    "year": 2020,
    "place": "青石市",
    "title": "青石市规划",
    "origin": "written",
}
SENTENCE: Row = {
    "id": "s-1",
    "document": "plan-1",
    "text": "引进博士十名。",
    "themes": ["talent"],
    "resembles": ["park"],
    "labelled": "written",
}
PARAGRAPH: Row = {
    "id": "p-1",
    "document": "plan-1",
    "text": "引进博士十名。道路畅通。",
    "themes": ["talent"],
    "primary": "talent",
    "sentences": [{"text": "引进博士十名。", "themes": ["talent"]}, {"text": "道路畅通。", "themes": []}],
    "labelled": "confirmed",
}
REVIEW: Row = {"file": "总结.docx", "model": "0.1.0+x", "reviewer": "王工", "date": "2026-11-22"}
REVIEWED: Row = {
    "id": "r-1",
    "collection": "r",
    "genre": "unknown",
    "title": "总结",
    "origin": "review",
    "review": REVIEW,
}
LEXICON = "term\ttheme\tkind\talso\tnote\n博士\ttalent\tstrong\t\t\n人才公寓\ttalent\tnegative\tshared:name\t楼名\n"


def lines(*rows: Row) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small data folder without a fault."""
    for name, content in {
        "themes.json": json.dumps(THEMES, ensure_ascii=False),
        "documents.jsonl": lines(DOCUMENT),
        "sentences/a.jsonl": lines(SENTENCE),
        "paragraphs/a.jsonl": lines(PARAGRAPH),
        "lexicon.tsv": LEXICON,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content.encode())
    return tmp_path


def faults(folder: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_dataset(folder)
    return str(caught.value).split("\n")


def test_a_reviewed_paragraph_needs_no_sentences(folder: Path) -> None:
    paragraph = change(PARAGRAPH, id="p-2", document="r-1", labelled="reviewed", sentences=None)
    (folder / "documents.jsonl").write_text(lines(DOCUMENT, REVIEWED), encoding="utf-8")
    (folder / "paragraphs" / "reviews.jsonl").write_text(lines(paragraph), encoding="utf-8")
    dataset = read_dataset(folder)
    assert dataset.paragraphs[1].sentences is None
    review = dataset.documents["r-1"].review
    assert review is not None
    assert (review.reviewer, review.date) == ("王工", date(2026, 11, 22))


def test_data_without_a_fault(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert dataset.theme_ids == ["talent", "incubator"]
    assert dataset.documents["plan-1"].year == 2020
    assert [one.text for one in dataset.sentences] == [SENTENCE["text"]]
    assert [one.primary for one in dataset.paragraphs] == ["talent"]
    assert [(term.text, term.concepts) for term in dataset.lexicon.terms] == [
        ("博士", ("talent:strong",)),
        ("人才公寓", ("talent:negative", "shared:name")),
    ]
    assert sizes(dataset) == {"digest": dataset.digest, "documents": 1, "sentences": 1, "paragraphs": 1, "terms": 2}


def change(row: Row, **fields: Any) -> Row:
    """`row` with other fields; None takes one away."""
    return {name: value for name, value in {**row, **fields}.items() if value is not None}


UNLABELLED = {"themes": [], "primary": "other", "sentences": [{"text": PARAGRAPH["text"], "themes": []}]}


@pytest.mark.parametrize(
    ("name", "row", "field", "what"),
    [
        pytest.param("documents.jsonl", change(DOCUMENT, id="甲"), "id", "pattern", id="document id"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="plan-1"), "id", "plan-1", id="document id used twice"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", genre="novel"), "genre", "", id="genre"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", year="晚清"), "year", "", id="year"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", origin="copied"), "origin", "", id="origin"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", title=None), "title", "required", id="no title"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", author="甲"), "author", "", id="unknown field"),
        pytest.param("documents.jsonl", change(DOCUMENT, id="x", year=None), "（整行）", "year", id="written, no year"),
        pytest.param(
            "documents.jsonl", change(DOCUMENT, id="x", review=REVIEW), "（整行）", "review", id="written, reviewed"
        ),
        pytest.param(
            "documents.jsonl", change(DOCUMENT, id="x", origin="review"), "（整行）", "review", id="nobody's review"
        ),
        pytest.param(
            "documents.jsonl", change(REVIEWED, review=REVIEW | {"date": "昨天"}), "review.date", "", id="review's date"
        ),
        pytest.param(
            "paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", sentences=None), "sentences", "缺少", id="no sentences"
        ),
        pytest.param("sentences/a.jsonl", change(SENTENCE), "id", "s-1", id="sentence id used twice"),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="S 2"), "id", "", id="sentence id"),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", id2="x"), "id2", "", id="field of a sentence"),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", document="y"), "document", "y", id="document"),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", text=""), "text", "", id="empty text"),
        pytest.param(
            "sentences/a.jsonl", change(SENTENCE, id="s-2", text="\u3000 \u200b"), "text", "没有文字", id="blank text"
        ),
        pytest.param(
            "sentences/a.jsonl", change(SENTENCE, id="s-2", text="长" * 2_001), "text", "2000", id="long text"
        ),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", text=5), "text", "", id="text of another type"),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", themes=None), "themes", "", id="no themes"),
        pytest.param(
            "sentences/a.jsonl", change(SENTENCE, id="s-2", themes="talent"), "themes", "", id="themes no list"
        ),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", themes=["x"]), "themes", "x", id="unknown theme"),
        pytest.param(
            "sentences/a.jsonl", change(SENTENCE, id="s-2", themes=["talent"] * 2), "themes", "重复", id="theme twice"
        ),
        pytest.param(
            "sentences/a.jsonl", change(SENTENCE, id="s-2", resembles=["x"]), "resembles.0", "", id="look-alike"
        ),
        pytest.param("sentences/a.jsonl", change(SENTENCE, id="s-2", labelled="guess"), "labelled", "", id="labelled"),
        pytest.param("paragraphs/a.jsonl", change(PARAGRAPH), "id", "p-1", id="paragraph id used twice"),
        pytest.param("paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", document="y"), "document", "y", id="home"),
        pytest.param(
            "paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", primary="incubator"), "primary", "incubator", id="primary"
        ),
        pytest.param("paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", primary=None), "primary", "", id="no primary"),
        pytest.param(
            "paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", themes=[]), "themes", "不一致", id="fewer themes"
        ),
        pytest.param(
            "paragraphs/a.jsonl", change(PARAGRAPH, id="p-2", themes=["talent", "x"]), "themes", "x", id="no such theme"
        ),
        pytest.param(
            "paragraphs/a.jsonl",
            change(PARAGRAPH, id="p-2", sentences=[*PARAGRAPH["sentences"], {"text": "多一句。", "themes": []}]),
            "sentences.2.text",
            "不在段落正文里",
            id="a sentence too many",
        ),
        pytest.param(
            "paragraphs/a.jsonl",
            change(PARAGRAPH, id="p-2", sentences=PARAGRAPH["sentences"][:1]),
            "sentences",
            "不一致",
            id="one too few",
        ),
        pytest.param(
            "paragraphs/a.jsonl",
            change(PARAGRAPH, id="p-2", sentences=PARAGRAPH["sentences"][::-1]),
            "sentences",
            "不一致",
            id="order",
        ),
        pytest.param(
            "paragraphs/a.jsonl",
            change(PARAGRAPH, id="p-2", **{**UNLABELLED, "sentences": [{"text": PARAGRAPH["text"], "themes": ["x"]}]}),
            "sentences.0.themes",
            "x",
            id="theme of a sentence",
        ),
        pytest.param(
            "paragraphs/a.jsonl",
            change(PARAGRAPH, id="p-2", sentences=[{"text": PARAGRAPH["text"]}]),
            "sentences.0.themes",
            "required",
            id="sentence without themes",
        ),
    ],
)
def test_a_wrong_record_is_named_by_file_line_and_field(
    folder: Path, name: str, row: Row, field: str, what: str
) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write("\n" + lines(row))  # after a blank line, which counts
    assert any(
        fault.startswith(f"{folder / name} 第 3 行，字段 {field}：") and what in fault for fault in faults(folder)
    )


def test_a_paragraph_with_the_id_of_a_sentence_is_named_with_both_places(folder: Path) -> None:
    (folder / "paragraphs" / "a.jsonl").write_text(lines(change(PARAGRAPH, id="s-1")), encoding="utf-8")
    first, second = folder / "paragraphs" / "a.jsonl", folder / "sentences" / "a.jsonl"
    assert faults(folder) == [f"{first} 第 1 行，字段 id：编号 s-1 已在 {second} 第 1 行 用过"]


@pytest.mark.parametrize("name", ["documents.jsonl", "sentences/a.jsonl", "paragraphs/a.jsonl"])
@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '"\\ud800"',
        "[" * 100_000,
        '{"id": NaN}',
        '{"id": "a"} {"id": "b"}',
        "\ufeff{}",
        '{"text": "\\ud800"}',
    ],
)
def test_a_line_that_is_no_record_is_named(folder: Path, name: str, line: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    assert any(fault.startswith(f"{folder / name} 第 2 行，字段 ") for fault in faults(folder))


@pytest.mark.parametrize(
    ("row", "field", "what"),
    [
        ("人才\ttalent\tstrong", "（整行）", "3"),
        ("人才\ttalent\tstrong\t\t\t", "（整行）", "6"),
        ("", "（整行）", "1"),
        ("人才\tfinance\tstrong\t\t", "theme、kind、also", "finance:strong"),
        ("人才\ttalent\thuge\t\t", "theme、kind、also", "talent:huge"),
        ("人才\ttalent\tweak\tshared:none\t", "theme、kind、also", "shared:none"),
        ("人才\tshared\tstrong\t\t", "theme、kind、also", "shared:strong"),
        ("ＡＩ人才\ttalent\tweak\t\t", "term", "ai人才"),
        ("AI人才\ttalent\tweak\t\t", "term", "ai人才"),
        ("引 才\ttalent\tweak\t\t", "term", "引才"),
        ("才\ttalent\tweak\t\t", "term", "两个字"),
        ("\ttalent\tweak\t\t", "term", "两个字"),
        ("博士\ttalent\tweak\t\t", "term", "重复"),
        ("“\ttalent\tweak\t\t", "term", "两个字"),
        ("长" * 200_000 + "\ttalent\t\t\t", "theme、kind、also", "talent:"),
        ("人才\u2028\ttalent\tweak\t\t", "term", "人才"),
    ],
)
def test_a_wrong_term_is_named_by_file_line_and_field(folder: Path, row: str, field: str, what: str) -> None:
    (folder / "lexicon.tsv").write_bytes((LEXICON + row + "\n团队\ttalent\tweak\t\t\n").encode())
    (fault,) = faults(folder)
    assert fault.startswith(f"{folder / 'lexicon.tsv'} 第 4 行，字段 {field}：")
    assert what in fault


@pytest.mark.parametrize(
    "content", ["", "\n", "term\ttheme\n", LEXICON.removeprefix("term"), "博士\ttalent\tstrong\t\t\n"]
)
def test_a_lexicon_without_its_header_is_refused(folder: Path, content: str) -> None:
    (folder / "lexicon.tsv").write_bytes(content.encode())
    (fault,) = faults(folder)
    assert fault.startswith(f"{folder / 'lexicon.tsv'} 第 1 行，字段 （表头）：")


@pytest.mark.parametrize(
    ("themes", "field"),
    [
        ("", "（整行）"),
        ("{", "（整行）"),
        ("[" * 100_000, "（整行）"),
        ("{}", "（整行）"),
        ("[]", "（整个文件）"),
        ("[1]", "0"),
        (json.dumps([THEMES[0], change(THEMES[1], name_zh=None)]), "1.name_zh"),
        (json.dumps([change(THEMES[0], name_en=3)]), "0.name_en"),
        (json.dumps([change(THEMES[0], colour="red")]), "0.colour"),
        (json.dumps([change(THEMES[0], definition="")]), "0.definition"),
        (json.dumps([change(THEMES[0], id="tal:ent")]), "0.id"),
        (json.dumps([change(THEMES[0], id="")]), "0.id"),
        (json.dumps([THEMES[0], THEMES[0]]), "id"),
        (json.dumps([change(THEMES[0], id="other")]), "id"),
        (json.dumps([change(THEMES[0], id="shared")]), "id"),
    ],
)
def test_wrong_themes_are_named_by_file_and_field(folder: Path, themes: str, field: str) -> None:
    (folder / "themes.json").write_text(themes, encoding="utf-8")
    assert faults(folder)[0].startswith(f"{folder / 'themes.json'}，字段 {field}：")


@pytest.mark.parametrize("name", ["themes.json", "documents.jsonl", "lexicon.tsv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (fault,) = faults(folder)
    assert str(folder / name) in fault
    assert "不能读取" in fault


@pytest.mark.parametrize("name", ["sentences", "paragraphs"])
def test_data_without_sentences_or_paragraphs_are_refused(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)
    assert "没有一条记录" in faults(folder)[0]


@pytest.mark.parametrize("prepare", [lambda path: None, lambda path: path.write_text("x")])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "data")
    assert faults(tmp_path / "data") == [f"找不到数据文件夹 {tmp_path / 'data'}。"]


@pytest.mark.parametrize("name", ["themes.json", "documents.jsonl", "sentences/a.jsonl", "lexicon.tsv"])
def test_a_file_in_another_encoding_is_named_with_its_line(folder: Path, name: str) -> None:
    before = (folder / name).read_text(encoding="utf-8").rstrip("\n")
    (folder / name).write_bytes(before.encode() + "\n青石\n".encode("gb18030"))
    (fault,) = faults(folder)
    assert fault.startswith(f"{folder / name} 第 {len(before.splitlines()) + 1} 行：")
    assert "UTF-8" in fault


def test_all_faults_are_told_together_up_to_twenty(folder: Path) -> None:
    (folder / "sentences" / "b.jsonl").write_text(
        lines(*(change(SENTENCE, id=f"b-{number}", document="none") for number in range(25))), encoding="utf-8"
    )
    (folder / "lexicon.tsv").write_bytes((LEXICON + "才\ttalent\tweak\t\t\n").encode())
    found = faults(folder)
    assert len(found) == 21
    assert found[19].startswith(f"{folder / 'sentences' / 'b.jsonl'} 第 20 行，字段 document：")
    assert found[20] == "……另有 6 处错误"


def test_the_digest_is_that_of_the_content(folder: Path) -> None:
    before = read_dataset(folder).digest
    for path in folder.rglob("*.*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_dataset(folder).digest == before
    (folder / "sentences" / "a.jsonl").write_text(lines(change(SENTENCE, labelled="confirmed")), encoding="utf-8")
    assert read_dataset(folder).digest != before


def test_the_name_of_a_file_is_part_of_the_digest(folder: Path) -> None:
    before = read_dataset(folder).digest
    (folder / "sentences" / "a.jsonl").rename(folder / "sentences" / "b.jsonl")
    assert read_dataset(folder).digest != before


def test_files_are_read_in_the_order_of_their_names(folder: Path) -> None:
    for name in "cb":
        (folder / "sentences" / f"{name}.jsonl").write_text(lines(change(SENTENCE, id=f"{name}-1")), encoding="utf-8")
    assert [one.id for one in read_dataset(folder).sentences] == ["s-1", "b-1", "c-1"]


def test_a_paragraph_of_several_themes_may_have_no_primary(folder: Path) -> None:
    (folder / "paragraphs" / "b.jsonl").write_text(
        lines(change(PARAGRAPH, id="p-2", primary="other")), encoding="utf-8"
    )
    assert read_dataset(folder).paragraphs[1].primary == "other"
