"""Files to paragraphs: which files, which rows, which lines, and what is refused."""

import json
import os
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import TextError
from service.documents import (
    LONGEST_PARAGRAPH,
    InputParagraph,
    Refusal,
    RefusalKind,
    document_paragraphs,
    find_files,
    is_supported,
    read_paragraph_lines,
    read_paragraphs,
    shown,
)
from service.readers.json_lines import LONGEST_ROW_BYTES
from service.readers.plain_text import LARGEST_DOCUMENT_BYTES

DOCUMENT = """某市科技创新工作总结

一、强化金融支撑
设立科技信贷风险补偿资金池，
为三百户企业发放贷款。
（一）引进人才
全年引进博士二十名。
"""


def labelled(items: Iterable[InputParagraph | Refusal]) -> list[InputParagraph]:
    """The paragraphs among `items`, which must hold no refusal."""
    paragraphs = []
    for item in items:
        assert isinstance(item, InputParagraph), item
        paragraphs.append(item)
    return paragraphs


def read_row(row: bytes) -> InputParagraph | Refusal:
    (item,) = read_paragraph_lines([row], "in.jsonl")
    return item


def test_files_come_in_a_fixed_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden.txt", "~$open.txt", "z/c.txt", "m/d.txt", ".git/e.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "gone.txt")
    refused: list[Refusal] = []
    found = [str(file.relative_to(tmp_path)) for file in find_files(tmp_path, refused.append)]
    assert found == ["a.txt", "b.txt", "m/d.txt", "z/c.txt"]
    assert not refused


def test_a_file_is_found_as_itself(tmp_path: Path) -> None:
    file = tmp_path / ".hidden.dat"
    file.touch()
    assert list(find_files(file, lambda _refusal: None)) == [file]


@pytest.mark.parametrize(
    ("name", "supported"),
    [
        ("a.txt", True),
        ("a.TXT", True),
        ("a.text", True),
        ("a.md", True),
        ("a.markdown", True),
        ("a.jsonl", True),
        ("a.ndjson", True),
        ("a.docx", True),
        ("a.PDF", True),
        ("a.html", True),
        ("a.xlsx", True),
        ("a.csv", True),
        ("a.zip", True),
        ("a.doc", True),  # its owner is told what to do
        ("a.wps", True),
        ("a.ofd", True),
        ("a.json", False),
        ("a.png", False),
        ("txt", False),
    ],
)
def test_the_ending_says_whether_a_file_can_be_read(name: str, supported: bool) -> None:
    assert is_supported(Path(name)) is supported


def test_a_name_that_is_not_utf8_is_shown_as_text() -> None:
    name = os.fsdecode(b"/in/" + "政策".encode("gbk") + b".txt")
    assert shown(Path(name)) == "/in/����.txt"
    assert shown(Path("/in/政策.txt")) == "/in/政策.txt"


def test_a_document_gives_its_paragraphs_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "总结.txt"
    file.write_text(DOCUMENT, encoding="gb18030")
    first, second = labelled(read_paragraphs(file))
    assert first.text == "设立科技信贷风险补偿资金池，为三百户企业发放贷款。"
    assert first.place == {
        "file": str(file),
        "paragraph": 1,
        "lines": [4, 5],
        "headings": ["某市科技创新工作总结", "一、强化金融支撑"],
    }
    assert second.text == "全年引进博士二十名。"
    assert second.place["paragraph"] == 2
    assert second.place["lines"] == [7, 7]
    assert second.place["headings"][-1] == "（一）引进人才"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts(line_end: str) -> None:
    paragraphs = labelled(document_paragraphs(DOCUMENT.replace("\n", line_end), "x"))
    assert [paragraph.place["lines"] for paragraph in paragraphs] == [[4, 5], [7, 7]]


def test_a_document_without_paragraphs_gives_none() -> None:
    assert labelled(document_paragraphs("一、工作目标\n二、保障措施\n", "x")) == []
    assert labelled(document_paragraphs(" \u3000\ufeff\n", "x")) == []


@pytest.mark.parametrize(("text", "place"), [("甲\n乙\0", "第 4 个字符"), ("甲\ud800", "第 2 个字符")])
def test_a_document_with_what_no_text_holds_is_refused(text: str, place: str) -> None:
    with pytest.raises(TextError, match=place):
        list(document_paragraphs(text, "x"))


def test_a_line_that_is_too_long_is_refused_and_the_others_come_out() -> None:
    longest = "甲" * (LONGEST_PARAGRAPH - 1) + "。"
    text = f"前一段到此为止。\n{longest}\n{'乙' * LONGEST_PARAGRAPH}。\n后一段到此为止。\n"
    refused, *rest = document_paragraphs(text, "x.txt")
    assert isinstance(refused, Refusal)
    assert (refused.file, refused.line) == ("x.txt", 3)
    assert f"有 {LONGEST_PARAGRAPH + 1} 字" in refused.message
    paragraphs = labelled(rest)
    assert [paragraph.text for paragraph in paragraphs] == ["前一段到此为止。", longest, "后一段到此为止。"]
    assert [paragraph.place["lines"] for paragraph in paragraphs] == [[1, 1], [2, 2], [4, 4]]


