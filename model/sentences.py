"""Sentences of a normalised paragraph, and the clauses of a sentence, as spans."""

import re
from typing import NamedTuple

# A full stop written as a dot (scans, half-width punctuation) ends a sentence only between ideographs: 2.9亿 and v1.2 stay whole.
_SENTENCE_END = re.compile(r"[。!?;]+[\"'”’»」』)\]]*|(?<=[\u4e00-\u9fff])\.(?=[\u4e00-\u9fff])")
_CLAUSE_END = re.compile(r"[,:]+|——|--|…+|(?<=[\u4e00-\u9fff])\.(?=$)")


class Span(NamedTuple):
    """Half-open span of offsets."""

    start: int
    end: int


def _split(text: str, start: int, end: int, boundary: re.Pattern[str]) -> list[Span]:
    spans = []
    for match in boundary.finditer(text, start, end):
        if match.end() > start:
            spans.append(Span(start, match.end()))
            start = match.end()
    if start < end:
        spans.append(Span(start, end))
    return spans


def split_sentences(text: str) -> list[Span]:
    """Sentences of the normalised `text`, in order, covering it without gap; semicolons end one, as they do the items of official lists."""
    return _split(text, 0, len(text), _SENTENCE_END)


def split_clauses(text: str, sentence: Span) -> list[Span]:
    """Clauses (between commas and colons) of one sentence of the normalised `text`, in order, covering it without gap."""
    return _split(text, sentence.start, sentence.end, _CLAUSE_END)
