"""Measures of labels against gold, as the shared ruler `score.py` defines them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support

Truth = NDArray[np.bool_]
"""Which paragraph has which theme: array (paragraphs, themes)."""

_CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class ThemeScore:
    """Precision, recall and F1 of one theme, and how many paragraphs have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of labels.

    Attributes:
        macro_f1: mean of the themes' F1.
        micro_f1: F1 over all pairs of paragraph and theme.
        exact: share of paragraphs whose whole set is right.
        primary: share of paragraphs whose primary is right; None where it was not predicted.
        ece: expected calibration error of the probabilities, ten equal bins, over all pairs; None without probabilities.
        themes: scores of each theme by its id.
    """

    macro_f1: float
    micro_f1: float
    exact: float
    primary: float | None
    ece: float | None
    themes: dict[str, ThemeScore]

    def as_record(self) -> dict[str, Any]:
        """JSON values, rounded to four places."""
        record: dict[str, Any] = _rounded(asdict(self))
        return record


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def score(
    truth: Truth,
    predicted: Truth,
    theme_ids: Sequence[str],
    *,
    probabilities: NDArray[np.float64] | None = None,
    primary_pairs: Sequence[tuple[str, str]] | None = None,
) -> Scores:
    """Score predictions.

    A theme that nobody has and nobody predicted has F1 1, as in `score.py`.

    Args:
        truth: the gold labels.
        predicted: the predicted labels, same shape.
        theme_ids: of the columns, in order.
        probabilities: predicted probabilities, same shape.
        primary_pairs: gold and predicted primary of each paragraph.
    """
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted, average=None, zero_division=1.0)
    return Scores(
        macro_f1=float(np.mean(f1)),
        micro_f1=float(f1_score(truth, predicted, average="micro", zero_division=1.0)),
        exact=float((truth == predicted).all(axis=1).mean()),
        primary=float(np.mean([gold == found for gold, found in primary_pairs])) if primary_pairs else None,
        ece=None if probabilities is None else expected_calibration_error(truth, probabilities),
        themes={
            theme: ThemeScore(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, theme in enumerate(theme_ids)
        },
    )


def expected_calibration_error(truth: Truth, probabilities: NDArray[np.float64]) -> float:
    """Mean gap between probability and frequency over ten equal bins, weighted by their size (Naeini, Cooper and Hauskrecht, AAAI 2015)."""
    bins = np.minimum((probabilities.ravel() * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=truth.ravel() - probabilities.ravel(), minlength=_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / truth.size)


_BOOTSTRAP_DRAWS = 1_000


def macro_f1_interval(truth: Truth, predicted: Truth, sources: Sequence[str]) -> tuple[float, float]:
    """95 % interval of macro-F1 by bootstrap over sources, as `score.py` draws it (paragraphs of one document stand or fall together).

    Args:
        truth: the gold labels.
        predicted: the predicted labels, same shape.
        sources: the document that each paragraph comes from.
    """
    groups: dict[str, list[int]] = {}
    for index, source in enumerate(sources):
        groups.setdefault(source, []).append(index)
    # Counts of true positives, false positives and false negatives add up over sources, so that a draw is a sum of rows.
    counts = np.array(
        [
            [
                (truth[rows] & predicted[rows]).sum(axis=0),
                (~truth[rows] & predicted[rows]).sum(axis=0),
                (truth[rows] & ~predicted[rows]).sum(axis=0),
            ]
            for _, rows in sorted(groups.items())
        ]
    )
    generator = np.random.default_rng(0)
    draws = generator.integers(len(counts), size=(_BOOTSTRAP_DRAWS, len(counts)))
    hits, extra, missed = counts[draws].sum(axis=1).transpose(1, 0, 2)
    judged = 2 * hits + extra + missed
    macro = np.where(judged > 0, 2 * hits / np.maximum(judged, 1), 1.0).mean(axis=1)
    low, high = np.quantile(macro, [0.025, 0.975])
    return float(low), float(high)
