"""Fits the vectoriser and the classifiers to sentences whose themes are known, though not in which clause they stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from threadpoolctl import threadpool_limits

from model.features import FeatureReader, Unit, make_vectoriser
from model.plain import read_paragraph
from training.dataset import Dataset

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
    """All sentences of `dataset`, those that stand alone and those in paragraphs.

    A paragraph of which only its own themes are known is one example: whatever clause bears a theme is found as in a sentence.
    """
    sentences: list[tuple[str, str, Sequence[str]]] = [
        (sentence.document, sentence.text, sentence.themes) for sentence in dataset.sentences
    ]
    for paragraph in dataset.paragraphs:
        if paragraph.sentences is None:
            sentences.append((paragraph.document, paragraph.text, paragraph.themes))
        else:
            sentences += [(paragraph.document, sentence.text, sentence.themes) for sentence in paragraph.sentences]
    examples = []
    for document, text, themes in sentences:
        read = read_paragraph(text, reader)
        if read.clauses:
            whole = Unit(
                tuple(word for unit in read.wholes for word in unit.words),
                tuple(concept for unit in read.wholes for concept in unit.concepts),
            )
            # The only clause of a sentence is the sentence again.
            clauses = tuple(clause.unit for clause in read.clauses) if len(read.clauses) > 1 else ()
            examples.append(Example(document, whole, clauses, tuple(theme in themes for theme in dataset.theme_ids)))
    return examples


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a classifier is fitted; the defaults are what real text rewarded (`policy-train ablate` prints the table).

    Attributes:
        make_vectoriser: an unfitted vectoriser of units.
        inverse_regularisation: scikit-learn's C.
        clause_rounds: rounds of multiple-instance learning; 0 fits to whole sentences alone.
        class_weight: as scikit-learn takes it.
    """

    make_vectoriser: Callable[[], FeatureUnion] = make_vectoriser
    inverse_regularisation: float = 10.0
    clause_rounds: int = 2
    class_weight: Literal["balanced"] | None = None


def fit(examples: Sequence[Example], recipe: Recipe = Recipe()) -> tuple[FeatureUnion, tuple[LogisticRegression, ...]]:
    """Fit the vectoriser, and for each theme a classifier that judges whole sentences and single clauses alike.

    Sentences are labelled, clauses are not. So a classifier is fitted to the sentences first; then, round by round, it names the
    clauses that bear the theme (the best one of every sentence that has it, and any above 0) and is fitted anew to sentences
    and clauses: multiple-instance learning as in mi-SVM (Andrews, Tsochantaridis and Hofmann, NIPS 2002).
    """
    wholes = [example.whole for example in examples]
    clauses = [clause for example in examples for clause in example.clauses]
    owner = np.repeat(np.arange(len(examples)), [len(example.clauses) for example in examples])
    vectoriser = recipe.make_vectoriser()
    features = csr_matrix(vectoriser.fit_transform(wholes + clauses))
    whole_features, clause_features = features[: len(wholes)], features[len(wholes) :]
    has_theme = np.array([example.themes for example in examples], dtype=np.bool_)
    # One after the other, and without threads of the BLAS: liblinear's sums came out otherwise from run to run when threads ran beside
    # it, and clause by clause the rounding grew into other weights.
    with threadpool_limits(limits=1):
        classifiers = [
            _fit_theme(whole_features, clause_features, owner, has_theme[:, theme], recipe)
            for theme in range(has_theme.shape[1])
        ]
    return vectoriser, tuple(classifiers)


def _fit_theme(
    whole_features: csr_matrix,
    clause_features: csr_matrix,
    owner: NDArray[np.intp],
    has_theme: NDArray[np.bool_],
    recipe: Recipe,
) -> LogisticRegression:
    # liblinear is deterministic here: the dual coordinate descent that draws random numbers is off by default.
    blank = LogisticRegression(
        C=recipe.inverse_regularisation, class_weight=recipe.class_weight, solver="liblinear", max_iter=300
    )
    classifier = clone(blank).fit(whole_features, has_theme)
    in_themed_sentence = has_theme[owner]
    for _ in range(recipe.clause_rounds):
        logits = classifier.decision_function(clause_features)
        best = np.full(len(has_theme), -np.inf)
        np.maximum.at(best, owner, logits)
        bears = in_themed_sentence & ((logits >= best[owner]) | (logits > 0))
        lacks = ~in_themed_sentence | (~bears & (logits < _SURELY_WITHOUT))
        kept = np.flatnonzero(bears | lacks)
        classifier = clone(blank).fit(
            vstack([whole_features, clause_features[kept]], format="csr"), np.concatenate([has_theme, bears[kept]])
        )
    return classifier
