import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import TextError
from model.text import check_text, is_han, normalise, normalised

# Characters that meet in ways plain random text seldom shows: marks of several classes, joiners, jamo, spaces, look-alikes.
AWKWARD = "中国aZé1９ \u3000\n\u200b\u200d\ufe0f\u0301\u0327\u0345\u302e\U0001d165\u1100\u1161\u11a8ﬁ½Ⅷ㈠①⼈⺠\ue78d\uf0b7ﷺİ´\ud800\udc00\0。，"
TEXTS = st.text() | st.text(alphabet=AWKWARD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("２０２４年，ＡＩ产业（一期）", "2024年,AI产业(一期)", id="full width"),
        pytest.param("“专利”。；：！？", "“专利”。;:!?", id="punctuation"),
        pytest.param("⼈⼤代表", "人大代表", id="Kangxi radicals"),
        pytest.param("⺠营企业进⼊⻓期⻔类", "民营企业进入长期门类", id="radicals that NFKC leaves"),
        pytest.param("\uf9d1\U0002f804", "六你", id="compatibility ideographs"),
        pytest.param(
            "甲\ue78d乙\ue78e丙\ue78f丁", "甲,乙。丙、丁", id="private-use punctuation, vertical forms mended"
        ),
        pytest.param("\ue81e\ue864", "龴龻", id="private-use components"),
        pytest.param("\uf0b7推进\uf06c落实", "•推进•落实", id="bullets of symbol fonts"),
        pytest.param("孵\u200b化\ufeff器\u00ad和\u202e众\u2060创", "孵化器和众创", id="invisible characters"),
        pytest.param("专\0利\x07证\x9f书", "专利证书", id="controls"),
        pytest.param("人\ud83d才\udc00", "人才", id="lone surrogates"),
        pytest.param("科\ufe00技⃣", "科技", id="variation selectors and enclosing marks"),
        pytest.param("e\u0301le\u0300ve q\u0301", "élève q", id="marks composed or dropped"),
        pytest.param(" 引 进\u3000人\t才\r\n团\u2028队 ", "引进人才团队", id="white space between ideographs"),
        pytest.param("共 12 家", "共12家", id="white space between ideograph and figure"),
        pytest.param("Open \u3000\n Source AI", "Open Source AI", id="white space between words"),
        pytest.param("AI , 5 G", "AI,5 G", id="white space at punctuation"),
        pytest.param("①②㎡", "12m2", id="one character to two"),
        pytest.param("", "", id="nothing"),
        pytest.param(" \u3000\u200b\0", "", id="nothing that shows"),
    ],
)
def test_normalised_text(text: str, expected: str) -> None:
    assert normalise(text).text == expected


@pytest.mark.parametrize(
    ("text", "part", "original"),
    [
        ("支持　企业\u200b上市", "企业上市", "企业\u200b上市"),
        ("面积２千㎡以上", "m2以", "㎡以"),
        ("cafe\u0301与众创空间", "fé与", "fe\u0301与"),
        ("a\u3000\tb", " ", "\u3000"),
        ("\ufeff\n专利", "专利", "专利"),
    ],
)
def test_original_span_is_what_the_part_came_from(text: str, part: str, original: str) -> None:
    normalised = normalise(text)
    start = normalised.text.index(part)
    first, last = normalised.original_span(start, start + len(part))
    assert text[first:last] == original


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


def test_marks_parted_by_a_dropped_character_are_settled_at_once() -> None:
    once = normalise("a\u302e\u200d\U0001d165").text
    assert normalise(once).text == once


@given(TEXTS)
def test_each_character_knows_the_place_it_came_from(text: str) -> None:
    normalised = normalise(text)
    assert len(normalised.starts) == len(normalised.ends) == len(normalised.text)
    assert list(normalised.starts) == sorted(normalised.starts)
    assert list(normalised.ends) == sorted(normalised.ends)
    for char, start, end in zip(normalised.text, normalised.starts, normalised.ends, strict=True):
        assert 0 <= start < end <= len(text)
        source = text[start:end]
        assert (
            char in normalise(source).text
            if char != " "
            else any(map(str.isspace, unicodedata.normalize("NFKC", source)))
        )


@given(TEXTS)
def test_nothing_invisible_is_left(text: str) -> None:
    normalised = normalise(text).text
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Mn", "Me"} for char in normalised)
    assert normalised == " ".join(normalised.split())


@given(st.text(alphabet="科技金融AI,。 "), st.sampled_from("\u200b\ufeff\u2060\u00ad"))
def test_zero_width_characters_change_nothing(text: str, invisible: str) -> None:
    assert normalise(invisible.join(text)).text == normalise(text).text


@pytest.mark.parametrize("marks", ["\u0327\u0301", "\u0301\u0327", "\u0301"])
def test_a_hundred_thousand_combining_marks_cost_no_more_than_other_characters(marks: str) -> None:
    text = "众" + marks * (100_000 // len(marks)) + "创"
    started = time.process_time()
    assert normalise(text).text == "众创"
    assert time.process_time() - started < 5  # canonical ordering of one run would take half a minute


def test_spans_of_a_long_run_of_marks_stay_in_the_text() -> None:
    text = "e" + "\u0301" * 100 + "器"
    normalised = normalise(text)
    assert normalised.text == "é器"
    assert normalised.original_span(1, 2) == (101, 102)


@pytest.mark.parametrize("char", ["㐀", "\u4dbf", "一", "\u9fff", "\uf900", "\ufaff", "\U00020000", "\U000323af"])
def test_ideographs(char: str) -> None:
    assert is_han(char)


@pytest.mark.parametrize("char", ["a", "1", "。", "の", "한", "⼈", "⺠", "\u33ff", "\u4dc0", "\ua000", "\U0001f600"])
def test_not_ideographs(char: str) -> None:
    assert not is_han(char)


@pytest.mark.parametrize("text", ["", "正常的一段。", "\U00020000\U0001f600\ue000\ufffe", "\t\r\n\x07"])
def test_text_that_may_be_labelled(text: str) -> None:
    check_text(text)


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("\0正文", 1, "NUL"),
        ("一二三\0", 4, "NUL"),
        ("\ud800", 1, r"\\ud800"),
        ("甲乙\udfff丙", 3, r"\\udfff"),
        ("\U00020000\udc00", 2, r"\\udc00"),
    ],
)
def test_text_that_is_refused_with_its_position(text: str, position: int, what: str) -> None:
    with pytest.raises(TextError, match=f"^第 {position} 个字符.*{what}.*。$"):
        check_text(text)


@given(TEXTS)
def test_the_short_way_gives_the_same_text(text: str) -> None:
    assert normalised(text) == normalise(text).text
