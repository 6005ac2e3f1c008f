"""What training makes of paragraphs of which only their own themes are known."""

from dataclasses import replace
from pathlib import Path

import pytest

from model.features import FeatureReader
from training.dataset import Dataset, ParagraphRecord, read_dataset
from training.fit import fit, read_examples

# A word that no other text of the data has tells the theme; the other sentence of each paragraph is like many that lack it.
NEW_WORDS = "鹤鸣券"
PLAIN_SENTENCES = ["修缮农村公路三十公里。", "改造老旧小区十二个。", "完成河道清淤和堤防加固。", "新建农贸市场两处。"]


@pytest.fixture(scope="module")
def dataset(tiny_data: Path) -> Dataset:
    return read_dataset(tiny_data)


def reviewed(dataset: Dataset, number: int, text: str, *themes: str) -> ParagraphRecord:
    return ParagraphRecord(
        id=f"review-{number}",
        document=next(iter(dataset.documents)),
        text=text,
        themes=list(themes),
        primary=themes[0] if themes else "other",
        labelled="reviewed",
    )


def with_reviews(dataset: Dataset) -> Dataset:
    """`dataset` and reviewed paragraphs of two sentences, one of which bears the theme."""
    themed = [
        reviewed(dataset, number, f"{plain}向企业发放{NEW_WORDS}{number}张。", "tech_finance")
        for number, plain in enumerate(PLAIN_SENTENCES)
    ]
    bare = [reviewed(dataset, 10 + number, plain * 2) for number, plain in enumerate(PLAIN_SENTENCES)]
    return replace(dataset, paragraphs=(*dataset.paragraphs, *themed, *bare))


def logits_of(dataset: Dataset, texts: list[str]) -> list[float]:
    """What the classifier of tech_finance, fitted to `dataset`, says of sentences."""
    reader = FeatureReader(dataset.lexicon)
    vectoriser, classifiers = fit(read_examples(dataset, reader))
    probes = replace(dataset, sentences=(), paragraphs=tuple(reviewed(dataset, 50, text) for text in texts))
    units = [example.whole for example in read_examples(probes, reader)]
    found: list[float] = classifiers[0].decision_function(vectoriser.transform(units)).tolist()
    return found


def test_a_reviewed_paragraph_is_one_example(dataset: Dataset) -> None:
    reader = FeatureReader(dataset.lexicon)
    known = read_examples(dataset, reader)
    reviews = read_examples(with_reviews(dataset), reader)[len(known) :]
    assert [example.themes[0] for example in reviews] == [True] * 4 + [False] * 4
    assert all(len(example.clauses) == 2 for example in reviews)


def test_training_finds_the_sentence_that_bears_the_theme(dataset: Dataset) -> None:
    probes = [f"向企业发放{NEW_WORDS}。", *PLAIN_SENTENCES]
    before = logits_of(dataset, probes)
    after = logits_of(with_reviews(dataset), probes)
    assert after[0] > 0 > before[0], "a new word is learned from paragraphs alone"
    assert max(after[1:]) < 0, "and their other sentences stay without the theme"
