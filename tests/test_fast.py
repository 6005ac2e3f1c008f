"""The fast path against the plain one, which is the oracle: every word, span, score and label."""

import gc
import json
import math
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.artifact import load_labeller
from model.fast import FastLabeller
from model.label import Label
from model.labeller import PATH_VARIABLE, active_path, core_is_built
from model.plain import PlainLabeller, read_paragraph, score_clauses
from model.text import lowered
from model.words import LONGEST_HMM_RUN

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_TEXT = REPOSITORY.parent / "shared" / "real"
TOLERANCE = 1e-12

# What trips those who write jieba or Python's text tables anew: hyphens inside words, numbers with dots, two-character line ends,
# the last ideograph jieba knows, characters that grow or depend on their neighbours in lower case, marks that combine.
FRAGMENTS = [
    "科技金融",
    "设立科技信贷风险补偿资金池，支持合作银行为科技型中小企业提供知识产权质押贷款。",
    "孵化器",
    "引进高层次人才",
    "军民融合",
    "专利",
    "发明专利授权量增长12.5%，PCT申请1,024件；",
    "众创空间—孵化器—加速器",
    "3.14",
    "2.9亿元",
    "v1.2.",
    "100%",
    "5.%",
    "R&D",
    "C++",
    "#1",
    "_a_",
    "T恤",
    "-",
    "--",
    "——",
    "…",
    "……",
    "。”",
    "！？；",
    "。",
    ".",
    ",",
    "：",
    "、",
    "\r\n",
    "\n",
    "\t",
    " ",
    "\u3000",
    "\xa0",
    "\u2028",
    "\x85",
    "\u9fd5",
    "\u9fd6",
    "\u9fff",
    "\u4dff",
    "㐀",
    "𠀀",
    "𰀀",
    "囧囧",
    "龘靐齉",
    "⺠融合",
    "⼗",
    "\ue78d",
    "\uf0a7",
    "İstanbul",
    "ΟΔΟΣ Σ",
    "ΑΣ.Β",
    "ß",
    "ſ",
    "K",
    "e\u0301",
    "\u0301",
    "か\u3099",
    "각",
    "\u1100\u1161",
    "ﷺ",
    "㎡",
    "½",
    "①",
    "ｆｕｌｌ　ｗｉｄｔｈ",
    "👩‍🔬",
    "\ufe0f",
    "\u200b",
    "\ufeff",
    "\0",
    "\ud800",
    "\udfff",
    "\U0010ffff",
    "abc def",
    "a\u00a8b",
    "的" * (LONGEST_HMM_RUN - 1),
    "的" * LONGEST_HMM_RUN,
    "的" * (LONGEST_HMM_RUN + 1),
    "x" * (LONGEST_HMM_RUN + 1),
    "张王李赵",
    "人才" * 70,
]
hostile_texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4) | st.characters(), max_size=12).map("".join)


def test_the_fast_path_is_there_where_a_compiler_is() -> None:
    compilers = [name for name in ("c++", "g++", "clang++", "cl") if shutil.which(name)]
    if not compilers and "CI" not in os.environ:
        pytest.skip("no C++ compiler here: the plain path serves")
    assert core_is_built(), f"{compilers} could have built the core; see the output of `pip install -v .`"


@pytest.fixture(scope="module")
def plain(small_model_folder: Path) -> PlainLabeller:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PATH_VARIABLE, "plain")
        loaded = load_labeller(small_model_folder)
    assert isinstance(loaded, PlainLabeller)
    return loaded


@pytest.fixture(scope="module")
def fast(small_model_folder: Path) -> FastLabeller:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(PATH_VARIABLE, raising=False)
        loaded = load_labeller(small_model_folder)
    assert isinstance(loaded, FastLabeller)
    return loaded


