"""The theme lexicon and the search for its terms in text."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of the lexicon, normalised and in lower case.

    `concepts` are the features that it shares with its like, each `theme:kind` (see `datasets/README.md`); most terms have one.
    """

    text: str
    concepts: tuple[str, ...]


class TermMatch(NamedTuple):
    """A term and the half-open span where it stands."""

    start: int
    end: int
    term: Term


class Lexicon:
    """Terms, searched leftmost and longest first, so that a longer term hides the shorter one inside it (人才公寓 hides 人才)."""

    _KEY = 2  # every term has at least two characters: the search starts from them

    def __init__(self, terms: Iterable[Term]) -> None:
        """Index `terms`.

        Raises:
            ValueError: a term stands there twice, or is shorter than two characters.
        """
        self.terms = tuple(terms)
        self._by_text = {term.text: term for term in self.terms}
        if len(self._by_text) != len(self.terms):
            raise ValueError("a term stands in the lexicon twice")
        lengths: dict[str, set[int]] = {}
        for text in self._by_text:
            if len(text) < self._KEY:
                raise ValueError(f"the term {text!r} is shorter than {self._KEY} characters")
            lengths.setdefault(text[: self._KEY], set()).add(len(text))
        self._lengths = {key: sorted(found, reverse=True) for key, found in lengths.items()}

    def find(self, text: str, boundaries: Set[int]) -> Iterator[TermMatch]:
        """Non-overlapping terms in the normalised, lower-case `text`, in order.

        Args:
            text: where to search.
            boundaries: offsets at which words begin and end; a term counts only from one to another, so that 众创 does not stand
                in 群众创造.
        """
        position = 0
        while position < len(text) - 1:
            match = self._at(text, position, boundaries) if position in boundaries else None
            if match is None:
                position += 1
            else:
                yield match
                position = match.end

    def _at(self, text: str, start: int, boundaries: Set[int]) -> TermMatch | None:
        for length in self._lengths.get(text[start : start + self._KEY], ()):
            end = start + length
            if end in boundaries:
                term = self._by_text.get(text[start:end])
                if term is not None:
                    return TermMatch(start, end, term)
        return None
