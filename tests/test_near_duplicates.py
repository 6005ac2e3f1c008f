from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.near_duplicates import MOST_SIMILAR, near_duplicates, shingles

FIRST = "全县新建科技企业孵化器三家，引进创业团队六十个，带动就业一千余人。"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一二三四五六", {"一二三四五", "二三四五六"}),
        ("一二，三四。五", {"一二三四五"}),
        ("一二三", {"一二三"}),
        ("", {""}),
        ("a1b2c3", {"a1b2c", "1b2c3"}),
    ],
)
def test_shingles(text: str, expected: set[str]) -> None:
    assert shingles(text) == expected


@pytest.mark.parametrize(
    ("second", "found"),
    [
        pytest.param(FIRST, True, id="the same"),
        pytest.param(FIRST.replace("，", " ").replace("。", ""), True, id="other punctuation"),
        pytest.param(FIRST.replace("三家", "五家"), True, id="another figure"),
        pytest.param("县里的农村公路改造全部完成，群众出行更加方便，村容村貌焕然一新。", False, id="another text"),
        pytest.param(
            "全县新建科技企业孵化器三家，其余工作与往年大体相同，没有新的进展可言。", False, id="a common beginning"
        ),
    ],
)
def test_near_duplicates(second: str, found: bool) -> None:
    pairs = near_duplicates([("a", FIRST), ("b", second)])
    assert [(pair.first, pair.second) for pair in pairs] == ([("a", "b")] if found else [])


def test_the_similarity_is_that_of_the_sets() -> None:
    (pair,) = near_duplicates([("a", "一二三四五六七"), ("b", "一二三四五六")])
    assert pair.similarity == pytest.approx(2 / 3)


def test_a_similarity_of_just_the_bound_is_allowed() -> None:
    texts = ("一二三四五六", "一二三四五六七八九")  # 2 of 5 shingles
    assert len(shingles(texts[0]) & shingles(texts[1])) / len(shingles(texts[0]) | shingles(texts[1])) == MOST_SIMILAR
    assert near_duplicates(enumerate_texts(texts)) == []
    assert len(near_duplicates(enumerate_texts((texts[0], texts[1][:-1])))) == 1


def enumerate_texts(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(str(number), text) for number, text in enumerate(texts)]


@given(st.lists(st.text(alphabet="甲乙丙，", max_size=14), max_size=8).map(tuple))
def test_all_pairs_are_compared(texts: tuple[str, ...]) -> None:
    expected = set()
    for (first, one), (second, other) in combinations(enumerate_texts(texts), 2):
        a, b = shingles(one), shingles(other)
        if len(a & b) / len(a | b) > MOST_SIMILAR:
            expected.add((first, second))
    assert {(pair.first, pair.second) for pair in near_duplicates(enumerate_texts(texts))} == expected
