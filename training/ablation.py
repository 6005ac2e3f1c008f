"""What each part of the recipe is worth: the recipe with one thing changed at a time, all judged on the same paragraphs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from model.features import FeatureReader, Unit, concept_names, word_names
from model.pipeline import Logits, Pipeline
from model.plain import Clause, ReadParagraph, in_sentence, read_paragraph
from model.sentences import Span
from training.cross_validation import split_by_collection, transferred_threshold
from training.dataset import Dataset
from training.fit import Recipe, fit, read_examples
from training.metrics import Truth

Pooling = Callable[[Logits, Logits, NDArray[np.intp]], Logits]
"""Takes the logits of a paragraph's sentences, those of its clauses and the sentence of each clause; returns its raw scores (themes,),
or several of each theme (themes, scores) for the calibration to weigh."""


def pool_clause_in_sentence(wholes: Logits, clauses: Logits, owner: NDArray[np.intp]) -> Logits:
    """The best clause, judged within its sentence: what ships."""
    pooled: Logits = in_sentence(wholes[owner], clauses).max(axis=0)
    return pooled


def pool_even(wholes: Logits, clauses: Logits, owner: NDArray[np.intp]) -> Logits:
    """The best mean of a clause and its sentence."""
    pooled: Logits = ((wholes[owner] + clauses) / 2).max(axis=0)
    return pooled


def pool_best_sentence(wholes: Logits, _clauses: Logits, _owner: NDArray[np.intp]) -> Logits:
    """The best sentence."""
    pooled: Logits = wholes.max(axis=0)
    return pooled


def pool_best_clause(_wholes: Logits, clauses: Logits, _owner: NDArray[np.intp]) -> Logits:
    """The best clause."""
    pooled: Logits = clauses.max(axis=0)
    return pooled


def pool_noisy_or(wholes: Logits, _clauses: Logits, _owner: NDArray[np.intp]) -> Logits:
    """One sentence or another has the theme, each with its probability: a noisy-or, as logits."""
    log_none = -np.logaddexp(0.0, wholes).sum(axis=0)
    none = np.clip(np.exp(log_none), 1e-12, 1 - 1e-12)
    pooled: Logits = np.log((1 - none) / none)
    return pooled


def pool_learned(wholes: Logits, clauses: Logits, owner: NDArray[np.intp]) -> Logits:
    """Five raw scores: the best clause in its sentence, the best sentence, the best clause, the second best clause and the mean sentence."""
    ranked = np.sort(np.vstack([clauses, clauses.min(axis=0)]), axis=0)
    return np.stack(
        [
            pool_clause_in_sentence(wholes, clauses, owner),
            wholes.max(axis=0),
            clauses.max(axis=0),
            ranked[-2],
            wholes.mean(axis=0),
        ],
        axis=1,
    )


def _with_neighbours(paragraph: ReadParagraph) -> ReadParagraph:
    """Each sentence seen together with the one before it and the one behind it."""
    wholes = paragraph.wholes
    return replace(
        paragraph, wholes=tuple(_joined(wholes[max(0, index - 1) : index + 2]) for index in range(len(wholes)))
    )


def _with_items(paragraph: ReadParagraph) -> ReadParagraph:
    """Clauses cut further, to the items of enumerations (between 、)."""
    text = paragraph.normalised.text
    items = []
    for clause in paragraph.clauses:
        ends = [match.end() for match in _ITEM_END.finditer(text, *clause.span)]
        for start, end in pairwise([clause.span.start, *ends, clause.span.end]):
            if start < end:
                span = Span(start, end)
                items.append(Clause(span, clause.sentence, clause.unit.within(span)))
    return replace(paragraph, clauses=tuple(items))


_ITEM_END = re.compile("、")


def _as_read(paragraph: ReadParagraph) -> ReadParagraph:
    return paragraph


def _joined(units: Sequence[Unit]) -> Unit:
    return Unit(
        tuple(word for unit in units for word in unit.words),
        tuple(concept for unit in units for concept in unit.concepts),
    )


def _whole_paragraph(paragraph: ReadParagraph) -> Unit:
    return _joined(paragraph.wholes)


def word_pairs(unit: Unit) -> list[str]:
    """Words, and each two that follow one another."""
    names = word_names(unit)
    return names + [f"{first} {second}" for first, second in pairwise(names)]


def characters(unit: Unit) -> list[str]:
    """Runs of one to four characters inside and across words."""
    text = "".join(word_names(unit))
    return [text[start : start + length] for length in range(1, 5) for start in range(len(text) - length + 1)]


def words_and_characters(unit: Unit) -> list[str]:
    """Words, and runs of two and three characters."""
    text = "".join(word_names(unit))
    runs = [f"_{text[start : start + length]}" for length in (2, 3) for start in range(len(text) - length + 1)]
    return word_names(unit) + runs


def concept_pairs(unit: Unit) -> list[str]:
    """Concepts, and each two that stand in one unit: a concept with its context."""
    names = sorted(set(concept_names(unit)))
    return names + [f"{first}&{second}" for index, first in enumerate(names) for second in names[index + 1 :]]


def vectoriser_of(
    words: Callable[[Unit], list[str]] = word_names,
    concepts: Callable[[Unit], list[str]] | None = concept_names,
    concept_weight: float = 0.5,
) -> Callable[[], FeatureUnion]:
    """A maker of vectorisers like the one that ships, with other analysers."""

    def make() -> FeatureUnion:
        parts = [("words", TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2))]
        if concepts is not None:
            parts.append(("concepts", TfidfVectorizer(analyzer=concepts, use_idf=False, norm=None, binary=True)))
        return FeatureUnion(parts, transformer_weights={"concepts": concept_weight} if concepts else None)

    return make


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe, a way to pool, and how scores become decisions.

    `view` changes what is seen of a paragraph that is to be labelled.
    `decide` is `tuned` (Platt scaling, tuned thresholds: what ships), `isotonic` (isotonic calibration, tuned thresholds), or `half`
    (Platt scaling, 0.5 for all).
    """

    recipe: Recipe = field(default_factory=Recipe)
    pooling: Pooling = pool_clause_in_sentence
    decide: str = "tuned"
    view: Callable[[ReadParagraph], ReadParagraph] = _as_read
    whole_paragraph: bool = False


