"""The plain path: jieba and scikit-learn, the one to read. The fast path answers to it (`tests/test_fast.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from model.features import FeatureReader, Unit
from model.label import NO_THEME, Evidence, Label, WeightyTerm
from model.labeller import Decision, Theme
from model.lexicon import Lexicon
from model.pipeline import Logits, Pipeline, calibrate
from model.sentences import Span, split_clauses, split_sentences
from model.text import NormalisedText, normalise

_Score = TypeVar("_Score", float, Logits)


class Clause(NamedTuple):
    """A clause as it is judged: by itself and within its sentence."""

    span: Span
    sentence: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class ReadParagraph:
    """A paragraph cut to sentences and clauses, and read into features, not yet judged.

    Attributes:
        normalised: the text that all spans refer to.
        sentences: their spans, in order.
        wholes: each sentence as the classifier sees it.
        clauses: of all sentences, in order; every sentence has at least one.
    """

    normalised: NormalisedText
    sentences: tuple[Span, ...]
    wholes: tuple[Unit, ...]
    clauses: tuple[Clause, ...]


def read_paragraph(text: str, reader: FeatureReader) -> ReadParagraph:
    """Normalise `text`, cut it to sentences and clauses, and read each into features."""
    normalised = normalise(text)
    everything = reader.read(normalised.text)
    sentences = split_sentences(normalised.text)
    wholes = [everything.within(sentence) for sentence in sentences]
    clauses = [
        Clause(span, number, wholes[number].within(span))
        for number, sentence in enumerate(sentences)
        for span in split_clauses(normalised.text, sentence)
    ]
    return ReadParagraph(normalised, tuple(sentences), tuple(wholes), tuple(clauses))


def in_sentence(sentence: _Score, clause: _Score) -> _Score:
    """The raw score of a clause: what the classifier says of the clause, and half as much of its whole sentence."""
    return (sentence + 2 * clause) / 3


def score_clauses(paragraphs: Sequence[ReadParagraph], pipeline: Pipeline) -> list[Logits]:
    """Raw scores of all clauses of `paragraphs`, computed in one go.

    One clause is enough to give a theme, but it is understood within its sentence.

    Returns:
        Of each paragraph, in order, an array (clauses, themes) in logits; minus infinity where the model knows nothing in the sentence.
    """
    units = [whole for paragraph in paragraphs for whole in paragraph.wholes]
    units += [clause.unit for paragraph in paragraphs for clause in paragraph.clauses]
    if not units:
        return [np.empty((0, len(pipeline.classifiers))) for _ in paragraphs]
    features = pipeline.vectorise(units)
    logits = pipeline.logits(features)
    sentence_count = sum(len(paragraph.wholes) for paragraph in paragraphs)
    wholes, alone = logits[:sentence_count], logits[sentence_count:]
    wholes[np.diff(features.indptr[: sentence_count + 1]) == 0] = -np.inf
    results = []
    first_sentence = first_clause = 0
    for paragraph in paragraphs:
        owners = first_sentence + np.array([clause.sentence for clause in paragraph.clauses], dtype=np.intp)
        last_clause = first_clause + len(paragraph.clauses)
        results.append(in_sentence(wholes[owners], alone[first_clause:last_clause]))
        first_sentence += len(paragraph.sentences)
        first_clause = last_clause
    return results


def paragraph_raw_scores(scores: Logits) -> Logits:
    """Raw scores of a paragraph (themes,): of each theme its best clause; minus infinity where the model knows nothing."""
    best: Logits = scores.max(axis=0, initial=-np.inf)
    return best


def bearing_clauses(
    scores: Logits, calibrators: Sequence[LogisticRegression], thresholds: Sequence[float]
) -> NDArray[np.bool_]:
    """Which clause bears which theme, array (clauses, themes): it would give its paragraph the theme."""
    bearing: NDArray[np.bool_] = calibrate(scores, calibrators) >= np.array(thresholds)
    return bearing


def primary_theme(
    bearing: NDArray[np.bool_], paragraph: ReadParagraph, given: Sequence[int], decision: Decision
) -> int | None:
    """The theme with the largest share of the text, where that share is large enough; None where none is (rule 9).

    Args:
        bearing: which clause bears which theme, array (clauses, themes).
        paragraph: the clauses and their lengths.
        given: indices of the themes that the paragraph has, at least one.
        decision: the shares from which a theme is primary; a first sentence that bears the theme by half announces it.
    """
    lengths = np.array([clause.span.end - clause.span.start for clause in paragraph.clauses])
    opening = np.array([clause.sentence == 0 for clause in paragraph.clauses])
    shares = lengths @ bearing / lengths.sum()
    opening_shares = (lengths * opening) @ bearing / (lengths * opening).sum()
    largest = max(given, key=lambda index: (shares[index], -index))
    needed = decision.announced_share if opening_shares[largest] >= _ANNOUNCES else decision.primary_share
    return largest if shares[largest] >= needed else None


_ANNOUNCES = 0.5
_MOST_TERMS = 5


class PlainLabeller:
    """A `Labeller` on the plain path."""

    def __init__(
        self,
        themes: Sequence[Theme],
        lexicon: Lexicon,
        pipeline: Pipeline,
        decision: Decision,
        card: dict[str, Any],
    ) -> None:
        """Put a labeller together from its trained parts.

        Args:
            themes: in the order of the pipeline's classifiers.
            lexicon: the terms it was trained with.
            pipeline: the fitted parts.
            decision: thresholds and the like.
            card: what is known of the model (version, data, scores), as plain JSON values.
        """
        self.themes = tuple(themes)
        self.card = card
        self._pipeline = pipeline
        self._decision = decision
        self._reader = FeatureReader(lexicon)
        self._columns = pipeline.feature_columns()

    @property
    def version(self) -> str:
        """Version of the model, which changes with its data and its recipe."""
        return str(self.card["version"])

    def label(self, texts: Sequence[str], *, evidence: bool = True, threads: int = 1) -> list[Label]:
        """See `model.labeller.Labeller`."""
        paragraphs = [read_paragraph(text, self._reader) for text in texts]
        scores = score_clauses(paragraphs, self._pipeline)
        raw = np.array([paragraph_raw_scores(one) for one in scores]).reshape(len(texts), len(self.themes))
        probabilities = self._pipeline.probabilities(raw)
        return [
            self._label(text, paragraph, clauses, row, evidence)
            for text, paragraph, clauses, row in zip(texts, paragraphs, scores, probabilities, strict=True)
        ]

    def _label(
        self,
        text: str,
        paragraph: ReadParagraph,
        scores: Logits,
        probabilities: NDArray[np.float64],
        with_evidence: bool,
    ) -> Label:
        decision = self._decision
        given = [index for index, value in enumerate(probabilities) if value >= decision.thresholds[index]]
        unsure = [
            index
            for index, value in enumerate(probabilities)
            if decision.review_bands[index][0] <= value < decision.review_bands[index][1]
        ]
        primary = NO_THEME
        if given:
            bearing = bearing_clauses(scores, self._pipeline.calibrators, decision.thresholds)
            primary_index = primary_theme(bearing, paragraph, given, decision)
            primary = NO_THEME if primary_index is None else self.themes[primary_index].id
        return Label(
            themes=tuple(self.themes[index].id for index in given),
            primary=primary,
            scores={theme.id: float(value) for theme, value in zip(self.themes, probabilities, strict=True)},
            uncertain=tuple(self.themes[index].id for index in unsure),
            evidence=tuple(
                self._evidence(text, paragraph, paragraph.clauses[int(scores[:, index].argmax())], index)
                for index in (sorted({*given, *unsure}) if with_evidence and paragraph.clauses else ())
            ),
        )

    def _evidence(self, text: str, paragraph: ReadParagraph, clause: Clause, theme: int) -> Evidence:
        start, end = paragraph.normalised.original_span(*paragraph.sentences[clause.sentence])
        terms = []
        weights = self.contributions(paragraph, clause, theme)
        for span, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_MOST_TERMS]:
            if weight > 0:
                term_start, term_end = paragraph.normalised.original_span(*span)
                terms.append(WeightyTerm(text[term_start:term_end], term_start, term_end, weight))
        return Evidence(self.themes[theme].id, text[start:end], start, end, tuple(terms))

    def contributions(self, paragraph: ReadParagraph, clause: Clause, theme: int) -> dict[tuple[int, int], float]:
        """What each stretch of the clause's sentence adds to the clause's raw score for `theme`; with the intercept they sum to it.

        Keys are spans of the normalised text; a feature that stands in several places is shared out among them in equal parts.
        """
        in_clause = self._contributions(clause.unit, theme)
        return {
            span: in_sentence(weight, in_clause.get(span, 0.0))
            for span, weight in self._contributions(paragraph.wholes[clause.sentence], theme).items()
        }

    def _contributions(self, unit: Unit, theme: int) -> dict[tuple[int, int], float]:
        row = self._pipeline.vectorise([unit])
        values = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        coefficients = self._pipeline.classifiers[theme].coef_[0]
        places: dict[int, list[tuple[int, int]]] = {}
        for feature in (*unit.words, *unit.concepts):
            column = self._columns.get(feature.name)
            if column is not None:
                places.setdefault(column, []).append((feature.start, feature.end))
        contributions: dict[tuple[int, int], float] = {}
        for column, spans in places.items():
            share = values[column] * coefficients[column] / len(spans)
            for span in spans:
                contributions[span] = contributions.get(span, 0.0) + share
        return contributions
