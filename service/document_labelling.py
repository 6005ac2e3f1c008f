"""A document's blocks in order, its paragraphs labelled: what every form of the answer is written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from model.paragraphs import BlockKind
from service.documents import DocumentBlock, Refusal
from service.labelling import BATCH_PARAGRAPHS
from service.metrics import Metrics
from service.model_registry import ServedModel
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


def label_document(
    items: Iterable[DocumentBlock | Refusal], name: str, model: ServedModel, metrics: Metrics
) -> Iterator[DocumentPart]:
    """`items` of the document `name` in their order, the paragraphs among them labelled in batches, and counted."""
    waiting = iter(items)
    number = 0
    while batch := list(islice(waiting, BATCH_PARAGRAPHS)):
        texts = [item.text for item in batch if isinstance(item, DocumentBlock) and item.kind is BlockKind.PARAGRAPH]
        found = model.labeller.label(texts)
        metrics.labelled(found, model)
        metrics.refused(sum(isinstance(item, Refusal) for item in batch))
        labels = iter(found)
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
