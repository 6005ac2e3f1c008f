"""A labelling run as the writers of its results know it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model import review_sheet
from model.errors import PolicyThemesError
from model.label import NO_THEME
from model.labeller import Labeller, Theme
from service.documents import Refusal

Row = dict[str, Any]
"""One labelled paragraph: the fields of its place, its text, and those of `Label.as_record`."""
RowWriter = Callable[[Row], None]


class OutputError(PolicyThemesError):
    """The output cannot be written, or its name's ending is not known."""


@dataclass(frozen=True, slots=True)
class Run:
    """What results are the results of.

    Attributes:
        themes: in the model's order, which is that of columns and lists everywhere.
        model_version: of the labeller.
        card: what is known of the model, as `Labeller.card`.
        started: local time with its zone.
        refusals: what could not be labelled; filled while rows are written, read when the output is closed.
    """

    themes: tuple[Theme, ...]
    model_version: str
    card: dict[str, Any]
    started: datetime
    refusals: list[Refusal] = field(default_factory=list)

    @classmethod
    def of(cls, labeller: Labeller) -> "Run":
        """A run of `labeller` that starts now."""
        return cls(labeller.themes, labeller.version, labeller.card, datetime.now().astimezone())

    def name_of(self, theme: str) -> str:
        """The Chinese name of a theme's id, `NO_THEME` among them."""
        if theme == NO_THEME:
            return review_sheet.OTHER
        return next(known.name_zh for known in self.themes if known.id == theme)

    def names_of(self, themes: list[str]) -> str:
        """The Chinese names of several themes, as one cell shows them."""
        return "、".join(map(self.name_of, themes))

    def threshold_of(self, theme: str) -> float:
        """The probability from which the model gives `theme`; 0.5 where its card does not say."""
        return float(self.card.get("thresholds", {}).get(theme, 0.5))
