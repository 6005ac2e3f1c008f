"""A document's blocks in order, its paragraphs labelled: what every form of the answer is written from."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeGuard

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
    items: Iterable[DocumentBlock | Refusal], model: ServedModel, metrics: Metrics
) -> Iterator[DocumentPart]:
    """`items` in their order, the paragraphs among them labelled in batches, and counted."""
    waiting = iter(items)
    paragraphs: Counter[str] = Counter()
    while batch := list(islice(waiting, BATCH_PARAGRAPHS)):
        found = model.labeller.label([item.text for item in batch if _is_paragraph(item)])
        metrics.labelled(found, model)
        metrics.refused(sum(isinstance(item, Refusal) for item in batch))
        labels = iter(found)
        for item in batch:
            if isinstance(item, Refusal):
                yield item
            elif not _is_paragraph(item):
                record = {"kind": item.kind.value, "text": item.text, "headings": list(item.headings), **item.place}
                yield OtherBlock(record)
            elif item.record is not None:
                yield LabelledParagraph({**item.record, **next(labels).as_record()})
            else:
                file = item.place["file"]
                paragraphs[file] += 1
                rest = {key: value for key, value in item.place.items() if key != "file"}
                place = {"file": file, "paragraph": paragraphs[file], **rest, "headings": list(item.headings)}
                yield LabelledParagraph({**place, "text": item.text, **next(labels).as_record()})


def _is_paragraph(item: DocumentBlock | Refusal) -> TypeGuard[DocumentBlock]:
    return isinstance(item, DocumentBlock) and item.kind is BlockKind.PARAGRAPH
