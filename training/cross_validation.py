"""Judges the recipe on documents it has not seen, and sets from that what turns scores into labels."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import GroupKFold

from model.errors import DataError
from model.features import FeatureReader
from model.label import NO_THEME
from model.labeller import Decision
from model.pipeline import Logits, Pipeline, calibrate
from model.plain import (
    ReadParagraph,
    bearing_clauses,
    paragraph_raw_scores,
    primary_theme,
    read_paragraph,
    score_clauses,
)
from training.dataset import Dataset
from training.fit import Example, fit
from training.metrics import Scores, Truth, score

FOLDS = 4
REVIEW_SHARE = 0.10
"""Share of paragraphs that the review bands are wide enough for."""

TRANSFER = 0.8
"""What a threshold is lowered by for real documents: their wording is new, and what they say of a theme scores lower than what our
writers say. On real paragraphs set aside for development every factor from 0.6 to 0.9 beat 1, on written ones F1 is flat there."""
_PRIMARY_SHARES = np.round(np.arange(0.20, 0.601, 0.02), 2)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Raw scores of the dataset's paragraphs, each by a model that did not see its document.

    Attributes:
        paragraphs: as read, in the dataset's order.
        clause_scores: of each paragraph, array (clauses, themes), in logits.
        raw_scores: array (paragraphs, themes), in logits.
        truth: array (paragraphs, themes).
        primaries: gold primary of each paragraph; None where it is not known.
    """

    paragraphs: tuple[ReadParagraph, ...]
    clause_scores: tuple[Logits, ...]
    raw_scores: Logits
    truth: Truth
    primaries: tuple[str | None, ...]


def hold_out(
    dataset: Dataset, examples: Sequence[Example], reader: FeatureReader, tell: Callable[[int], None]
) -> HeldOut:
    """Fit `FOLDS` times, each time without about a quarter of the data, and score the paragraphs of that quarter.

    Whole collections are held out: a collection's writer and genre are then as new to the model as a real document's.
    `tell` is called with the number of folds done.
    """
    paragraphs = [read_paragraph(paragraph.text, reader) for paragraph in dataset.paragraphs]
    clause_scores: dict[int, Logits] = {}
    raw_scores = np.full((len(paragraphs), len(dataset.themes)), -np.inf)
    for done, (rest, unseen) in enumerate(split_by_collection(dataset, examples), 1):
        vectoriser, classifiers = fit([examples[index] for index in rest])
        scores = score_clauses([paragraphs[index] for index in unseen], Pipeline(vectoriser, classifiers, ()))
        for index, one in zip(unseen, scores, strict=True):
            clause_scores[int(index)] = one
            raw_scores[index] = paragraph_raw_scores(one)
        tell(done)
    truth = np.array([[theme in paragraph.themes for theme in dataset.theme_ids] for paragraph in dataset.paragraphs])
    primaries = tuple(paragraph.primary for paragraph in dataset.paragraphs)
    return HeldOut(
        tuple(paragraphs), tuple(clause_scores[index] for index in range(len(paragraphs))), raw_scores, truth, primaries
    )


