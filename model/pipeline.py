"""The trained parts of a labeller, as they are saved together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from model.features import Unit, feature_names

Logits = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What training fits.

    Attributes:
        vectoriser: units to rows of features (`model.features.make_vectoriser`).
        classifiers: for each theme, in order, the linear model of a single unit.
        calibrators: for each theme, a logistic regression from a paragraph's raw score to the probability that the theme holds (Platt
            scaling, fitted on scores that cross-validation made).
    """

    vectoriser: FeatureUnion
    classifiers: tuple[LogisticRegression, ...]
    calibrators: tuple[LogisticRegression, ...]

    def vectorise(self, units: Sequence[Unit]) -> csr_matrix:
        """Features of each unit: sparse matrix (units, features), float64.

        As `FeatureUnion.transform`, which swaps the warning filters of the whole process at each call: no two threads may do so at once.
        """
        weights = self.vectoriser.transformer_weights or {}
        parts = [part.transform(units) * weights.get(name, 1.0) for name, part in self.vectoriser.transformer_list]
        return csr_matrix(hstack(parts))

    def logits(self, features: csr_matrix) -> Logits:
        """Raw score of each row of `features` for each theme: array (units, themes), in logits."""
        coefficients = np.vstack([classifier.coef_[0] for classifier in self.classifiers])
        intercepts = np.array([classifier.intercept_[0] for classifier in self.classifiers])
        logits: Logits = features @ coefficients.T + intercepts
        return logits

    def probabilities(self, raw_scores: Logits) -> Logits:
        """Calibrated probabilities of raw scores; see `calibrate`."""
        return calibrate(raw_scores, self.calibrators)

    def feature_columns(self) -> dict[str, int]:
        """Column of each feature name."""
        return {name: column for column, name in enumerate(feature_names(self.vectoriser))}


def calibrate(raw_scores: Logits, calibrators: Sequence[LogisticRegression]) -> Logits:
    """Probabilities of raw scores.

    Args:
        raw_scores: array (rows, themes), in logits; minus infinity where the model knows nothing of a text.
        calibrators: of each theme.

    Returns:
        Array (rows, themes), each within [0, 1]; 0 for minus infinity, never the prior of a theme.
    """
    probabilities = np.zeros_like(raw_scores)
    known = np.isfinite(raw_scores).all(axis=1)
    if known.any():
        for theme, calibrator in enumerate(calibrators):
            probabilities[known, theme] = calibrator.predict_proba(raw_scores[known][:, [theme]])[:, 1]
    return probabilities
