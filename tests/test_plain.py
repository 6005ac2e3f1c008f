import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.features import Unit
from model.label import Label
from model.labeller import Decision
from model.plain import (
    Clause,
    PlainLabeller,
    ReadParagraph,
    bearing_clauses,
    paragraph_raw_scores,
    primary_theme,
    read_paragraph,
    score_clauses,
)
from model.sentences import Span
from model.text import normalise
from training.dataset import read_dataset

PHRASES = st.sampled_from(
    [
        *(
            "新建科技企业孵化器三家，",
            "众创空间入驻团队六十个；",
            "引进高层次人才二十名，",
            "兑现博士安家补贴。",
            "发明专利授权量增长两成，",
        ),
        *(
            "开展知识产权质押融资，",
            "科技贷款余额达９亿元。",
            "军民融合产业园开工，",
            "与军工院所签约。",
            "全县粮食总产量稳定。",
        ),
        *(
            "道路硬化二十公里，",
            "ＡＩ　open source",
            "①",
            "㎡",
            "e\u0301",
            "\u200b",
            "\ufeff",
            "\n",
            "　　",
            "。",
            "！”",
            "\0",
            "\ud800",
            "\U0001f600",
            "⼈才",
            "İ",
        ),
    ]
)
TEXTS = st.lists(PHRASES | st.text(max_size=8), max_size=12).map("".join)
UNKNOWN = [
    "",
    " ",
    "\n\u3000\u200b",
    "。。。！？",
    "12345 67%",
    "\0",
    "\ud800\udfff",
    "\U0001f600\U0001f680",
    "qzxv wkjq",
    "龘靐齉",
]


def check(label: Label, text: str, plain_labeller: PlainLabeller) -> None:
    """Fail unless `label` is a valid result for `text`."""
    ids = [theme.id for theme in plain_labeller.themes]
    thresholds = plain_labeller.card["thresholds"]
    assert list(label.scores) == ids
    assert all(0 <= score <= 1 for score in label.scores.values())
    assert label.themes == tuple(theme for theme in ids if label.scores[theme] >= thresholds[theme])
    assert label.primary in {*label.themes, "other"}
    assert list(label.uncertain) == [theme for theme in ids if theme in label.uncertain]
    assert [item.theme for item in label.evidence] == [
        theme for theme in ids if theme in {*label.themes, *label.uncertain}
    ]
    for item in label.evidence:
        assert 0 <= item.start < item.end <= len(text)
        assert item.text == text[item.start : item.end]
        assert normalise(item.text).text
        assert len(item.terms) <= 5
        assert [term.weight for term in item.terms] == sorted((term.weight for term in item.terms), reverse=True)
        for term in item.terms:
            assert term.weight > 0
            assert item.start <= term.start < term.end <= item.end
            assert term.text == text[term.start : term.end]


@given(text=TEXTS)
def test_any_text_gives_a_valid_label(plain_labeller: PlainLabeller, text: str) -> None:
    (label,) = plain_labeller.label([text])
    check(label, text, plain_labeller)


@settings(max_examples=40)
@given(texts=st.lists(TEXTS | st.sampled_from(UNKNOWN), max_size=8))
def test_a_batch_is_labelled_as_one_by_one(plain_labeller: PlainLabeller, texts: list[str]) -> None:
    alone = [plain_labeller.label([text])[0] for text in texts]
    assert plain_labeller.label(texts) == alone
    assert plain_labeller.label(texts[::-1]) == alone[::-1]


def test_written_paragraphs_are_labelled_alike_in_a_batch_and_alone(
    plain_labeller: PlainLabeller, small_data: Path
) -> None:
    texts = [paragraph.text for paragraph in read_dataset(small_data).paragraphs[::3]]
    labels = plain_labeller.label(texts)
    for text, label in zip(texts, labels, strict=True):
        check(label, text, plain_labeller)
    assert labels == [plain_labeller.label([text])[0] for text in texts]
    assert {theme for label in labels for theme in label.themes} == {theme.id for theme in plain_labeller.themes}
    assert any(label.evidence and label.evidence[0].terms for label in labels)


def test_no_texts_no_labels(plain_labeller: PlainLabeller) -> None:
    assert plain_labeller.label([]) == []


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_text_of_which_nothing_is_known_has_no_theme(plain_labeller: PlainLabeller, text: str) -> None:
    expected = Label((), "other", {theme.id: 0.0 for theme in plain_labeller.themes}, (), ())
    assert plain_labeller.label([text]) == [expected]
    assert plain_labeller.label(["引进高层次人才二十名。", text])[1] == expected