def test_lines_that_join_to_a_paragraph_too_long_are_refused() -> None:
    line = "甲" * (LONGEST_PARAGRAPH // 2) + "，"
    refused, last = document_paragraphs(f"{line}\n{line}\n终。\n新的一段完整句子在此。\n", "x.txt")
    assert isinstance(refused, Refusal)
    assert refused.line == 1
    assert "从这一行到第 3 行合成一段" in refused.message
    assert isinstance(last, InputParagraph)
    assert last.text == "新的一段完整句子在此。"


def _letters(text: str) -> str:
    return "".join(text.replace("\ufeff", "").split())


@given(st.text(st.sampled_from("甲乙，。：一、（二）第3条 \n\r\t\ufeff\u3000a1|>页")))
def test_any_document_gives_paragraphs_of_its_own_lines(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    previous = 0
    for number, paragraph in enumerate(labelled(document_paragraphs(text, "x")), 1):
        assert paragraph.place["paragraph"] == number
        first, last = paragraph.place["lines"]
        assert previous < first <= last <= len(lines)
        assert _letters(paragraph.text) == _letters("".join(lines[first - 1 : last]))
        previous = last


def test_rows_keep_their_fields_and_pass_over_blank_lines() -> None:
    rows = [
        '\ufeff{"id": "a", "text": "甲", "themes": ["talent"], "year": 2024}\n'.encode(),
        b"\n",
        b"  \r\n",
        b' {"text": "", "id": 7} \r\n',
        '{"id": "c", "text": "丙"}'.encode("gb18030"),
    ]
    paragraphs = labelled(read_paragraph_lines(rows, "in.jsonl"))
    assert [paragraph.text for paragraph in paragraphs] == ["甲", "", "丙"]
    assert paragraphs[0].place == {"id": "a", "text": "甲", "themes": ["talent"], "year": 2024}
    assert [paragraph.place["id"] for paragraph in paragraphs] == ["a", 7, "c"]


_TEXT_FIELD = '"text": "甲"'
_ID_FIELD = '"id": 1'


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(b"{", "不是有效的 JSON（第 2 个字符处", id="not JSON"),
        pytest.param(b"[" * 100_000, "嵌套过深", id="deep"),
        pytest.param(b'["1"]', "应当是一个 JSON 对象", id="list"),
        pytest.param(b"null", "应当是一个 JSON 对象", id="null"),
        pytest.param(f"{{{_ID_FIELD}}}".encode(), "缺少字段 text", id="no text"),
        pytest.param(b'{"id": 1, "text": null}', "text 不是字符串", id="null text"),
        pytest.param(b'{"id": 1, "text": 5}', "text 不是字符串", id="number as text"),
        pytest.param(b'{"id": 1, "text": ["a"]}', "text 不是字符串", id="list as text"),
        pytest.param(f"{{{_TEXT_FIELD}}}".encode(), "缺少字段 id", id="no id"),
        pytest.param(f'{{"id": true, {_TEXT_FIELD}}}'.encode(), "id 不是字符串或整数", id="boolean id"),
        pytest.param(f'{{"id": 1.5, {_TEXT_FIELD}}}'.encode(), "id 不是字符串或整数", id="float id"),
        pytest.param(f'{{"id": null, {_TEXT_FIELD}}}'.encode(), "id 不是字符串或整数", id="null id"),
        pytest.param(f'{{"id": {"9" * 5000}, {_TEXT_FIELD}}}'.encode(), "整数太长", id="endless id"),
        pytest.param(b'{"id": 1, "text": "a\\ud800"}', "第 2 个字符是不成对的代理码", id="surrogate in text"),
        pytest.param(f'{{"id": "\\udfff", {_TEXT_FIELD}}}'.encode(), "第 1 个字符是不成对的代理码", id="surrogate id"),
        pytest.param(f'{{{_ID_FIELD}, {_TEXT_FIELD}, "x": ["\\ud800"]}}'.encode(), "不成对的代理码", id="in a field"),
        pytest.param(f'{{{_ID_FIELD}, {_TEXT_FIELD}, "\\ud800": 1}}'.encode(), "不成对的代理码", id="in a name"),
        pytest.param(b'{"id": 1, "text": "ab\\u0000"}', "第 3 个字符是空字符", id="NUL in text"),
        pytest.param(f'{{"id": "\\u0000", {_TEXT_FIELD}}}'.encode(), "第 1 个字符是空字符", id="NUL in id"),
        pytest.param(f'{{{_ID_FIELD}, {_TEXT_FIELD}, "x": NaN}}'.encode(), "NaN", id="NaN"),
        pytest.param(f'{{{_ID_FIELD}, {_TEXT_FIELD}, "x": -Infinity}}'.encode(), "Infinity", id="Infinity"),
        pytest.param(f'{{{_ID_FIELD}, {_TEXT_FIELD}, "x": 1e999}}'.encode(), "Infinity", id="overflow"),
        pytest.param(b'{"id": 1, "text": "\xff"}', "按 UTF-8 解码在第 20 个字节出错", id="undecodable"),
        pytest.param(b'   {"id": 1, "text": "\xff"}', "按 UTF-8 解码在第 23 个字节出错", id="undecodable, indented"),
        pytest.param(b"\x7fELF\0", "空字节", id="binary"),
        pytest.param(
            f'{{{_ID_FIELD}, "text": "{"甲" * (LONGEST_PARAGRAPH + 1)}"}}'.encode(), "一段最多", id="long text"
        ),
    ],
)
def test_a_wrong_row_is_refused_by_its_line_and_the_others_come_out(row: bytes, sentence: str) -> None:
    good = '{"id": "好", "text": "甲"}'.encode()
    first, refused, last = read_paragraph_lines([good, b"", row, good], "in.jsonl")
    assert isinstance(refused, Refusal)
    assert (refused.file, refused.line) == ("in.jsonl", 3)
    assert sentence in refused.message
    assert refused.message.endswith("。")
    assert [paragraph.place["id"] for paragraph in labelled([first, last])] == ["好", "好"]


