"""What is gained when a person looks again at the labels the model is least sure of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.metrics import Truth

_SHARES = (0.0, 0.02, 0.05, 0.10, 0.15, 0.20, 0.30)


@dataclass(frozen=True, slots=True)
class ReviewPoint:
    """The macro-F1 of what is left to the model when `share` of the paragraphs goes to a person."""

    share: float
    macro_f1_of_the_rest: float


def uncertainty(probabilities: NDArray[np.float64], thresholds: Sequence[float]) -> NDArray[np.float64]:
    """How unsure the model is of each paragraph: minus the least distance, in logits, of a probability from its threshold."""
    cut = np.array(thresholds)
    limited = np.clip(probabilities, 1e-6, 1 - 1e-6)
    distance = np.abs(np.log(limited / (1 - limited)) - np.log(cut / (1 - cut)))
    unsure: NDArray[np.float64] = -distance.min(axis=1)
    return unsure


def review_curve(
    truth: Truth, probabilities: NDArray[np.float64], thresholds: Sequence[float]
) -> tuple[ReviewPoint, ...]:
    """Macro-F1 of the rest, for several shares of paragraphs sent to review, most uncertain first."""
    predicted = probabilities >= np.array(thresholds)
    order = np.argsort(-uncertainty(probabilities, thresholds), kind="stable")
    points = []
    for share in _SHARES:
        rest = order[round(share * len(order)) :]
        f1 = f1_score(truth[rest], predicted[rest], average="macro", zero_division=1.0)
        points.append(ReviewPoint(share, float(f1)))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The pairs of paragraph and theme whose probability lies in one tenth: how many, what was said, what was true."""

    low: float
    count: int
    mean_probability: float
    frequency: float


def reliability(truth: Truth, probabilities: NDArray[np.float64]) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram as a table of ten equal bins; empty ones are left out."""
    said, held = probabilities.ravel(), truth.ravel()
    bins = np.minimum((said * 10).astype(int), 9)
    return tuple(
        ReliabilityBin(number / 10, int(inside.sum()), float(said[inside].mean()), float(held[inside].mean()))
        for number in range(10)
        if (inside := bins == number).any()
    )
