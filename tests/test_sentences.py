import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.sentences import Span, split_clauses, split_sentences

TEXTS = st.text(alphabet="中国科技a1。!?;,:.”’)]」—-… ") | st.text()


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def clauses(text: str) -> list[str]:
    return [text[start:end] for start, end in split_clauses(text, Span(0, len(text)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("没有句号", ["没有句号"]),
        ("甲事办成。乙事开工!丙事如何?", ["甲事办成。", "乙事开工!", "丙事如何?"]),
        ("一是引才;二是留才;三是用才。", ["一是引才;", "二是留才;", "三是用才。"]),
        ("他说:“要办好。”随后散会。", ["他说:“要办好。”", "随后散会。"]),
        ("(见附件。)另行通知。", ["(见附件。)", "另行通知。"]),
        ("真的吗?!是的。", ["真的吗?!", "是的。"]),
        ("投入2.9亿元,用v1.2版。", ["投入2.9亿元,用v1.2版。"]),
        ("第一件办成.第二件开工.", ["第一件办成.", "第二件开工."]),
        ("。。。", ["。。。"]),
        ("。开头就是句号", ["。", "开头就是句号"]),
        ("先办,后报:如此", ["先办,后报:如此"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("建平台,引人才,促转化。", ["建平台,", "引人才,", "促转化。"]),
        ("目标如下:专利翻番。", ["目标如下:", "专利翻番。"]),
        ("园区——全市的窗口——开园了", ["园区——", "全市的窗口——", "开园了"]),
        ("旧版--新版", ["旧版--", "新版"]),
        ("办了……三件事", ["办了……", "三件事"]),
        ("合计2.9亿.", ["合计2.9亿."]),
        (",,,", [",,,"]),
        ("一个-字符", ["一个-字符"]),
    ],
)
def test_clauses(text: str, expected: list[str]) -> None:
    assert clauses(text) == expected


def test_clauses_are_those_of_the_sentence_alone() -> None:
    text = "甲,乙。丙,丁。"
    second = split_sentences(text)[1]
    assert split_clauses(text, second) == [Span(4, 6), Span(6, 8)]


@given(TEXTS)
def test_sentences_and_clauses_cover_the_text_without_gap(text: str) -> None:
    found = split_sentences(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)
    for sentence in found:
        parts = split_clauses(text, sentence)
        assert parts
        assert "".join(text[start:end] for start, end in parts) == text[sentence.start : sentence.end]
        assert all(start < end for start, end in parts)


@pytest.mark.parametrize("unit", ["。", "。”", "”", ",", ":", "—", ".", "国.", "…", "国"])
def test_a_megabyte_of_one_sign_is_split_at_once(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    for sentence in split_sentences(text):
        split_clauses(text, sentence)
    assert time.process_time() - started < 10
