from collections.abc import Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.lexicon import Lexicon, Term


def lexicon(*texts: str) -> Lexicon:
    return Lexicon(Term(text, ("talent:strong",)) for text in texts)


def found(own: Lexicon, text: str, boundaries: Set[int] | None = None) -> list[str]:
    everywhere = set(range(len(text) + 1))
    matches = list(own.find(text, everywhere if boundaries is None else boundaries))
    assert all(text[match.start : match.end] == match.term.text for match in matches)
    return [match.term.text for match in matches]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("建设人才公寓", ["人才公寓"]),
        ("人才住进人才公寓楼", ["人才", "人才公寓"]),
        ("高层次人才公", ["高层次人才"]),
        ("次人才人才", ["人才", "人才"]),
        ("人", []),
        ("", []),
        ("才人才", ["人才"]),
    ],
)
def test_leftmost_and_longest_first(text: str, expected: list[str]) -> None:
    assert found(lexicon("人才", "人才公寓", "高层次人才"), text) == expected


def test_a_term_counts_only_from_one_word_boundary_to_another() -> None:
    own = lexicon("众创", "众创空间")
    assert found(own, "群众创造", {0, 2, 4}) == []
    assert found(own, "众创空间", {0, 2, 4}) == ["众创空间"]
    assert found(own, "众创空间", {0, 2}) == ["众创"]
    assert found(own, "众创空间", {0, 3}) == []
    assert found(own, "众创空间", {2, 4}) == []


def test_a_match_carries_the_concepts_of_its_term() -> None:
    term = Term("专利质押", ("intellectual_property:strong", "tech_finance:strong"))
    assert [match.term for match in Lexicon([term]).find("专利质押", {0, 4})] == [term]


def test_a_term_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        lexicon("人才", "专利", "人才")


@pytest.mark.parametrize("text", ["才", ""])
def test_a_term_of_less_than_two_characters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shorter"):
        lexicon("专利", text)


def slowly(terms: Set[str], text: str, boundaries: Set[int]) -> list[tuple[int, str]]:
    """The same search, as it is described."""
    results, position = [], 0
    while position < len(text):
        fits = [
            term
            for term in terms
            if text.startswith(term, position) and position in boundaries and position + len(term) in boundaries
        ]
        if fits:
            longest = max(fits, key=len)
            results.append((position, longest))
            position += len(longest)
        else:
            position += 1
    return results


@given(
    st.sets(st.text(alphabet="甲乙丙", min_size=2, max_size=5), max_size=8),
    st.text(alphabet="甲乙丙丁", max_size=30),
    st.sets(st.integers(0, 30)),
)
def test_the_search_finds_what_its_description_says(terms: set[str], text: str, boundaries: set[int]) -> None:
    matches = [(match.start, match.term.text) for match in lexicon(*terms).find(text, boundaries)]
    assert matches == slowly(terms, text, boundaries)
