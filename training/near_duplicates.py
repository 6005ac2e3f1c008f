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


def near_duplicates(records: Iterable[tuple[str, str]]) -> list[NearDuplicate]:
    """Pairs of `records` (id, text) whose similarity exceeds `MOST_SIMILAR`, exact over all pairs by an inverted index."""
    found = []
    holders: dict[str, list[int]] = defaultdict(list)
    read: list[tuple[str, int]] = []
    for identity, text in records:
        own = shingles(text)
        shared = Counter(other for shingle in own for other in holders[shingle])
        for other, count in shared.items():
            first, size = read[other]
            similarity = count / (len(own) + size - count)
            if similarity > MOST_SIMILAR:
                found.append(NearDuplicate(first, identity, similarity))
        for shingle in own:
            holders[shingle].append(len(read))
        read.append((identity, len(own)))
    return found
