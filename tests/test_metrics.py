import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.metrics import Scores, expected_calibration_error, macro_f1_interval, score

RULER = Path(__file__).resolve().parent.parent.parent / "shared" / "tools" / "score.py"
THEMES = ["tech_finance", "incubator", "talent", "intellectual_property", "civil_military"]
TRUTH = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], dtype=bool)
PREDICTED = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], dtype=bool)


def test_scores_worked_out_by_hand() -> None:
    scores = score(TRUTH, PREDICTED, ["a", "b"], primary_pairs=[("a", "a"), ("a", "b"), ("other", "other"), ("a", "a")])
    assert scores.themes["a"].precision == 1
    assert scores.themes["a"].recall == pytest.approx(2 / 3)
    assert scores.themes["a"].f1 == pytest.approx(0.8)
    assert scores.themes["a"].support == 3
    assert scores.themes["b"].f1 == pytest.approx(2 / 3)
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores.micro_f1 == pytest.approx(6 / 8)
    assert scores.exact == 0.5
    assert scores.primary == 0.75
    assert scores.ece is None


def test_a_theme_that_nobody_has_and_nobody_predicted_is_right() -> None:
    nothing = np.zeros((3, 2), dtype=bool)
    scores = score(nothing, nothing, ["a", "b"])
    assert (scores.macro_f1, scores.micro_f1, scores.exact, scores.primary) == (1, 1, 1, None)


def test_a_theme_that_nobody_has_but_somebody_predicted_is_wrong() -> None:
    nothing = np.zeros((2, 2), dtype=bool)
    scores = score(nothing, np.array([[True, False], [False, False]]), ["a", "b"])
    assert (scores.themes["a"].f1, scores.themes["b"].f1, scores.micro_f1) == (0, 1, 0)


@pytest.mark.parametrize(
    ("truth", "probabilities", "expected"),
    [
        ([1, 0], [1.0, 0.0], 0.0),
        ([0, 1], [1.0, 0.0], 1.0),
        ([1, 0], [0.5, 0.5], 0.0),
        ([1, 1], [0.75, 0.75], 0.25),
        ([1, 0, 0], [0.95, 1.0, 0.15], (0.95 + 0.15) / 3),
    ],
)
def test_calibration_error(truth: list[int], probabilities: list[float], expected: float) -> None:
    error = expected_calibration_error(np.array([truth], dtype=bool), np.array([probabilities]))
    assert error == pytest.approx(expected)


def test_a_record_is_plain_and_rounded() -> None:
    record = score(TRUTH, PREDICTED, ["a", "b"]).as_record()
    assert json.loads(json.dumps(record)) == record
    assert record["macro_f1"] == 0.7333
    assert record["themes"]["a"] == {"precision": 1.0, "recall": 0.6667, "f1": 0.8, "support": 3}
    assert record["primary"] is None


def drawn(seed: int, rows: int, share: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Gold and predicted records, drawn by chance."""
    chance = np.random.default_rng(seed)
    gold, predicted = [], []
    for number in range(rows):
        has = chance.random(len(THEMES)) < share
        probabilities = np.clip(np.where(has, 0.7, 0.3) + chance.normal(0, 0.25, len(THEMES)), 0, 1)
        themes = [theme for theme, one in zip(THEMES, has, strict=True) if one]
        found = [theme for theme, one in zip(THEMES, probabilities, strict=True) if one >= 0.5]
        place = {"id": f"p{number}"}
        gold.append(
            {**place, "themes": themes, "primary": themes[0] if themes else "other", "source": f"d{number % 7}"}
        )
        scores = dict(zip(THEMES, probabilities.tolist(), strict=True))
        predicted.append({**place, "themes": found, "primary": found[-1] if found else "other", "scores": scores})
    return gold, predicted


def matrix(records: list[dict[str, Any]]) -> Any:
    return np.array([[theme in record["themes"] for theme in THEMES] for record in records])


def own_scores(gold: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> Scores:
    return score(
        matrix(gold),
        matrix(predicted),
        THEMES,
        probabilities=np.array([[record["scores"][theme] for theme in THEMES] for record in predicted]),
        primary_pairs=[(one["primary"], other["primary"]) for one, other in zip(gold, predicted, strict=True)],
    )


@pytest.mark.skipif(not RULER.exists(), reason="the shared ruler is not here")
@pytest.mark.parametrize(
    ("seed", "rows", "share"), [(1, 200, 0.3), (2, 3, 0.2), (3, 40, 0.0), (4, 60, 1.0), (5, 1, 0.5)]
)
def test_scores_equal_those_of_the_shared_ruler(tmp_path: Path, seed: int, rows: int, share: float) -> None:
    gold, predicted = drawn(seed, rows, share)
    for name, records in (("gold", gold), ("predicted", predicted)):
        (tmp_path / name).write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, str(RULER), str(tmp_path / "predicted"), str(tmp_path / "gold"), "--json"],
        capture_output=True,
        check=True,
    )
    expected = json.loads(finished.stdout)
    own = own_scores(gold, predicted)
    for name in ("macro_f1", "micro_f1", "exact", "primary", "ece"):
        assert getattr(own, name) == pytest.approx(expected[name], abs=1e-12), name
    for theme, row in expected["themes"].items():
        for name, value in row.items():
            assert getattr(own.themes[theme], name) == pytest.approx(value, abs=1e-12), (theme, name)
    low, high = macro_f1_interval(matrix(gold), matrix(predicted), [record["source"] for record in gold])
    assert [low, high] == pytest.approx(expected["ci"], abs=0.03)  # both draw by chance


def test_the_interval_holds_the_score_and_narrows_with_more_sources() -> None:
    def width(sources: int) -> float:
        gold, predicted = drawn(6, 300, 0.3)
        truth, found = matrix(gold), matrix(predicted)
        low, high = macro_f1_interval(truth, found, [f"d{number % sources}" for number in range(len(gold))])
        assert low <= score(truth, found, THEMES).macro_f1 <= high
        return high - low

    assert 0 < width(300) < 0.2
    assert macro_f1_interval(TRUTH, PREDICTED, ["one"] * 4) == pytest.approx([0.7333, 0.7333], abs=1e-4)


def test_paragraphs_of_one_source_stand_or_fall_together() -> None:
    truth = np.array([[True]] * 40)
    predicted = np.array([[True]] * 20 + [[False]] * 20)
    alone = macro_f1_interval(truth, predicted, [str(number) for number in range(40)])
    together = macro_f1_interval(truth, predicted, ["right"] * 20 + ["wrong"] * 20)
    assert together == (0, 1)
    assert 0.4 < alone[0] < alone[1] < 0.9
