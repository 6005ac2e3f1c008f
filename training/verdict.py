"""What a person says of a paragraph that the model labelled, wherever they said it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reviewed paragraph, not yet checked against the data that it is to join.

    Attributes:
        where: its place in what was imported, for messages: 待复核 第 5 行.
        text: the whole paragraph.
        themes: ids, in the data folder's order.
        primary: id of a theme, `NO_THEME`, or None where the person did not say.
        predicted: ids that the model gave.
        model: version of the model whose label was reviewed.
        file: the document, empty where it is not known.
        place: the fields of the paragraph's place in it.
    """

    where: str
    text: str
    themes: tuple[str, ...]
    primary: str | None
    predicted: tuple[str, ...]
    model: str
    file: str
    reviewer: str
    reviewed: date
    note: str = ""
    place: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedVerdict:
    """A verdict that does not fit: where it stands, in which column or field, why."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        """One sentence for the maintainer."""
        return f"{self.where}，{self.field}：{self.message}"


@dataclass(slots=True)
class Verdicts:
    """What was read: the verdicts, what was refused, how many rows nobody has reviewed, how many verdicts a later one took back."""

    found: list[Verdict] = field(default_factory=list)
    refused: list[RefusedVerdict] = field(default_factory=list)
    unreviewed: int = 0
    superseded: int = 0