def split_by_collection(
    dataset: Dataset, examples: Sequence[Example]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """For each fold, the indices of the examples to fit to and of the paragraphs that these leave unseen.

    Raises:
        DataError: the data are right but too few: a fold lacks examples with or without a theme, or terms of the lexicon.
    """
    homes = np.array([dataset.documents[example.document].collection for example in examples])
    paragraph_homes = np.array([dataset.documents[one.document].collection for one in dataset.paragraphs])
    if len(set(homes)) < FOLDS:
        raise DataError(f"数据太少：只有 {len(set(homes))} 组（collection）文件，交叉验证至少要 {FOLDS} 组。")
    _check_themes(dataset, [paragraph.themes for paragraph in dataset.paragraphs])
    for rest, _ in GroupKFold(FOLDS).split(homes, groups=homes):
        seen = [examples[index] for index in rest]
        _check_themes(dataset, [set(compress(dataset.theme_ids, example.themes)) for example in seen])
        if not any(example.whole.concepts for example in seen):
            raise DataError("数据太少：句子里几乎没有词典（lexicon.tsv）里的词，无法训练。")
        yield rest, np.flatnonzero(~np.isin(paragraph_homes, homes[rest]))


def _check_themes(dataset: Dataset, found: Sequence[Collection[str]]) -> None:
    for theme in dataset.theme_ids:
        if not 0 < sum(theme in themes for themes in found) < len(found):
            raise DataError(
                f"数据太少：主题 {theme} 应在多组（collection）文件里既有例句、例段，也有不含它的句子和段落，否则无法交叉验证。"
            )


def fit_calibrators(held_out: HeldOut) -> tuple[LogisticRegression, ...]:
    """For each theme, the logistic regression from raw score to probability (Platt 1999)."""
    known = np.isfinite(held_out.raw_scores).all(axis=1)
    return tuple(
        LogisticRegression(C=100.0).fit(held_out.raw_scores[known][:, [theme]], held_out.truth[known, theme])
        for theme in range(held_out.truth.shape[1])
    )


def choose_decision(held_out: HeldOut, calibrators: Sequence[LogisticRegression], theme_ids: Sequence[str]) -> Decision:
    """Thresholds, review bands and primary shares that did best on the held-out paragraphs."""
    probabilities = calibrate(held_out.raw_scores, calibrators)
    thresholds = tuple(
        transferred_threshold(held_out.truth[:, theme], probabilities[:, theme]) for theme in range(len(theme_ids))
    )
    bearings = [bearing_clauses(one, calibrators, thresholds) for one in held_out.clause_scores]
    bands = _review_bands(probabilities, thresholds)
    best = (-1.0, 0.0, 0.0)
    for share in _PRIMARY_SHARES:
        for first_share in _PRIMARY_SHARES[share >= _PRIMARY_SHARES]:
            decision = Decision(thresholds, bands, float(share), float(first_share))
            found = primaries(held_out, probabilities, bearings, decision, theme_ids)
            right = float(np.mean([a == b for a, b in _known_primaries(held_out, found)]))
            best = max(best, (right, -float(share), -float(first_share)))
    return Decision(thresholds, bands, -best[1], -best[2])


def primaries(
    held_out: HeldOut,
    probabilities: NDArray[np.float64],
    bearings: Sequence[Truth],
    decision: Decision,
    theme_ids: Sequence[str],
) -> list[str]:
    """The primary of each held-out paragraph under `decision`."""
    found = []
    for paragraph, row, bearing in zip(held_out.paragraphs, probabilities, bearings, strict=True):
        given = [index for index, value in enumerate(row) if value >= decision.thresholds[index]]
        index = primary_theme(bearing, paragraph, given, decision) if given else None
        found.append(NO_THEME if index is None else theme_ids[index])
    return found


def _known_primaries(held_out: HeldOut, found: Sequence[str]) -> list[tuple[str, str]]:
    """Gold and predicted primary of each paragraph whose gold one is known."""
    return [(gold, one) for gold, one in zip(held_out.primaries, found, strict=True) if gold is not None]


def judge(
    held_out: HeldOut, calibrators: Sequence[LogisticRegression], decision: Decision, theme_ids: Sequence[str]
) -> Scores:
    """Scores of the held-out labels under `decision`."""
    probabilities = calibrate(held_out.raw_scores, calibrators)
    bearings = [bearing_clauses(one, calibrators, decision.thresholds) for one in held_out.clause_scores]
    found = primaries(held_out, probabilities, bearings, decision, theme_ids)
    return score(
        held_out.truth,
        probabilities >= np.array(decision.thresholds),
        theme_ids,
        probabilities=probabilities,
        primary_pairs=_known_primaries(held_out, found),
    )


def best_threshold(truth: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """The threshold of one theme that is best for F1: half of the best F1 (Lipton, Elkan and Naryanaswamy, ECML 2014).

    That holds for calibrated probabilities. Taking the best threshold itself instead follows the noise of the sample: F1 is flat
    around its top.

    Args:
        truth: which row has the theme, array (rows,).
        probabilities: calibrated, array (rows,).
    """
    precision, recall, _ = precision_recall_curve(truth, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return round(float(f1.max()) / 2, 3)


def transferred_threshold(truth: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """The threshold for real documents: `TRANSFER` times the best one of the written held-out paragraphs."""
    return round(TRANSFER * best_threshold(truth, probabilities), 3)


def _review_bands(probabilities: NDArray[np.float64], thresholds: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Around each threshold the band, equally wide in logits for all themes, so that `REVIEW_SHARE` of the paragraphs falls in one."""
    limits = np.clip(probabilities, 1e-6, 1 - 1e-6)
    cut = np.array(thresholds)
    centre = np.log(cut / (1 - cut))
    distance = np.abs(np.log(limits / (1 - limits)) - centre).min(axis=1)
    half_width = float(np.quantile(distance, REVIEW_SHARE))
    low, high = (1 / (1 + np.exp(-(centre - half_width))), 1 / (1 + np.exp(-(centre + half_width))))
    return tuple((round(float(a), 4), round(float(b), 4)) for a, b in zip(low, high, strict=True))