def written_texts() -> list[str]:
    """All text in `datasets/` and, where it lies beside the repository, real text; nothing of it is copied."""
    files = [*sorted(REPOSITORY.glob("datasets/*/*.jsonl")), *sorted(REAL_TEXT.glob("*.jsonl"))]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if "text" in row]
    for file in sorted(REAL_TEXT.glob("documents/*")):
        if file.suffix in {".txt", ".md"}:
            content = file.read_bytes().decode("utf-8", errors="surrogateescape")
            texts += [content, *content.splitlines()]
    return texts


def assert_same_reading(text: str, plain: PlainLabeller, fast: FastLabeller, *, contributions: bool = True) -> None:
    """Everything between text and label."""
    seen = fast.core.examine(text)
    read = read_paragraph(text, plain._reader)
    normalised = read.normalised
    assert seen["places"] == list(zip(normalised.starts, normalised.ends, strict=True))
    assert seen["sentences"] == [tuple(sentence) for sentence in read.sentences]
    assert seen["clauses"] == [(*clause.span, clause.sentence) for clause in read.clauses]
    everything = plain._reader.read(normalised.text)
    for kind, features in (("words", everything.words), ("concepts", everything.concepts)):
        known = [(one.start, one.end, plain._columns.get(one.name)) for one in features]
        assert seen[kind] == [one for one in known if one[2] is not None]
    spans, position = [], 0
    for word in plain._reader._segmenter.words(lowered(normalised.text)):
        spans.append((position, position + len(word)))
        position += len(word)
    assert seen["tokens"] == spans
    scores = score_clauses([read], plain._pipeline)[0]
    assert close(seen["clause_scores"], scores.ravel().tolist())
    if contributions:
        for theme, found in enumerate(seen["contributions"]):
            clause = read.clauses[int(scores[:, theme].argmax())]
            expected = sorted((*span, weight) for span, weight in plain.contributions(read, clause, theme).items())
            assert [one[:2] for one in found] == [one[:2] for one in expected]
            assert close([one[2] for one in found], [one[2] for one in expected])


def close(found: list[float], expected: list[float]) -> bool:
    """Equal to `TOLERANCE`, relative to what is larger than 1; infinities are equal to themselves."""
    return len(found) == len(expected) and all(
        a == b or math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE) for a, b in zip(found, expected, strict=True)
    )


