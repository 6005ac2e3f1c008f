"""A document's blocks in order, its paragraphs labelled: what every form of the answer is written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from service.documents import DocumentBlock, InputParagraph, Refusal, placed
from service.labelling import BATCH_PARAGRAPHS, labelled_row
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
_HOW_TO_NAME_A_COLUMN = "请选出正文所在的列（text_column）。"


def label_document(
    items: Iterable[DocumentBlock | Refusal], model: ServedModel, metrics: Metrics
) -> Iterator[DocumentPart]:
    """`items` in their order, the paragraphs among them labelled in batches, and counted."""
    waiting = placed(items)
    while batch := list(islice(waiting, BATCH_PARAGRAPHS)):
        found = model.labeller.label([item.text for item in batch if isinstance(item, InputParagraph)])
        metrics.labelled(found, model)
        metrics.refused(sum(isinstance(item, Refusal) for item in batch))
        labels = iter(found)
        for item in batch:
            if isinstance(item, Refusal):
                yield item.advised(_HOW_TO_NAME_A_COLUMN)
            elif isinstance(item, InputParagraph):
                yield LabelledParagraph(labelled_row(item, next(labels)))
            else:
                record = {"kind": item.kind.value, "text": item.text, "headings": list(item.headings), **item.place}
                yield OtherBlock(record)
