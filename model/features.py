"""What the classifier sees of a stretch of text: its words, and the concepts of the lexicon that stand in it.

Training fits the vectoriser made here, the labeller applies it: both read text by the same `FeatureReader`.
"""

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import NamedTuple

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from model.lexicon import Lexicon
from model.sentences import Span
from model.text import lowered
from model.words import WordSegmenter

CONCEPT_WEIGHT = 0.5
"""Weight of a concept against the unit-length vector of the words (0.2 and 1 were worse on real text)."""


class Feature(NamedTuple):
    """One occurrence of a feature and the half-open span of the normalised text that it stands for."""

    name: str
    start: int
    end: int


class Unit(NamedTuple):
    """A stretch of text as the classifier sees it."""

    words: tuple[Feature, ...]
    concepts: tuple[Feature, ...]

    def within(self, span: Span) -> "Unit":
        """The part of this unit that lies in `span`, at the cost of that part alone: a text may have a hundred thousand sentences."""
        return Unit(_within(self.words, span), _within(self.concepts, span))


def _within(features: tuple[Feature, ...], span: Span) -> tuple[Feature, ...]:
    """Those of `features`, which stand in order and do not overlap, that lie in `span`."""
    first = bisect_left(features, span.start, key=attrgetter("start"))
    return features[first : bisect_right(features, span.end, lo=first, key=attrgetter("end"))]


class FeatureReader:
    """Reads normalised text into units. Safe to share between threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Read with the terms of `lexicon`, which also become dictionary words of the segmenter."""
        self._lexicon = lexicon
        self._segmenter = WordSegmenter(term.text for term in lexicon.terms)

    def read(self, text: str) -> Unit:
        """The words of the normalised `text` that have a letter or ideograph, and the lexicon's concepts in it."""
        lower = lowered(text)
        words = []
        boundaries = {0}
        position = 0
        for word in self._segmenter.words(lower):
            end = position + len(word)
            boundaries.add(end)
            if any(map(str.isalpha, word)):
                words.append(Feature(word, position, end))
            position = end
        concepts = tuple(
            Feature(concept, match.start, match.end)
            for match in self._lexicon.find(lower, boundaries)
            for concept in match.term.concepts
        )
        return Unit(tuple(words), concepts)


def word_names(unit: Unit) -> list[str]:
    """Analyser of the word vectoriser; a saved model names it by its import path."""
    return [word.name for word in unit.words]


def concept_names(unit: Unit) -> list[str]:
    """Analyser of the concept vectoriser; a saved model names it by its import path."""
    return [concept.name for concept in unit.concepts]


def make_vectoriser() -> FeatureUnion:
    """The unfitted vectoriser: TF-IDF of words, unit length, beside a fixed weight for each concept that is there."""
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(analyzer=word_names, sublinear_tf=True, min_df=2)),
            ("concepts", TfidfVectorizer(analyzer=concept_names, use_idf=False, norm=None, binary=True)),
        ],
        transformer_weights={"concepts": CONCEPT_WEIGHT},
    )


def feature_names(vectoriser: FeatureUnion) -> list[str]:
    """Names of the columns that `vectoriser` makes, words first; concepts have a colon in theirs, and words cannot."""
    return [str(name) for _, part in vectoriser.transformer_list for name in part.get_feature_names_out()]
