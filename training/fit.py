"""Fits the vectoriser and the classifiers to sentences whose themes are known, though not in which clause they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from model.features import FeatureReader, Unit, make_vectoriser
from model.plain import read_paragraph
from training.dataset import Dataset

INVERSE_REGULARISATION = 10.0  # scikit-learn's C; 3 to 30 make no difference that paragraphs show
CLAUSE_ROUNDS = 3
# A clause of a sentence with a theme counts as without it only where the last round's classifier was as sure as this (in logits);
# between this and 0 it is left out.
_SURELY_WITHOUT = -1.5


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as training sees it: whole, by clauses, with its themes as booleans in the dataset's order."""

    document: str
    whole: Unit
    clauses: tuple[Unit, ...]
    themes: tuple[bool, ...]


def read_examples(dataset: Dataset, reader: FeatureReader) -> list[Example]:
    """All sentences of `dataset`, those that stand alone and those in paragraphs."""
    sentences: list[tuple[str, str, Sequence[str]]] = [
        (sentence.document, sentence.text, sentence.themes) for sentence in dataset.sentences
    ]
    for paragraph in dataset.paragraphs:
        sentences += [(paragraph.document, sentence.text, sentence.themes) for sentence in paragraph.sentences]
    examples = []
    for document, text, themes in sentences:
        read = read_paragraph(text, reader)
        if read.clauses:
            whole = Unit(
                tuple(word for unit in read.wholes for word in unit.words),
                tuple(concept for unit in read.wholes for concept in unit.concepts),
            )
            clauses = tuple(clause.unit for clause in read.clauses)
            examples.append(Example(document, whole, clauses, tuple(theme in themes for theme in dataset.theme_ids)))
    return examples


def fit(examples: Sequence[Example]) -> tuple[FeatureUnion, tuple[LogisticRegression, ...]]:
    """Fit the vectoriser, and for each theme a classifier that judges whole sentences and single clauses alike.

    Sentences are labelled, clauses are not. So a classifier is fitted to the sentences first; then, round by round, it names the
    clauses that bear the theme (the best one of every sentence that has it, and any above 0) and is fitted anew to sentences
    and clauses: multiple-instance learning as in mi-SVM (Andrews, Tsochantaridis and Hofmann, NIPS 2002).
    """
    wholes = [example.whole for example in examples]
    clauses = [clause for example in examples for clause in example.clauses]
    owner = np.repeat(np.arange(len(examples)), [len(example.clauses) for example in examples])
    vectoriser = make_vectoriser()
    features = csr_matrix(vectoriser.fit_transform(wholes + clauses))
    whole_features, clause_features = features[: len(wholes)], features[len(wholes) :]
    has_theme = np.array([example.themes for example in examples], dtype=np.bool_)
    classifiers = [
        _fit_theme(whole_features, clause_features, owner, has_theme[:, theme]) for theme in range(has_theme.shape[1])
    ]
    return vectoriser, tuple(classifiers)


def _fit_theme(
    whole_features: csr_matrix, clause_features: csr_matrix, owner: NDArray[np.intp], has_theme: NDArray[np.bool_]
) -> LogisticRegression:
    classifier = _classifier().fit(whole_features, has_theme)
    in_themed_sentence = has_theme[owner]
    for _ in range(CLAUSE_ROUNDS):
        logits = classifier.decision_function(clause_features)
        best = np.full(len(has_theme), -np.inf)
        np.maximum.at(best, owner, logits)
        bears = in_themed_sentence & ((logits >= best[owner]) | (logits > 0))
        lacks = ~in_themed_sentence | (~bears & (logits < _SURELY_WITHOUT))
        kept = np.flatnonzero(bears | lacks)
        classifier = _classifier().fit(
            vstack([whole_features, clause_features[kept]], format="csr"), np.concatenate([has_theme, bears[kept]])
        )
    return classifier


def _classifier() -> LogisticRegression:
    # liblinear is deterministic here: the dual coordinate descent that draws random numbers is off by default.
    return LogisticRegression(C=INVERSE_REGULARISATION, solver="liblinear", max_iter=300)


def documents_of(examples: Iterable[Example]) -> list[str]:
    """The document of each example, for splitting."""
    return [example.document for example in examples]