_SHIPPED = "发布的配方"
VARIANTS: dict[str, Variant] = {
    _SHIPPED: Variant(),
    "不用词典概念": Variant(Recipe(make_vectoriser=vectoriser_of(concepts=None))),
    "概念加上下文（两两组合）": Variant(Recipe(make_vectoriser=vectoriser_of(concepts=concept_pairs))),
    "概念权重 0.2": Variant(Recipe(make_vectoriser=vectoriser_of(concept_weight=0.2))),
    "概念权重 1": Variant(Recipe(make_vectoriser=vectoriser_of(concept_weight=1.0))),
    "词与词对": Variant(Recipe(make_vectoriser=vectoriser_of(word_pairs))),
    "字符 1–4 代替词": Variant(Recipe(make_vectoriser=vectoriser_of(characters))),
    "词加字符 2–3": Variant(Recipe(make_vectoriser=vectoriser_of(words_and_characters))),
    "只学整句（不做分句的多示例学习）": Variant(Recipe(clause_rounds=0)),
    "多示例学习 1 轮": Variant(Recipe(clause_rounds=1)),
    "C = 3": Variant(Recipe(inverse_regularisation=3.0)),
    "C = 30": Variant(Recipe(inverse_regularisation=30.0)),
    "类别权重 balanced": Variant(Recipe(class_weight="balanced")),
    "取最大：整句": Variant(pooling=pool_best_sentence),
    "取最大：分句": Variant(pooling=pool_best_clause),
    "取最大：分句与整句各半": Variant(pooling=pool_even),
    "整句 noisy-or": Variant(pooling=pool_noisy_or),
    "学得的合并（五种分数）": Variant(pooling=pool_learned),
    "整段一次判断": Variant(whole_paragraph=True),
    "句子连同前后句一起看": Variant(view=_with_neighbours),
    "列举拆成单项（按顿号）": Variant(view=_with_items),
    "保序回归校准": Variant(decide="isotonic"),
    "阈值一律 0.5": Variant(decide="half"),
}


