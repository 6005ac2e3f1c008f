from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from model.features import CONCEPT_WEIGHT, Feature, FeatureReader, Unit, feature_names, make_vectoriser
from model.lexicon import Lexicon, Term
from model.sentences import Span
from model.text import normalise

LEXICON = Lexicon(
    [
        Term("人才", ("talent:weak",)),
        Term("人才公寓", ("talent:negative",)),
        Term("众创", ("incubator:strong",)),
        Term("专利质押", ("intellectual_property:strong", "tech_finance:strong")),
        Term("vc投资", ("tech_finance:strong",)),
    ]
)


@pytest.fixture(scope="module")
def reader() -> FeatureReader:
    return FeatureReader(LEXICON)


def names(features: tuple[Feature, ...]) -> list[str]:
    return [feature.name for feature in features]


def unit(words: str, concepts: str = "") -> Unit:
    """A unit of the words in `words` and the concepts in `concepts`, standing one after the other."""
    return Unit(*(tuple(Feature(name, i, i + 1) for i, name in enumerate(part.split())) for part in (words, concepts)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("建设人才公寓", ["talent:negative"]),
        ("稳住人才,建设人才公寓", ["talent:weak", "talent:negative"]),
        ("群众创造历史", []),
        ("发展众创空间", ["incubator:strong"]),
        ("大力发展众创", ["incubator:strong"]),
        ("开展专利质押", ["intellectual_property:strong", "tech_finance:strong"]),
        ("引入VC投资", ["tech_finance:strong"]),
        ("", []),
    ],
)
def test_concepts(reader: FeatureReader, text: str, expected: list[str]) -> None:
    assert names(reader.read(text).concepts) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("全县AI企业12家,增长2.5%。", ["全县", "ai", "企业", "家", "增长"]),
        ("人才公寓", ["人才公寓"]),
        ("5G基站", ["5g", "基站"]),
        ("12:30,——%", []),
        ("", []),
    ],
)
def test_words_have_a_letter_or_ideograph(reader: FeatureReader, text: str, expected: list[str]) -> None:
    assert names(reader.read(text).words) == expected


@given(text=st.text() | st.text(alphabet="人才公寓众创专利质押VCİΣSs。 12"))
def test_features_stand_where_they_say(reader: FeatureReader, text: str) -> None:
    text = normalise(text).text
    read = reader.read(text)
    for word in read.words:
        source = text[word.start : word.end]
        assert len(word.name) == len(source)
        assert word.name.lower() == source.lower() or "İ" in source or "Σ" in source
        assert ":" not in word.name
    for features in read:
        assert [feature.start for feature in features] == sorted(feature.start for feature in features)
        assert all(before.end <= after.start or before[1:] == after[1:] for before, after in pairwise(features))
    for concept in read.concepts:
        term = text[concept.start : concept.end].lower()
        assert concept.name in next(one.concepts for one in LEXICON.terms if one.text == term)


def test_a_letter_that_grows_in_lower_case_shifts_nothing(reader: FeatureReader) -> None:
    text = "İstanbul稳住人才"
    read = reader.read(text)
    assert [text[feature.start : feature.end] for feature in read.concepts] == ["人才"]
    assert read.words[-1] == Feature("人才", 10, 12)


SPANS = st.lists(st.integers(0, 3), max_size=12).map(
    lambda gaps: tuple(
        Feature("词", start, start + 1 + gap % 3)
        for start, gap in zip(np.cumsum([gap + 2 for gap in gaps]).tolist(), gaps, strict=True)
    )
)


@given(SPANS, SPANS, st.integers(0, 40), st.integers(0, 40))
def test_the_part_within_a_span(words: tuple[Feature, ...], concepts: tuple[Feature, ...], a: int, b: int) -> None:
    span = Span(min(a, b), max(a, b))
    part = Unit(words, concepts).within(span)
    assert part.words == tuple(one for one in words if span.start <= one.start and one.end <= span.end)
    assert part.concepts == tuple(one for one in concepts if span.start <= one.start and one.end <= span.end)


def test_vectors_are_unit_length_words_beside_concepts_of_one_weight() -> None:
    units = [
        unit("引进 人才", "talent:strong"),
        unit("引进 资本 资本", "talent:strong talent:strong"),
        unit("人才 资本"),
    ]
    vectoriser = make_vectoriser()
    features = csr_matrix(vectoriser.fit_transform(units)).toarray()
    columns = feature_names(vectoriser)
    assert sorted(columns) == ["talent:strong", "人才", "引进", "资本"]
    assert columns[-1] == "talent:strong"
    np.testing.assert_allclose(np.linalg.norm(features[:, :3], axis=1), 1)
    np.testing.assert_allclose(features[:, 3], [CONCEPT_WEIGHT, CONCEPT_WEIGHT, 0])
    twice = features[1, columns.index("资本")] / features[1, columns.index("引进")]
    np.testing.assert_allclose(twice, 1 + np.log(2))  # a word that stands twice weighs less than double


def test_a_word_of_a_single_unit_is_no_feature() -> None:
    vectoriser = make_vectoriser().fit([unit("甲 乙", "talent:weak"), unit("甲 丙", "talent:weak")])
    assert feature_names(vectoriser) == ["甲", "talent:weak"]
    assert csr_matrix(vectoriser.transform([unit("乙 丁", "talent:strong")])).nnz == 0
