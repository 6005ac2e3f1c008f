"""Paragraphs in, rows out, in batches: what every door of the service does between reading and writing."""

from collections.abc import Iterable, Iterator
from itertools import islice

from model.labeller import Labeller
from service.documents import InputParagraph
from service.run import Row

# Enough paragraphs to spread the cost of a call, few enough to keep memory flat and progress smooth.
BATCH_PARAGRAPHS = 256


def label_paragraphs(paragraphs: Iterable[InputParagraph], labeller: Labeller) -> Iterator[Row]:
    """One row for each paragraph, in order: the fields of its place, its text, and the fields of its label."""
    waiting = iter(paragraphs)
    while batch := list(islice(waiting, BATCH_PARAGRAPHS)):
        labels = labeller.label([paragraph.text for paragraph in batch])
        for paragraph, label in zip(batch, labels, strict=True):
            yield {**paragraph.place, "text": paragraph.text, **label.as_record()}
