from collections.abc import Callable, Sequence
from mmap import mmap
from typing import Any

from model.label import Evidence, Label, WeightyTerm

FORMAT: int

class Core:
    """The native core on one compiled model. Immutable once made, and safe to share between threads."""

    def __new__(
        cls,
        compiled: mmap | bytes,
        theme_ids: tuple[str, ...],
        no_theme: str,
        label: type[Label],
        evidence: type[Evidence],
        term: type[WeightyTerm],
        normalise: Callable[[str], tuple[str, str, tuple[int, ...], tuple[int, ...]]],
        /,
    ) -> Core: ...
    def label(self, texts: Sequence[str], with_evidence: bool, threads: int, /) -> list[Label]: ...
    def segment(self, text: str, /) -> list[str]: ...
    def examine(self, text: str, /) -> dict[str, Any]: ...
