"""The labeller as all who use it see it: paragraphs in, themes, scores and evidence out.

Two paths give the same labels: the plain one (`model/plain.py`, jieba and scikit-learn, the one to read), and the fast one
(`model/fast.py`, a native core on a compiled model). This module imports neither.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from model.label import Label

PATH_VARIABLE = "POLICY_THEMES_PATH"


class LabelPath(StrEnum):
    """Which code labels."""

    FAST = "fast"
    PLAIN = "plain"


def active_path() -> LabelPath:
    """The path that this installation labels on: the fast one where the core was built, unless the environment asks for the plain one."""
    if os.environ.get(PATH_VARIABLE) == LabelPath.PLAIN:
        return LabelPath.PLAIN
    return LabelPath.FAST if core_is_built() else LabelPath.PLAIN


def core_is_built() -> bool:
    """Whether the native core was built when this software was installed, and works on this machine."""
    try:
        import model._core  # noqa: F401, PLC0415 (whether it can be imported is the question)
    except ImportError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme and what it means."""

    id: str
    name_zh: str
    name_en: str
    definition: str


@dataclass(frozen=True, slots=True)
class Decision:
    """How calibrated probabilities become a label.

    Attributes:
        thresholds: of each theme, in order: it is given from this probability on.
        review_bands: of each theme, the half-open range of probabilities in which a person should look again.
        primary_share: the share of the text from which the largest theme is primary (labelling guideline, rule 9).
        announced_share: the same where the first sentence announces the theme.
    """

    thresholds: tuple[float, ...]
    review_bands: tuple[tuple[float, float], ...]
    primary_share: float
    announced_share: float


class Labeller(Protocol):
    """Labels paragraphs. Immutable once made, and safe to share between threads."""

    @property
    def themes(self) -> tuple[Theme, ...]:
        """The themes it knows, in the order in which they are listed everywhere."""

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the model (version, path, data, scores), as plain JSON values."""

    @property
    def version(self) -> str:
        """Version of the model, which changes with its data and its recipe."""

    def label(self, texts: Sequence[str], *, evidence: bool = True, threads: int = 1) -> list[Label]:
        """Label each of `texts`, one paragraph each, judged alone; one label a text, in order.

        Any string is taken. A text without a single known feature has no theme and probability 0 for all.

        Args:
            texts: the paragraphs.
            evidence: whether the labels say why.
            threads: how many to work with; the plain path takes one.
        """
