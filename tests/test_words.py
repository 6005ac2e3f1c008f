import marshal
import os
import stat
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text import normalise
from model.words import LONGEST_HMM_RUN, WordSegmenter
from training.dataset import read_dataset

TERMS = ["知识产权质押", "众创", "科创贷", "c轮", "人才飞地", "双创"]
PLANTED = ({"国务院优": 10**9, "国": 0, "国务": 0, "国务院": 0, "化营商": 10**9, "化": 0, "化营": 0}, 2 * 10**9)
SENTENCE = "国务院优化营商环境"
PARTS = st.sampled_from(
    [
        "群众创造",
        "众创空间",
        "知识产权质押融资",
        "科创贷",
        "C轮",
        "杭州湾",
        "龘靐齉",
        "的",
        "一",
        "2.9%",
        "AI",
        " ",
        "。",
        "\r\n",
    ]
)
TEXTS = st.lists(PARTS | st.text(max_size=12), max_size=12).map("".join)


@pytest.fixture(scope="module")
def segmenter() -> WordSegmenter:
    return WordSegmenter(TERMS)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> jieba.Tokenizer:
    """jieba as it comes, with the same words."""
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    for term in sorted(TERMS):
        tokenizer.add_word(term)
    return tokenizer


@given(text=TEXTS)
def test_words_are_those_of_jieba(segmenter: WordSegmenter, oracle: jieba.Tokenizer, text: str) -> None:
    assert segmenter.words(text) == list(oracle.cut(text))


def test_words_of_the_written_data_are_those_of_jieba(
    segmenter: WordSegmenter, oracle: jieba.Tokenizer, small_data: Path
) -> None:
    for paragraph in read_dataset(small_data).paragraphs:
        text = normalise(paragraph.text).text.lower()
        assert segmenter.words(text) == list(oracle.cut(text))


def test_dictionary_words_stay_whole(segmenter: WordSegmenter) -> None:
    assert "人才飞地" in segmenter.words("共建人才飞地")
    assert "人才飞地" not in WordSegmenter([]).words("共建人才飞地")


@given(text=st.text() | st.text(alphabet="的一龘a1. ", min_size=90, max_size=300))
def test_joined_words_are_the_text(segmenter: WordSegmenter, text: str) -> None:
    assert "".join(segmenter.words(text)) == text


def unknown_characters(count: int) -> str:
    """Characters that no dictionary word joins, but the hidden Markov model does."""
    return "".join("杭绍甬"[index % 3] for index in range(count))


def test_a_run_as_long_as_the_bound_is_joined_as_by_jieba(segmenter: WordSegmenter, oracle: jieba.Tokenizer) -> None:
    run = unknown_characters(LONGEST_HMM_RUN)
    words = segmenter.words(run)
    assert words == list(oracle.cut(run))
    assert max(map(len, words)) > 1


def test_a_longer_run_is_left_as_single_characters(segmenter: WordSegmenter, oracle: jieba.Tokenizer) -> None:
    run = unknown_characters(LONGEST_HMM_RUN + 1)
    assert segmenter.words(f"知识产权质押{run}人才飞地") == ["知识产权质押", *run, "人才飞地"]
    assert max(map(len, oracle.cut(run))) > 1


@pytest.mark.parametrize("unit", ["的", "一", "龘", "1", "a", ".%-", "国a", " ", ",", "知识产权"])
def test_hostile_runs_cost_no_more_than_text(segmenter: WordSegmenter, unit: str) -> None:
    text = unit * (120_000 // len(unit))
    started = time.process_time()
    assert "".join(segmenter.words(text)) == text
    assert time.process_time() - started < 5


def test_threads_may_share_a_segmenter(segmenter: WordSegmenter) -> None:
    texts = [f"第{number}家众创空间落户杭州湾新区，引进鱻麤团队" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(segmenter.words, texts)) == [segmenter.words(text) for text in texts]


@pytest.fixture
def shared_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder where another user planted a dictionary cache for jieba, and a home whose caches are still empty."""
    folder = tmp_path / "shared"
    folder.mkdir()
    plant(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def plant(folder: Path) -> None:
    (folder / "jieba.cache").write_bytes(marshal.dumps(PLANTED))


def own_cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "policy-themes" / f"jieba-{jieba.__version__}"


def is_misled() -> bool:
    """Whether a new segmenter's words come from the planted dictionary."""
    return "国务院优" in WordSegmenter([]).words(SENTENCE)


def test_a_cache_planted_in_the_shared_temporary_folder_is_not_read(shared_temporary_folder: Path) -> None:
    assert next(jieba.Tokenizer().cut(SENTENCE)) == "国务院优", "the plant would mislead jieba as it comes"
    assert not is_misled()
    assert [path.name for path in shared_temporary_folder.iterdir()] == ["jieba.cache"]


@pytest.mark.usefixtures("shared_temporary_folder")
def test_the_cache_lies_in_a_folder_of_the_user_alone_and_is_used_again(tmp_path: Path) -> None:
    WordSegmenter([])
    folder = own_cache(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = (folder / "jieba.cache").stat().st_mtime_ns
    WordSegmenter([])
    assert (folder / "jieba.cache").stat().st_mtime_ns == written
    plant(folder)
    assert is_misled(), "the cache of a private folder is read"


@pytest.mark.usefixtures("shared_temporary_folder")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_cache_in_a_folder_that_others_may_write_is_not_read(tmp_path: Path, mode: int) -> None:
    folder = own_cache(tmp_path)
    folder.mkdir(parents=True)
    plant(folder)
    folder.chmod(mode)
    assert not is_misled()


@pytest.mark.usefixtures("shared_temporary_folder")
@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_cache_in_the_folder_of_another_user_is_not_read(tmp_path: Path) -> None:
    folder = own_cache(tmp_path)
    folder.mkdir(parents=True, mode=0o700)
    plant(folder)
    os.chown(folder, 54_321, 54_321)
    assert not is_misled()


def test_without_a_cache_folder_the_cache_is_gone_after_use(tmp_path: Path, shared_temporary_folder: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    assert not is_misled()
    assert [path.name for path in shared_temporary_folder.iterdir()] == ["jieba.cache"]


@pytest.mark.usefixtures("shared_temporary_folder")
def test_a_truncated_cache_is_made_anew(tmp_path: Path) -> None:
    WordSegmenter([])
    cache = own_cache(tmp_path) / "jieba.cache"
    cache.write_bytes(cache.read_bytes()[:1000])
    assert WordSegmenter([]).words(SENTENCE) == ["国务院", "优化", "营商", "环境"]


@pytest.mark.usefixtures("shared_temporary_folder")
def test_segmenters_may_be_made_at_the_same_time() -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: WordSegmenter(["营商环境"]), range(3)))
    assert [one.words(SENTENCE) for one in made] == [["国务院", "优化", "营商环境"]] * 3
