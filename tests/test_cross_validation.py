from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.features import FeatureReader
from model.plain import PlainLabeller
from training.cross_validation import (
    FOLDS,
    best_threshold,
    choose_decision,
    fit_calibrators,
    hold_out,
    judge,
    split_by_collection,
)
from training.dataset import Dataset, read_dataset
from training.fit import Example, read_examples


@pytest.fixture(scope="module")
def dataset(small_data: Path) -> Dataset:
    return read_dataset(small_data)


@pytest.fixture(scope="module")
def examples(dataset: Dataset, plain_labeller: PlainLabeller) -> list[Example]:
    reader: FeatureReader = plain_labeller._reader
    return read_examples(dataset, reader)


def test_every_sentence_is_an_example_with_its_themes(dataset: Dataset, examples: list[Example]) -> None:
    inside = [sentence for paragraph in dataset.paragraphs for sentence in paragraph.sentences or ()]
    assert len(examples) == len(dataset.sentences) + len(inside)
    for example, sentence in zip(examples, [*dataset.sentences, *inside], strict=True):
        assert example.themes == tuple(theme in sentence.themes for theme in dataset.theme_ids)
        assert [word.name for word in example.whole.words][:1] == [
            word.name for clause in example.clauses or (example.whole,) for word in clause.words
        ][:1]


def test_a_collection_is_never_seen_and_judged_in_one_fold(dataset: Dataset, examples: list[Example]) -> None:
    judged: list[int] = []
    folds = list(split_by_collection(dataset, examples))
    assert len(folds) == FOLDS
    for rest, unseen in folds:
        seen = {dataset.documents[examples[index].document].collection for index in rest}
        held_out = {dataset.documents[dataset.paragraphs[index].document].collection for index in unseen}
        assert seen
        assert held_out
        assert not seen & held_out
        judged += unseen.tolist()
    assert sorted(judged) == list(range(len(dataset.paragraphs)))


def test_a_primary_that_nobody_named_is_not_judged(
    dataset: Dataset, examples: list[Example], plain_labeller: PlainLabeller
) -> None:
    held_out = hold_out(dataset, examples, plain_labeller._reader, lambda _done: None)
    calibrators = fit_calibrators(held_out)
    decision = choose_decision(held_out, calibrators, dataset.theme_ids)
    all_wrong = replace(held_out, primaries=("weather",) * len(held_out.primaries))
    assert judge(all_wrong, calibrators, decision, dataset.theme_ids).primary == 0
    one_known = replace(held_out, primaries=(held_out.primaries[0], *[None] * (len(held_out.primaries) - 1)))
    assert judge(one_known, calibrators, decision, dataset.theme_ids).primary in {0, 1}
    assert choose_decision(one_known, calibrators, dataset.theme_ids).thresholds == decision.thresholds


@pytest.mark.parametrize(
    ("truth", "probabilities", "expected"),
    [
        ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 0.5),
        ([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.4),
        ([1, 0], [0.5, 0.5], 0.333),
    ],
)
def test_the_threshold_is_half_of_the_best_f1(truth: list[int], probabilities: list[float], expected: float) -> None:
    assert best_threshold(np.array(truth, dtype=bool), np.array(probabilities)) == expected


def test_the_threshold_is_nearly_best_for_calibrated_probabilities() -> None:
    chance = np.random.default_rng(0)
    probabilities = chance.beta(0.3, 1.5, 20_000)
    truth = chance.random(20_000) < probabilities

    def f1(threshold: float) -> float:
        found = probabilities >= threshold
        return float(2 * (truth & found).sum() / (truth.sum() + found.sum()))

    assert (
        f1(best_threshold(truth, probabilities))
        > max(f1(threshold) for threshold in np.arange(0.05, 0.95, 0.01)) - 0.003
    )