def test_unknown_sentences_beside_a_known_one_change_nothing(plain_labeller: PlainLabeller) -> None:
    known = "引进高层次人才二十名，兑现博士安家补贴。"
    alone, beside = plain_labeller.label([known, f"123。{known}qzxv。"])
    assert beside.scores == alone.scores
    assert beside.themes == alone.themes == ("talent",)
    assert beside.evidence[0].text == known


@pytest.mark.parametrize(
    ("text", "theme"),
    [
        ("合作银行向科技型中小企业发放科技贷款，并由风险补偿资金池分担损失。", "tech_finance"),
        ("新认定科技企业孵化器三家，众创空间入驻创业团队六十个。", "incubator"),
        ("引进领军人才和创新团队，给予博士安家补贴。", "talent"),
        ("发明专利授权量大幅增长，企业贯标和专利导航全面推开。", "intellectual_property"),
        ("推动军民融合，支持民参军企业承担国防科技工业配套任务。", "civil_military"),
    ],
)
def test_plain_cases(plain_labeller: PlainLabeller, text: str, theme: str) -> None:
    (label,) = plain_labeller.label([text])
    assert theme in label.themes
    assert label.primary == theme
    assert next(item for item in label.evidence if item.theme == theme).text == text


def test_evidence_is_the_sentence_that_decided_with_its_place_in_the_original(plain_labeller: PlainLabeller) -> None:
    before, bearing, after = "　　全县粮食总产量稳定。", "引进　高层次\u200b⼈才２０名。", "农村公路改造完成。"
    text = before + bearing + after
    (label,) = plain_labeller.label([text])
    assert label.themes == ("talent",)
    (item,) = (item for item in label.evidence if item.theme == "talent")
    assert (item.text, item.start, item.end) == (bearing, len(before), len(before + bearing))
    assert "高层次\u200b⼈才" in [term.text for term in item.terms] or "⼈才" in [term.text for term in item.terms]


def test_the_shape_of_characters_does_not_matter(plain_labeller: PlainLabeller) -> None:
    plain = "2024年,引进高层次人才20名,新建科技企业孵化器3家。"
    shaped = "\ufeff２０２４ 年，引进⾼层次\u200b⼈才　２０名，\n新建科技企业孵化器３家。"
    first, second = plain_labeller.label([plain, shaped])
    assert first.scores == second.scores
    assert (first.themes, first.primary) == (second.themes, second.primary)


def test_contributions_and_intercept_sum_to_the_raw_score(plain_labeller: PlainLabeller, small_data: Path) -> None:
    pipeline = plain_labeller._pipeline
    texts = [paragraph.text for paragraph in read_dataset(small_data).paragraphs[::30]]
    texts.append("专利、专利、专利,人才与专利。")  # features that stand in several places
    for text in texts:
        paragraph = read_paragraph(text, plain_labeller._reader)
        (scores,) = score_clauses([paragraph], pipeline)
        for number, clause in enumerate(paragraph.clauses):
            for theme, classifier in enumerate(pipeline.classifiers):
                weights = plain_labeller.contributions(paragraph, clause, theme)
                assert np.isclose(
                    sum(weights.values()) + classifier.intercept_[0], scores[number, theme], rtol=0, atol=1e-9
                )
                sentence = paragraph.sentences[clause.sentence]
                assert all(sentence.start <= start < end <= sentence.end for start, end in weights)


def test_a_paragraph_scores_as_its_best_clause(plain_labeller: PlainLabeller) -> None:
    paragraph = read_paragraph("全县粮食稳产。引进博士二十名,道路畅通。", plain_labeller._reader)
    (scores,) = score_clauses([paragraph], plain_labeller._pipeline)
    assert scores.shape == (3, len(plain_labeller.themes))
    assert paragraph_raw_scores(scores).tolist() == scores.max(axis=0).tolist()
    talent = [theme.id for theme in plain_labeller.themes].index("talent")
    assert scores[:, talent].argmax() == 1


def test_a_clause_scores_as_itself_and_half_as_much_as_its_sentence(plain_labeller: PlainLabeller) -> None:
    pipeline = plain_labeller._pipeline
    paragraph = read_paragraph("引进博士二十名,道路畅通。", plain_labeller._reader)
    (scores,) = score_clauses([paragraph], pipeline)
    units = [paragraph.wholes[0], *(clause.unit for clause in paragraph.clauses)]
    whole, *alone = pipeline.logits(pipeline.vectorise(units))
    np.testing.assert_allclose(scores, [(whole + 2 * one) / 3 for one in alone], atol=1e-12)


