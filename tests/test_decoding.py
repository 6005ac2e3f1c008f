"""Bytes to text: every encoding that files come in, and a word for what is none."""

import codecs

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.errors import TextError
from service.decoding import decode_text

# 㐀 and 𠮷 take four bytes in GB18030 and stand outside GBK; € and — are classic losses of guessed encodings.
TEXT = "一、强化金融支撑\r\n为𠮷安市㐀厂等三百户企业发放贷款2.9亿元——约合€3800万。\n"
GBK_TEXT = "加快培育高新技术企业，新增孵化器十二家。\n"


def refusal(data: bytes) -> str:
    with pytest.raises(TextError) as caught:
        decode_text(data)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT.encode("utf-8"), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode("utf-8"), id="utf-8 with BOM"),
        pytest.param(TEXT.encode("gb18030"), id="gb18030 with four-byte characters"),
        pytest.param(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), id="utf-16 little endian"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="utf-16 big endian"),
    ],
)
def test_an_encoding_gives_the_text_back(data: bytes) -> None:
    assert decode_text(data) == TEXT


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "gb18030"])
def test_the_older_chinese_encodings_are_read(encoding: str) -> None:
    assert decode_text(GBK_TEXT.encode(encoding)) == GBK_TEXT


@pytest.mark.parametrize("text", ["人才", "专利", "军民融合", "拨付贴息", "是", "。"])
def test_short_gbk_texts_are_not_guessed_at(text: str) -> None:
    assert decode_text(text.encode("gbk")) == text


def test_plain_ascii_and_a_lone_byte_order_mark() -> None:
    assert decode_text(b"plain ascii, 2024\n") == "plain ascii, 2024\n"
    assert [decode_text(bom) for bom in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)] == ["", "", ""]


# Any text but for surrogates, NUL, and what would be taken for the beginning of a file of another kind.
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1).filter(
    lambda text: not text.startswith(("%PDF-", "PK\x03\x04", "{\\rtf"))
)


@given(_texts)
def test_any_text_survives_utf8_and_utf16(text: str) -> None:
    assert decode_text(text.encode("utf-8")) == text
    assert decode_text(codecs.BOM_UTF8 + text.encode("utf-8")) == text
    assert decode_text(codecs.BOM_UTF16_LE + text.encode("utf-16-le")) == text
    assert decode_text(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == text


@given(st.text(st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF), min_size=1))
def test_any_ideographs_survive_gb18030(text: str) -> None:
    data = text.encode("gb18030")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        assert decode_text(data) == text
    else:
        assume(False)


@given(st.binary(max_size=64))
@settings(max_examples=500)
def test_any_bytes_give_text_or_a_sentence(data: bytes) -> None:
    try:
        outcome = decode_text(data).encode("utf-8").decode("utf-8") + "。"
    except TextError as error:
        outcome = str(error)
    assert outcome.endswith("。")


@pytest.mark.parametrize(
    ("data", "utf8_place", "gb18030_place"),
    [
        pytest.param(b"one\ntwo \xff\xff", "第 2 行（第 9 个字节）", "第 2 行（第 9 个字节）", id="line 2"),
        pytest.param(b"\x80 abc", "第 1 个字节", "第 1 个字节", id="first byte"),
        pytest.param(b"abc \xe4\xb8\xad\xff", "第 8 个字节", "第 7 个字节", id="each decoder its place"),
        pytest.param(b"a\nb\n\xd6", "第 3 行（第 5 个字节）", "第 3 行（第 5 个字节）", id="cut off"),
    ],
)
def test_undecodable_bytes_are_named_by_their_place(data: bytes, utf8_place: str, gb18030_place: str) -> None:
    message = refusal(data)
    assert f"按 UTF-8 解码在{utf8_place}出错" in message
    assert f"按 GB18030 解码在{gb18030_place}出错" in message
    assert "另存为 UTF-8" in message


@pytest.mark.parametrize(
    ("data", "encoding", "place"),
    [
        pytest.param(codecs.BOM_UTF8 + "甲".encode() + b"\xff", "UTF-8", 7, id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + "人才工作".encode("gbk"), "UTF-8", 4, id="gbk behind a UTF-8 mark"),
        pytest.param(codecs.BOM_UTF16_LE + "甲乙".encode("utf-16-le") + b"\x00", "UTF-16-LE", 7, id="odd length"),
        pytest.param(codecs.BOM_UTF16_BE + b"\xd8\x00\x00\x41", "UTF-16-BE", 3, id="half a pair"),
    ],
)
def test_what_follows_a_byte_order_mark_must_keep_its_word(data: bytes, encoding: str, place: int) -> None:
    message = refusal(data)
    assert encoding in message
    assert f"第 {place} 个字节" in message


def test_an_empty_file_is_refused() -> None:
    assert "0 字节" in refusal(b"")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"PK\x03\x04\x14\x00\x06\x00", "压缩包"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "旧版 Office"),
        (b"{\\rtf1\\ansi", "RTF"),
        (b"\x89PNG\r\n\x1a\n", "图片"),
        (b"\xff\xd8\xff\xe0", "图片"),
        (b"\x1f\x8b\x08\x00", "gzip"),
    ],
)
def test_a_file_of_another_kind_is_named(data: bytes, kind: str) -> None:
    message = refusal(data)
    assert kind in message
    assert "另存为 UTF-8" in message


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(b"\x7fELF\x02\x01\x01\x00", 8, id="binary"),
        pytest.param("甲".encode() + b"\0", 4, id="NUL in text"),
        pytest.param("ab".encode("utf-16-be"), 1, id="UTF-16 without a mark"),
    ],
)
def test_nul_bytes_are_named_by_their_place(data: bytes, place: int) -> None:
    assert f"第 {place} 个字节是空字节" in refusal(data)
