"""The fast path: a native core labels by a compiled model. Imports neither jieba nor scikit-learn; answers as `model/plain.py` does."""

from collections.abc import Sequence
from mmap import mmap
from typing import Any

from model._core import Core
from model.label import NO_THEME, Evidence, Label, WeightyTerm
from model.labeller import Theme
from model.text import lowered, normalise


class FastLabeller:
    """A `Labeller` on the fast path."""

    def __init__(self, themes: Sequence[Theme], compiled: mmap | bytes, card: dict[str, Any]) -> None:
        """Label by a compiled model.

        Args:
            themes: in the order of the compiled model's.
            compiled: the checked compiled model (`model.compiled.open_compiled`); processes that map the same file share its memory.
            card: what is known of the model, as plain JSON values.

        Raises:
            ValueError: the compiled model does not fit the core or the themes.
        """
        self.themes = tuple(themes)
        self.card = card
        names = tuple(theme.id for theme in self.themes)
        self.core = Core(compiled, names, NO_THEME, Label, Evidence, WeightyTerm, _normalised)

    @property
    def version(self) -> str:
        """Version of the model, which changes with its data and its recipe."""
        return str(self.card["version"])

    def label(self, texts: Sequence[str], *, evidence: bool = True, threads: int = 1) -> list[Label]:
        """See `model.labeller.Labeller`."""
        return self.core.label(texts, evidence, threads)


def _normalised(text: str) -> tuple[str, str, tuple[int, ...], tuple[int, ...]]:
    """For the core, of a text with characters that it leaves to Python: normalised, the same in lower case, offsets."""
    plain = normalise(text)
    return plain.text, lowered(plain.text), plain.starts, plain.ends
