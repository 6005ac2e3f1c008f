"""Tables for maintainers: how the shipped labels do by slice, what review would gain, the worst errors, peers and ablations."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.label import Label
from training.gold import GoldParagraph
from training.metrics import Scores, Truth, macro_f1_interval, score
from training.review import reliability, review_curve

_LENGTHS = ((0, 80), (80, 160), (160, 320), (320, 10_000))
_MOST_ERRORS = 20
_TABLE_BREAKERS = re.compile(r"[|\n]")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars and line ends inside cells become spaces."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_TABLE_BREAKERS.sub(" ", cell) for cell in line) + " |" for line in lines)


def score_table(scores: Scores) -> str:
    """Precision, recall and F1 by theme, and the figures over all."""
    table = markdown_table(
        ["主题", "准确率", "召回率", "F1", "段数"],
        [
            [theme, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support)]
            for theme, row in scores.themes.items()
        ],
    )
    figures = {"宏平均 F1": scores.macro_f1, "微平均 F1": scores.micro_f1, "全对": scores.exact}
    if scores.primary is not None:
        figures["主要主题"] = scores.primary
    if scores.ece is not None:
        figures["ECE"] = scores.ece
    return table + "\n\n" + "；".join(f"{name} {value:.3f}" for name, value in figures.items()) + "\n"


def slice_table(truth: Truth, predicted: Truth, keys: Sequence[str], title: str) -> str:
    """Macro-F1 and exact share of the paragraphs of each key; themes that a slice lacks count as right, so read small slices with care."""
    rows = []
    for key in dict.fromkeys(keys):
        inside = np.array([one == key for one in keys])
        scores = score(truth[inside], predicted[inside], [str(index) for index in range(truth.shape[1])])
        rows.append([key, str(int(inside.sum())), f"{scores.micro_f1:.3f}", f"{scores.exact:.3f}"])
    return markdown_table([title, "段数", "微平均 F1", "全对"], rows) + "\n"


def length_keys(texts: Sequence[str]) -> list[str]:
    """The length class of each text, in characters."""
    return [next(f"{low}–{high} 字" for low, high in _LENGTHS if low <= len(text) < high) for text in texts]


def review_tables(truth: Truth, probabilities: NDArray[np.float64], thresholds: Sequence[float]) -> str:
    """The review curve and the reliability table."""
    curve = markdown_table(
        ["送人工复核的段落", "其余段落的宏平均 F1"],
        [
            [f"{point.share:.0%}", f"{point.macro_f1_of_the_rest:.3f}"]
            for point in review_curve(truth, probabilities, thresholds)
        ],
    )
    bins = markdown_table(
        ["概率区间", "段落×主题", "平均概率", "实际比例"],
        [
            [
                f"{one.low:.1f}–{one.low + 0.1:.1f}",
                str(one.count),
                f"{one.mean_probability:.3f}",
                f"{one.frequency:.3f}",
            ]
            for one in reliability(truth, probabilities)
        ],
    )
    return f"{curve}\n\n{bins}\n"


def interval(truth: Truth, predicted: Truth, sources: Sequence[str]) -> str:
    """Macro-F1 with its 95 % interval."""
    low, high = macro_f1_interval(truth, predicted, sources)
    ids = [str(index) for index in range(truth.shape[1])]
    return f"{score(truth, predicted, ids).macro_f1:.3f}（{low:.3f}–{high:.3f}）"


def worst_errors(gold: Sequence[GoldParagraph], labels: Sequence[Label], theme_ids: Sequence[str]) -> str:
    """The wrong labels that the model was surest of, with their evidence."""
    errors = []
    for paragraph, label in zip(gold, labels, strict=True):
        for theme in theme_ids:
            given, true = theme in label.themes, theme in paragraph.themes
            if given != true:
                evidence = next((item for item in label.evidence if item.theme == theme), None)
                sure = label.scores[theme] if given else 1 - label.scores[theme]
                errors.append((sure, paragraph, theme, given, label.scores[theme], evidence))
    errors.sort(key=lambda item: -item[0])
    rows = [
        [
            str(paragraph.id),
            theme,
            "多给" if given else "漏给",
            f"{probability:.2f}",
            evidence.text if evidence else "—",
            "、".join(term.text for term in evidence.terms) if evidence else "",
        ]
        for _, paragraph, theme, given, probability, evidence in errors[:_MOST_ERRORS]
    ]
    return markdown_table(["编号", "主题", "错误", "概率", "依据", "词语"], rows) + "\n"
