import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from model.features import Unit
from model.pipeline import calibrate
from model.plain import PlainLabeller

INFINITY = float("inf")


def calibrator(slope: float, intercept: float) -> LogisticRegression:
    """A calibrator with the given curve."""
    made = LogisticRegression().fit([[-1.0], [1.0]], [False, True])
    made.coef_, made.intercept_ = np.array([[slope]]), np.array([intercept])
    return made


CALIBRATORS = (calibrator(1.0, 0.0), calibrator(2.0, -1.0))


def test_probabilities_follow_the_calibrators() -> None:
    found = calibrate(np.array([[0.0, 0.5], [3.0, -1.0]]), CALIBRATORS)
    np.testing.assert_allclose(found, [[0.5, 0.5], [1 / (1 + math.exp(-3)), 1 / (1 + math.exp(3))]])


def test_minus_infinity_is_probability_0_and_leaves_other_rows_alone() -> None:
    found = calibrate(np.array([[-INFINITY, -INFINITY], [0.0, 0.5], [-INFINITY, -INFINITY]]), CALIBRATORS)
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.5, 0.5], [0.0, 0.0]])


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_nothing_known_is_probability_0(rows: int) -> None:
    assert calibrate(np.full((rows, 2), -INFINITY), CALIBRATORS).tolist() == [[0.0, 0.0]] * rows


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=1, max_size=20))
def test_probabilities_lie_from_0_to_1_and_rise_with_the_score(rows: list[tuple[float, float]]) -> None:
    scores = np.sort(np.array(rows), axis=0)
    found = calibrate(scores, CALIBRATORS)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=0) >= 0).all()


def test_logits_are_those_of_the_classifiers(plain_labeller: PlainLabeller) -> None:
    pipeline = plain_labeller._pipeline
    units = [
        plain_labeller._reader.read(text) for text in ("引进高层次人才", "新建科技企业孵化器,推进专利质押融资", "。")
    ]
    features = pipeline.vectorise(units)
    expected = np.column_stack([classifier.decision_function(features) for classifier in pipeline.classifiers])
    np.testing.assert_allclose(pipeline.logits(features), expected, atol=1e-12)


def test_every_column_has_a_name(plain_labeller: PlainLabeller) -> None:
    pipeline = plain_labeller._pipeline
    columns = pipeline.feature_columns()
    assert sorted(columns.values()) == list(range(pipeline.classifiers[0].coef_.shape[1]))


class Watched(list[Unit]):
    """Units that note which warning filters hold while they are read."""

    def __init__(self, units: Iterable[Unit]) -> None:
        super().__init__(units)
        self.filters: list[object] = []

    def __iter__(self) -> Iterator[Unit]:
        self.filters.append(warnings.filters)
        return super().__iter__()


def test_features_are_those_of_the_vectoriser_without_touching_what_other_threads_use(
    plain_labeller: PlainLabeller,
) -> None:
    pipeline = plain_labeller._pipeline
    units = Watched(plain_labeller._reader.read(text) for text in ("引进高层次人才", "新建科技企业孵化器", "。"))
    features = pipeline.vectorise(units)
    assert units.filters
    assert all(filters is warnings.filters for filters in units.filters)
    expected = pipeline.vectoriser.transform(units)
    assert (features != expected).nnz == 0