@dataclass(frozen=True, slots=True)
class AblationResult:
    """Labels that a variant gives: of held-out written paragraphs, and of the gold paragraphs."""

    held_out: Truth
    gold: Truth


def ablate(dataset: Dataset, gold_texts: Sequence[str], tell: Callable[[str], None]) -> dict[str, AblationResult]:
    """Judge every variant by cross-validation over collections of documents and on `gold_texts`.

    `tell` is called with the name of each variant when it is done.
    """
    reader = FeatureReader(dataset.lexicon)
    examples = read_examples(dataset, reader)
    paragraphs = [read_paragraph(paragraph.text, reader) for paragraph in dataset.paragraphs]
    gold = [read_paragraph(text, reader) for text in gold_texts]
    truth = np.array([[theme in paragraph.themes for theme in dataset.theme_ids] for paragraph in dataset.paragraphs])
    folds = list(split_by_collection(dataset, examples))
    results = {}
    fitted: dict[int, list[Pipeline]] = {}
    for name, variant in VARIANTS.items():
        key = id(variant.recipe) if variant.recipe != Recipe() else 0
        if key not in fitted:
            rests = [*(rest for rest, _ in folds), np.arange(len(examples))]
            fitted[key] = [Pipeline(*fit([examples[index] for index in rest], variant.recipe), ()) for rest in rests]
        scored = [
            (unseen, _raw_scores([paragraphs[index] for index in unseen], pipeline, variant))
            for pipeline, (_, unseen) in zip(fitted[key], folds, strict=False)
        ]
        raw = np.empty((len(paragraphs), *scored[0][1].shape[1:]))
        for unseen, scores in scored:
            raw[unseen] = scores
        gold_raw = _raw_scores(gold, fitted[key][-1], variant)
        if key:
            del fitted[key]
        results[name] = AblationResult(*_decide(raw, truth, gold_raw, variant.decide))
        tell(name)
    return results


def _raw_scores(paragraphs: Sequence[ReadParagraph], pipeline: Pipeline, variant: Variant) -> Logits:
    """Raw scores of `paragraphs`: array (paragraphs, themes, scores)."""
    if variant.whole_paragraph:
        return pipeline.logits(pipeline.vectorise([_whole_paragraph(paragraph) for paragraph in paragraphs]))[
            :, :, np.newaxis
        ]
    rows = []
    for paragraph in map(variant.view, paragraphs):
        logits = pipeline.logits(
            pipeline.vectorise([*paragraph.wholes, *(clause.unit for clause in paragraph.clauses)])
        )
        count = len(paragraph.wholes)
        owner = np.array([clause.sentence for clause in paragraph.clauses], dtype=np.intp)
        pooled = variant.pooling(logits[:count], logits[count:], owner)
        rows.append(pooled.reshape(len(pooled), -1))
    return np.array(rows)


def _decide(raw: Logits, truth: Truth, gold_raw: Logits, how: str) -> tuple[Truth, Truth]:
    """Labels of the held-out and of the gold paragraphs, calibrated and with thresholds from the held-out ones."""
    held_out = np.empty(raw.shape[:2], dtype=np.bool_)
    gold = np.empty(gold_raw.shape[:2], dtype=np.bool_)
    for theme in range(raw.shape[1]):
        scores, gold_scores, has = raw[:, theme], gold_raw[:, theme], truth[:, theme]
        if how == "isotonic":
            isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores[:, 0], has)
            probabilities, gold_probabilities = isotonic.predict(scores[:, 0]), isotonic.predict(gold_scores[:, 0])
        else:
            platt = LogisticRegression(C=100.0).fit(scores, has)
            probabilities = platt.predict_proba(scores)[:, 1]
            gold_probabilities = platt.predict_proba(gold_scores)[:, 1]
        threshold = 0.5 if how == "half" else transferred_threshold(has, probabilities)
        held_out[:, theme] = probabilities >= threshold
        gold[:, theme] = gold_probabilities >= threshold
    return held_out, gold