def test_the_longest_row_is_taken() -> None:
    text = "甲" * LONGEST_PARAGRAPH
    item = read_row(json.dumps({"id": 1, "text": text}).encode())
    assert isinstance(item, InputParagraph)
    assert item.text == text


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["id", "text", "x", "lines", "headings"]), _json_values)
    | st.fixed_dictionaries({"id": st.integers() | st.text(), "text": st.text(), "x": _json_values})
)
def test_any_row_is_kept_whole_or_refused(row: dict[str, object]) -> None:
    item = read_row(json.dumps(row).encode())
    if isinstance(item, InputParagraph):
        assert item.place == row
        assert item.text == row["text"]
        json.loads(json.dumps(item.place, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    else:
        assert item.message.endswith("。")


@given(st.lists(st.binary(max_size=30)))
def test_any_lines_give_rows_or_refusals(lines: list[bytes]) -> None:
    items = list(read_paragraph_lines(lines, "in.jsonl"))
    assert len(items) == sum(bool(line.removeprefix(b"\xef\xbb\xbf").strip()) for line in lines)


def test_rows_are_read_one_by_one() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b'{"id": 1, "text": "a"}'

    items = read_paragraph_lines(endless(), "in.jsonl")
    next(items)
    next(items)
    assert read == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030"])
def test_rows_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"id": 1, "text": "甲"}\n{\n{"id": 2, "text": "乙"}', encoding=encoding)
    first, refused, last = read_paragraphs(file)
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.kind) == (2, RefusalKind.BAD_ROW)
    assert [paragraph.text for paragraph in labelled([first, last])] == ["甲", "乙"]


def test_a_row_without_end_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    with file.open("wb") as handle:
        handle.write(b'{"id": 1, "text": "')
        handle.truncate(LONGEST_ROW_BYTES * 4)
        handle.seek(0, os.SEEK_END)
        handle.write(b'"}\n{"id": 2, "text": "a"}\n')
    tracemalloc.start()
    refused, last = read_paragraphs(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.kind) == (1, RefusalKind.TOO_LARGE)
    assert isinstance(last, InputParagraph)
    assert peak < LONGEST_ROW_BYTES * 2.5


def test_a_paragraph_file_is_read_by_its_ending(tmp_path: Path) -> None:
    file = tmp_path / "段落.NDJSON"
    file.write_bytes(b'{"id": "1", "text": "a"}\nwrong\n')
    paragraph, refused = read_paragraphs(file)
    assert isinstance(paragraph, InputParagraph)
    assert isinstance(refused, Refusal)
    assert str(refused).startswith(f"{file} 第 2 行：")


def only_refusal(path: Path) -> Refusal:
    """What `path` is refused with, of which there must be nothing else."""
    (refusal,) = read_paragraphs(path)
    assert isinstance(refusal, Refusal)
    return refusal


@pytest.mark.parametrize(
    ("name", "sentence"), [("报告.docx", "不是有效的 .docx 文件"), ("报告", "没有扩展名"), ("a.psd", ".psd 文件")]
)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / name).write_text("甲。", encoding="utf-8")
    refusal = only_refusal(tmp_path / name)
    assert sentence in refusal.message
    assert refusal.file == str(tmp_path / name)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "大.txt"
    with file.open("wb") as handle:
        handle.write(b"a")
        handle.truncate(1024**3)
    refusal = only_refusal(file)
    assert f"超过 {LARGEST_DOCUMENT_BYTES // 2**20} MB" in refusal.message
    assert refusal.kind == RefusalKind.TOO_LARGE


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in only_refusal(tmp_path / "没有.txt").message


def test_a_refusal_reads_as_a_sentence() -> None:
    assert str(Refusal("a.txt", "文件是空的。")) == "a.txt：文件是空的。"
    assert str(Refusal("a.jsonl", "不是有效的 JSON。", 3)) == "a.jsonl 第 3 行：不是有效的 JSON。"
    assert str(Refusal("a.pdf", "这一页是图片。", page=2)) == "a.pdf 第 2 页：这一页是图片。"
