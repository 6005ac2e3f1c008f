"""A document's blocks in order, its paragraphs labelled: what every form of the answer is written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from model.labeller import Labeller
from model.paragraphs import BlockKind
from service.documents import DocumentBlock, Refusal
from service.labelling import BATCH_PARAGRAPHS
from service.outputs import Row


@dataclass(frozen=True, slots=True)
class LabelledParagraph:
    """A paragraph, as the row that every door writes."""

    row: Row


@dataclass(frozen=True, slots=True)
class OtherBlock:
    """A heading, byline or piece of page furniture, as JSON values."""

    record: dict[str, Any]


DocumentPart = LabelledParagraph | OtherBlock | Refusal


def label_document(items: Iterable[DocumentBlock | Refusal], name: str, labeller: Labeller) -> Iterator[DocumentPart]:
    """`items` of the document `name` in their order, the paragraphs among them labelled in batches."""
    waiting = iter(items)
    number = 0
    while batch := list(islice(waiting, BATCH_PARAGRAPHS)):
        texts = [item.text for item in batch if isinstance(item, DocumentBlock) and item.kind is BlockKind.PARAGRAPH]
        labels = iter(labeller.label(texts))
        for item in batch:
            if isinstance(item, Refusal):
                yield item
            elif item.kind is BlockKind.PARAGRAPH:
                number += 1
                place = {"file": name, "paragraph": number, **item.place, "headings": list(item.headings)}
                yield LabelledParagraph({**place, "text": item.text, **next(labels).as_record()})
            else:
                record = {"kind": item.kind.value, "text": item.text, "headings": list(item.headings), **item.place}
                yield OtherBlock(record)
