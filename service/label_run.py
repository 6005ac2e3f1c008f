"""One run of `policy-label` over documents: read, label, remember, write, in this order, and what came of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field

from model.label import Label
from model.labeller import Labeller
from service.documents import InputParagraph, Refusal
from service.labelling import labelled_row
from service.outputs import Row, RowWriter
from service.reading_in_order import BATCH_ITEMS, ReadBatch, ReadSource, read_in_order
from service.run_journal import EntryKind, Reached, RunJournal
from service.run_progress import Progress
from service.run_sources import Source

MOST_REFUSALS_LISTED = 1_000
"""Of one source; a binary file that is called .jsonl has one in each line, and memory is bounded."""

_LONGEST_WAIT_SECONDS = 0.5
_HOW_TO_NAME_A_COLUMN = "请用 --text-column 指明正文所在的列。"


@dataclass(slots=True)
class RunOutcome:
    """What came of a run so far.

    Attributes:
        refusals: what could not be labelled, in order; whoever writes the result may tell of them when it ends.
        counts: `paragraphs`, `none`, `uncertain`, and of each theme.
    """

    refusals: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def count(self, row: Row) -> None:
        """Take a row into the counts."""
        self.counts["paragraphs"] += 1
        self.counts["none"] += not row["themes"]
        self.counts["uncertain"] += bool(row["uncertain"])
        self.counts.update(row["themes"])


class LabelRun:
    """A run over `sources`."""

    def __init__(
        self, sources: Sequence[Source], labeller: Labeller, outcome: RunOutcome, journal: RunJournal | None
    ) -> None:
        """Make ready; nothing is read yet.

        Args:
            sources: what to read, in the order of the result.
            labeller: labels.
            outcome: takes what comes of it.
            journal: remembers what is done; it may know of sources that are done already.
        """
        self._sources = sources
        self._labeller = labeller
        self._outcome = outcome
        self._journal = journal
        self._reached = Reached() if journal is None else journal.reached

    @property
    def reached(self) -> Reached:
        """How far the run is."""
        return self._reached

    def replay(self, write: RowWriter) -> None:
        """Write what the journal knows to be done.

        Raises:
            OSError: the journal cannot be read.
            OutputError: the result cannot be written.
        """
        if not self._journal:
            return
        for kind, fields in self._journal.replay():
            if kind is EntryKind.ROW:
                self._outcome.count(fields)
                write(fields)
            else:
                self._outcome.refusals.append(Refusal(**fields))

    def go(
        self,
        write: RowWriter,
        open_reader: Callable[[], AbstractContextManager[ReadSource]],
        workers: int,
        progress: Progress,
    ) -> None:
        """Read, label and write all that is not done yet.

        Args:
            write: takes the rows, in order.
            open_reader: see `read_in_order`.
            workers: how many read side by side.
            progress: takes word of how far it is.

        Raises:
            OSError: the journal cannot be written.
            OutputError: the result cannot be written.
        """
        batches = read_in_order(
            self._sources,
            open_reader,
            workers,
            first=self._reached.sources,
            skipped_items=self._reached.items,
        )
        for group in _grouped(batches):
            texts = [item.text for batch in group for item in batch.items if isinstance(item, InputParagraph)]
            labels = iter(self._labeller.label(texts))
            for batch in group:
                self._finish(batch, labels, write)
            if self._journal is not None:
                self._journal.commit(self._reached)
            progress(self._reached.sources, self._reached.rows)

    def _finish(self, batch: ReadBatch, labels: Iterator[Label], write: RowWriter) -> None:
        rows = refused = 0
        for item in batch.items:
            if isinstance(item, Refusal):
                refused += 1
                if self._reached.refused + refused <= MOST_REFUSALS_LISTED:
                    self._refuse(item)
                continue
            row = labelled_row(item, next(labels))
            if self._journal is not None:
                self._journal.row(row)
            self._outcome.count(row)
            write(row)
            rows += 1
        before = self._reached
        refused += before.refused
        if not batch.last:
            self._reached = Reached(before.sources, before.items + len(batch.items), refused, before.rows + rows)
            return
        if refused > MOST_REFUSALS_LISTED:
            more = refused - MOST_REFUSALS_LISTED
            self._refuse(Refusal(self._sources[batch.source].name, f"另有 {more} 处未能处理，没有逐一列出。"))
        self._reached = Reached(before.sources + 1, 0, 0, before.rows + rows)

    def _refuse(self, found: Refusal) -> None:
        refusal = found.advised(_HOW_TO_NAME_A_COLUMN)
        if self._journal is not None:
            self._journal.refusal(asdict(refusal))
        self._outcome.refusals.append(refusal)


def _grouped(batches: Iterable[ReadBatch]) -> Iterator[list[ReadBatch]]:
    """Batches of several sources together, so that many small documents share the cost of a call; slow ones are not kept waiting."""
    group: list[ReadBatch] = []
    items, begun = 0, time.monotonic()
    for batch in batches:
        group.append(batch)
        items += len(batch.items)
        if items >= BATCH_ITEMS or time.monotonic() - begun > _LONGEST_WAIT_SECONDS:
            yield group
            group, items, begun = [], 0, time.monotonic()
    if group:
        yield group
