"""Paragraphs in, labels and rows out: what every door of the service does between reading and writing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.label import Label
from model.labeller import Labeller, LabelPath
from service.documents import InputParagraph
from service.run import Row

if TYPE_CHECKING:
    from service.admission import Admission

# Enough paragraphs to spread the cost of a call, few enough to keep memory flat and progress smooth.
BATCH_PARAGRAPHS = 256
_SMALL = 2_000  # characters, which the fast path labels in less time than a thread takes to begin
_LARGE = 6 * _SMALL  # bytes of a body: more than that, even with every character escaped


def labelled_row(paragraph: InputParagraph, label: Label) -> Row:
    """What every door writes of a paragraph: the fields of its place, its text, and the fields of its label."""
    return {**paragraph.place, "text": paragraph.text, **label.as_record()}


async def expect_room(content_length: str | None, admission: "Admission") -> None:
    """Refuse, before it is read, a request that is too long to be labelled at once and would find no slot.

    Args:
        content_length: the header, where the client sent one.
        admission: where the slots are.

    Raises:
        ProblemError: there is more to do than can wait.
    """
    if content_length is not None and content_length.isdigit() and float(content_length) > _LARGE:
        await admission.expect_room()


async def label_batch(
    texts: Sequence[str], labeller: Labeller, admission: "Admission", *, patient: bool = False
) -> list[Label]:
    """The labels of `texts`: of a few at once, where the model is fast; of more on a thread, once there is a slot.

    Args:
        texts: the paragraphs.
        labeller: what labels them.
        admission: where the slots are.
        patient: wait for a slot however long it takes, which is for those whose number is bounded elsewhere.

    Raises:
        ProblemError: there is more to do than can wait.
    """
    if labeller.card["path"] == LabelPath.FAST and sum(map(len, texts)) <= _SMALL:
        return labeller.label(texts)
    return await admission.run(lambda: labeller.label(texts), patient=patient)
