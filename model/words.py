"""Words of normalised text: jieba with the lexicon's terms as dictionary words, in a cache of its own and guarded against hostile text."""

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import jieba
import jieba.finalseg
import platformdirs

# jieba's Viterbi copies its path at every step, so a run of n unknown characters costs n² (fxsjy/jieba#782: 120 KB took 13 s). Real
# paragraphs have runs of 12 at most; longer ones than this are no words and are left as single characters.
LONGEST_HMM_RUN = 100


class WordSegmenter:
    """Segments normalised text exactly as jieba 0.42.1 does (accurate mode, HMM on), but for runs over `LONGEST_HMM_RUN`.

    Safe to share between threads.
    """

    def __init__(self, dictionary_words: Iterable[str]) -> None:
        """Load jieba's dictionary and add `dictionary_words` to it, each with the frequency that keeps it whole."""
        self._tokenizer = _GuardedTokenizer()
        with _cache_folder() as folder:
            self._tokenizer.tmp_dir = folder
            self._tokenizer.initialize()
        for word in sorted(set(dictionary_words)):
            self._tokenizer.add_word(word)

    def words(self, text: str) -> list[str]:
        """Words of `text` in order; joined, they are `text` again."""
        return list(self._tokenizer.cut(text))

    def dictionary(self) -> tuple[Mapping[str, int], int]:
        """Frequency of each word of the dictionary, 0 for what only begins one, and the sum of all."""
        return self._tokenizer.FREQ, self._tokenizer.total


class _GuardedTokenizer(jieba.Tokenizer):  # type: ignore[misc]  # jieba has no types
    """jieba's tokenizer with a bound on the runs that its hidden Markov model sees."""

    def _Tokenizer__cut_DAG(self, sentence: str) -> Iterator[str]:  # noqa: N802 (jieba calls it by this name)
        """Words along the best route; what the dictionary leaves single goes through the HMM, run by run."""
        route: dict[int, tuple[float, int]] = {}
        self.calc(sentence, self.get_DAG(sentence), route)
        run_start = position = 0
        while position < len(sentence):
            end = route[position][1] + 1
            if end - position > 1:
                yield from self._recognise(sentence[run_start:position])
                yield sentence[position:end]
                run_start = end
            position = end
        yield from self._recognise(sentence[run_start:])

    def _recognise(self, run: str) -> Iterator[str]:
        if 1 < len(run) <= LONGEST_HMM_RUN and not self.FREQ.get(run):
            yield from jieba.finalseg.cut(run)
        else:
            yield from run


_cache_lock = Lock()


@contextmanager
def _cache_folder() -> Iterator[str]:
    """A folder for jieba's dictionary cache that only this user can write, used by one thread at a time.

    jieba unmarshals its cache without a check, by default from a predictable name in the shared temporary folder, where any local
    user can plant one. Where the user has no safe cache folder, the cache lasts as long as the `with`.
    """
    jieba.setLogLevel(logging.WARNING)
    folder = Path(platformdirs.user_cache_dir("policy-themes")) / f"jieba-{jieba.__version__}"
    with _cache_lock:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            private = _is_private(folder)
        except OSError:
            private = False
        if private:
            yield str(folder)
        else:
            with tempfile.TemporaryDirectory(prefix="policy-themes-") as temporary:
                yield temporary


def _is_private(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    if os.name != "posix":
        return True  # the profile folder of a Windows user is closed to others by its access list
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
