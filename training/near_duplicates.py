"""Finds records that repeat one another."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

SHINGLE_LENGTH = 5
MOST_SIMILAR = 0.4
"""Jaccard similarity of two texts' sets of 5-character shingles above which they are near-duplicates."""


class NearDuplicate(NamedTuple):
    """Two records that are too much alike."""

    first: str
    second: str
    similarity: float


def shingles(text: str) -> frozenset[str]:
    """The 5-character shingles of the letters, digits and ideographs of `text`; of a shorter text the text itself."""
    plain = "".join(filter(str.isalnum, text))
    return frozenset(plain[start : start + SHINGLE_LENGTH] for start in range(max(len(plain) - SHINGLE_LENGTH + 1, 1)))


class NearDuplicateIndex:
    """Texts that were added, found again by their shingles: exact over all of them by an inverted index."""

    def __init__(self) -> None:
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._read: list[tuple[str, int]] = []

    def repeated_by(self, identity: str, text: str) -> list[NearDuplicate]:
        """Pairs of a text that was added and this one, whose similarity exceeds `MOST_SIMILAR`."""
        own = shingles(text)
        shared = Counter(other for shingle in own for other in self._holders.get(shingle, ()))
        found = []
        for other, count in shared.items():
            first, size = self._read[other]
            similarity = count / (len(own) + size - count)
            if similarity > MOST_SIMILAR:
                found.append(NearDuplicate(first, identity, similarity))
        return found

    def add(self, identity: str, text: str) -> None:
        """Add a text."""
        own = shingles(text)
        for shingle in own:
            self._holders[shingle].append(len(self._read))
        self._read.append((identity, len(own)))


def near_duplicates(records: Iterable[tuple[str, str]]) -> list[NearDuplicate]:
    """Pairs of `records` (id, text) whose similarity exceeds `MOST_SIMILAR`."""
    index = NearDuplicateIndex()
    found = []
    for identity, text in records:
        found += index.repeated_by(identity, text)
        index.add(identity, text)
    return found