def assert_same_labels(found: list[Label], expected: list[Label]) -> None:
    """Labels, spans and terms equal; scores and weights to `TOLERANCE`."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one.themes, one.primary, one.uncertain) == (other.themes, other.primary, other.uncertain)
        assert list(one.scores) == list(other.scores)
        assert close(list(one.scores.values()), list(other.scores.values()))
        assert len(one.evidence) == len(other.evidence)
        for item, twin in zip(one.evidence, other.evidence, strict=True):
            assert (item.theme, item.text, item.start, item.end) == (twin.theme, twin.text, twin.start, twin.end)
            assert [(term.text, term.start, term.end) for term in item.terms] == [
                (term.text, term.start, term.end) for term in twin.terms
            ]
            assert close([term.weight for term in item.terms], [term.weight for term in twin.terms])


def test_all_written_text_is_labelled_alike(plain: PlainLabeller, fast: FastLabeller) -> None:
    texts = written_texts()
    assert len(texts) > 1000
    assert_same_labels(fast.label(texts), plain.label(texts))


def test_written_text_is_read_alike(plain: PlainLabeller, fast: FastLabeller) -> None:
    for text in written_texts()[::20]:
        assert_same_reading(text, plain, fast)
        assert fast.core.segment(text) == plain._reader._segmenter.words(text)


@given(hostile_texts)
def test_hostile_text_is_read_alike(plain: PlainLabeller, fast: FastLabeller, text: str) -> None:
    assert_same_reading(text, plain, fast)


@given(st.lists(hostile_texts, max_size=4))
def test_hostile_text_is_labelled_alike(plain: PlainLabeller, fast: FastLabeller, texts: list[str]) -> None:
    assert_same_labels(fast.label(texts), plain.label(texts))


@given(hostile_texts)
def test_raw_text_is_segmented_as_jieba_does(plain: PlainLabeller, fast: FastLabeller, text: str) -> None:
    assert fast.core.segment(text) == plain._reader._segmenter.words(text)


def test_each_character_is_read_alike(plain: PlainLabeller, fast: FastLabeller) -> None:
    """Between ideographs and between letters, so that marks, spaces and lower case show; every character that may change in any way."""
    codes = [*range(0x3400), *range(0x9FC0, 0xAC00), *range(0xD7A0, 0x11000), *range(0x16E00, 0x17000)]
    codes += [*range(0x1D000, 0x20010), *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE0200), 0x10FFFF]
    size = 64
    for start in range(0, len(codes), size):
        chars = [chr(code) for code in codes[start : start + size]]
        text = "。".join(f"专{char}利a{char}b" for char in chars)
        assert_same_reading(text, plain, fast, contributions=False)
        raw = "专利".join(chars)
        assert fast.core.segment(raw) == plain._reader._segmenter.words(raw)


def test_long_runs_and_long_texts_are_read_alike(plain: PlainLabeller, fast: FastLabeller) -> None:
    for text in ("的" * 5000, "a1" * 5000, "专利" * 3000, "专利，" * 500, "人才。" * 500, "ﷺ" * 500, " \u0301" * 500):
        assert_same_reading(text, plain, fast)


def test_results_do_not_depend_on_batches_or_threads(fast: FastLabeller) -> None:
    texts = [*written_texts()[:700], "ΟΔΟΣ", "e\u0301", ""]
    expected = [fast.label([text])[0] for text in texts]
    for threads in (1, 2, 5):
        assert fast.label(texts, threads=threads) == expected
    with ThreadPoolExecutor(4) as pool:
        assert all(result == expected for result in pool.map(lambda _: fast.label(texts, threads=2), range(8)))


def test_without_evidence_the_rest_is_the_same(plain: PlainLabeller, fast: FastLabeller) -> None:
    texts = written_texts()[:100]
    bare = fast.label(texts, evidence=False)
    assert_same_labels(bare, plain.label(texts, evidence=False))
    assert all(not label.evidence for label in bare)
    assert [label.scores for label in bare] == [label.scores for label in fast.label(texts)]


def test_the_cycle_collector_has_nothing_to_do_with_labels(fast: FastLabeller) -> None:
    (label,) = fast.label(["设立科技贷款风险池，引进高层次人才。"])
    parts = [label, label.evidence, *label.evidence, *(term for item in label.evidence for term in item.terms)]
    assert label.evidence
    assert not any(map(gc.is_tracked, parts))


def test_nothing_in_nothing_out(fast: FastLabeller) -> None:
    assert fast.label([]) == []
    assert fast.label(()) == []


@pytest.mark.parametrize("texts", ["科技金融", [b"bytes"], [None], 5])
def test_what_is_no_list_of_texts_is_refused(fast: FastLabeller, texts: list[str]) -> None:
    with pytest.raises(TypeError):
        fast.label(texts)


def test_the_environment_chooses_the_path(
    monkeypatch: pytest.MonkeyPatch, plain: PlainLabeller, fast: FastLabeller
) -> None:
    assert (plain.card["path"], fast.card["path"]) == ("plain", "fast")
    monkeypatch.setenv(PATH_VARIABLE, "plain")
    assert active_path() == "plain"


def test_the_fast_path_imports_neither_jieba_nor_scikit_learn(small_model_folder: Path, fast: FastLabeller) -> None:
    program = (
        "import sys; from pathlib import Path; from model.artifact import load_labeller\n"
        f"load_labeller(Path({str(small_model_folder)!r})).label(['专利'])\n"
        "print(sorted({'jieba', 'sklearn', 'scipy', 'numpy', 'joblib'} & sys.modules.keys()))"
    )
    environment = {name: value for name, value in os.environ.items() if name != PATH_VARIABLE}
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert finished.stdout.strip() == "[]"