def test_a_clause_bears_the_themes_that_it_is_over_the_threshold_of(plain_labeller: PlainLabeller) -> None:
    pipeline = plain_labeller._pipeline
    (scores,) = score_clauses([read_paragraph("引进博士二十名,道路畅通。", plain_labeller._reader)], pipeline)
    talent = [theme.id for theme in plain_labeller.themes].index("talent")
    bearing = bearing_clauses(scores, pipeline.calibrators, plain_labeller._decision.thresholds)
    assert bearing[:, talent].tolist() == [True, False]
    assert not bearing_clauses(scores, pipeline.calibrators, [1.1] * len(plain_labeller.themes)).any()


def test_uncertain_are_those_in_the_review_band(plain_labeller: PlainLabeller, small_data: Path) -> None:
    bands = plain_labeller._decision.review_bands
    labels = plain_labeller.label([paragraph.text for paragraph in read_dataset(small_data).paragraphs])
    for label in labels:
        scores = list(label.scores.values())
        expected = [
            theme.id
            for theme, score, (low, high) in zip(plain_labeller.themes, scores, bands, strict=True)
            if low <= score < high
        ]
        assert list(label.uncertain) == expected
    assert any(label.uncertain for label in labels)
    assert not all(label.uncertain for label in labels)


DECISION = Decision(thresholds=(0.5, 0.5), review_bands=((0.4, 0.6),) * 2, primary_share=0.5, announced_share=0.3)


def paragraph_of(*clauses: tuple[int, int]) -> ReadParagraph:
    """A paragraph of clauses given by length and sentence number."""
    ends = np.cumsum([length for length, _ in clauses]).tolist()
    made = tuple(
        Clause(Span(end - length, end), sentence, Unit((), ()))
        for end, (length, sentence) in zip(ends, clauses, strict=True)
    )
    return ReadParagraph(normalise("字" * ends[-1]), (), (), made)


@pytest.mark.parametrize(
    ("clauses", "bearing", "given", "expected"),
    [
        pytest.param([(10, 0), (10, 1)], [[1, 0], [0, 0]], [0], 0, id="half of the text is enough"),
        pytest.param([(9, 0), (11, 1)], [[0, 0], [1, 0]], [0], 0, id="more than half"),
        pytest.param([(11, 0), (9, 1)], [[0, 0], [1, 0]], [0], None, id="less than half"),
        pytest.param([(6, 0), (14, 1)], [[1, 0], [0, 0]], [0], 0, id="announced by the first sentence"),
        pytest.param([(3, 0), (3, 0), (10, 1), (4, 1)], [[1, 0], [0, 0], [0, 0], [1, 0]], [0], 0, id="by half of it"),
        pytest.param([(2, 0), (4, 0), (10, 1), (4, 1)], [[1, 0], [0, 0], [0, 0], [1, 0]], [0], None, id="by less"),
        pytest.param([(5, 0), (15, 1)], [[1, 0], [0, 0]], [0], None, id="announced, but too little of it"),
        pytest.param([(9, 0), (11, 1)], [[1, 0], [0, 1]], [0, 1], 1, id="the larger of two"),
        pytest.param([(10, 0), (10, 1)], [[1, 0], [0, 1]], [0, 1], 0, id="the first of two alike"),
        pytest.param([(8, 0), (12, 1)], [[1, 0], [0, 1]], [0], 0, id="only a theme that was given"),
    ],
)
def test_primary(
    clauses: list[tuple[int, int]], bearing: list[list[int]], given: list[int], expected: int | None
) -> None:
    assert primary_theme(np.array(bearing, dtype=bool), paragraph_of(*clauses), given, DECISION) == expected


def test_threads_may_share_a_labeller(plain_labeller: PlainLabeller) -> None:
    texts = [f"第{number}家众创空间开园，引进博士{number}名，获得发明专利{number}件。" for number in range(60)]
    expected = [plain_labeller.label([text]) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: plain_labeller.label([text]), texts)) == expected


@pytest.mark.parametrize(
    "unit", ["的", "龘", "国.", "。", "，", "国a", "引进人才，", "发展众创空间。", "\u0301\u0327", "\n", "a "]
)
def test_cost_grows_no_faster_than_the_text(plain_labeller: PlainLabeller, unit: str) -> None:
    text = unit * (60_000 // len(unit))
    started = time.process_time()
    check(plain_labeller.label([text])[0], text, plain_labeller)
    assert time.process_time() - started < 15  # each sentence searching the whole text took minutes
