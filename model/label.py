"""What the labeller says of one paragraph."""

from dataclasses import dataclass
from typing import Any

NO_THEME = "other"
"""The `primary` of a paragraph that no single theme leads (labelling guideline, rule 9)."""

_DIGITS = 6  # of scores and weights in records: more would be noise, and equal bytes are easier to compare


@dataclass(frozen=True, slots=True)
class WeightyTerm:
    """A stretch of evidence and what it added to the theme's raw score, in logits; `start` and `end` are offsets in the original text."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence that decided for `theme`, with its weightiest terms, heaviest first; offsets as in `WeightyTerm`."""

    theme: str
    text: str
    start: int
    end: int
    terms: tuple[WeightyTerm, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The themes of one paragraph.

    Attributes:
        themes: ids of the themes it has, in the order of the model's list; empty where there is none.
        primary: the leading theme, or `NO_THEME`.
        scores: calibrated probability of each theme.
        uncertain: ids of the themes that a person should look at again.
        evidence: one entry a theme in `themes`, and for each in `uncertain`.
    """

    themes: tuple[str, ...]
    primary: str
    scores: dict[str, float]
    uncertain: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    def as_record(self) -> dict[str, Any]:
        """The fields that every door writes, ready for JSON."""
        return {
            "themes": list(self.themes),
            "primary": self.primary,
            "scores": {theme: round(score, _DIGITS) for theme, score in self.scores.items()},
            "uncertain": list(self.uncertain),
            "evidence": [
                {
                    "theme": item.theme,
                    "text": item.text,
                    "start": item.start,
                    "end": item.end,
                    "terms": [
                        {"text": term.text, "start": term.start, "end": term.end, "weight": round(term.weight, _DIGITS)}
                        for term in item.terms
                    ],
                }
                for item in self.evidence
            ],
        }
