"""Sources read side by side come in their order, in bounded memory, and what goes wrong with one stays with it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from model.errors import TextError
from service.documents import InputParagraph, Refusal
from service.reading_in_order import BATCH_ITEMS, ReadBatch, ReadSource, read_in_order
from service.run_sources import Source

WORKERS = pytest.mark.parametrize("workers", [1, 3])


def sources(count: int) -> list[Source]:
    return [Source(None, str(number)) for number in range(count)]


class Reader:
    """Reads sources whose names are numbers: of each its name, so often as it says."""

    def __init__(self, length: Callable[[int], int], delay: Callable[[int], float] = lambda _: 0) -> None:
        self.length = length
        self.delay = delay
        self.opened = self.closed = 0
        self.given: dict[int, int] = {}

    @contextmanager
    def open(self) -> Iterator[ReadSource]:
        self.opened += 1
        try:
            yield self.read
        finally:
            self.closed += 1

    def read(self, source: Source) -> Iterable[InputParagraph | Refusal]:
        number = int(source.name)
        time.sleep(self.delay(number))
        for position in range(self.length(number)):
            self.given[number] = position + 1
            yield InputParagraph(f"{number}.{position}")


def texts(batches: Iterable[ReadBatch]) -> list[str]:
    return [item.text for batch in batches for item in batch.items if isinstance(item, InputParagraph)]


@WORKERS
def test_sources_come_in_order_whichever_is_read_first(workers: int) -> None:
    reader = Reader(lambda number: 1 + number * 37 % 600, lambda number: 0.03 if number % 3 == 0 else 0)
    batches = list(read_in_order(sources(20), reader.open, workers))
    assert texts(batches) == [
        f"{number}.{position}" for number in range(20) for position in range(1 + number * 37 % 600)
    ]
    assert [batch.source for batch in batches if batch.last] == list(range(20))
    assert max(len(batch.items) for batch in batches) <= BATCH_ITEMS
    assert reader.opened == reader.closed == workers


@WORKERS
def test_a_source_that_fails_is_refused_in_its_place(workers: int) -> None:
    def read(source: Source) -> Iterator[InputParagraph | Refusal]:
        yield InputParagraph(source.name)
        if source.name == "1":
            raise TextError("坏了。")
        if source.name == "2":
            raise PermissionError(13, "Permission denied")

    @contextmanager
    def open_reader() -> Iterator[ReadSource]:
        yield read

    items = [item for batch in read_in_order(sources(4), open_reader, workers) for item in batch.items]
    shown = [item.text if isinstance(item, InputParagraph) else str(item) for item in items]
    assert shown == [
        "0",
        "1",
        "1：坏了。",
        "2",
        "2：无法读取（Permission denied）；请检查权限，或确认文件没有被其他程序占用。",
        "3",
    ]


@WORKERS
def test_a_source_without_anything_is_refused(workers: int) -> None:
    batches = list(read_in_order(sources(3), Reader(lambda number: number % 2).open, workers))
    refused = [item for batch in batches for item in batch.items if isinstance(item, Refusal)]
    assert [(refusal.file, refusal.kind) for refusal in refused] == [("0", "empty"), ("2", "empty")]


@WORKERS
def test_what_is_done_is_not_handed_on_again(workers: int) -> None:
    reader = Reader(lambda _: 300)
    batches = list(read_in_order(sources(4), reader.open, workers, first=2, skipped_items=299))
    assert texts(batches) == ["2.299", *(f"3.{position}" for position in range(300))]
    everything_skipped = list(read_in_order(sources(3), reader.open, workers, first=2, skipped_items=300))
    assert [(batch.items, batch.last) for batch in everything_skipped] == [([], True)], "no word of an empty source"


def test_readers_wait_for_whoever_asks() -> None:
    reader = Reader(lambda _: 100_000)
    batches = read_in_order(sources(50), reader.open, 3)
    next(batches)
    time.sleep(0.5)
    assert len(reader.given) <= 3, "each reads one source"
    assert max(reader.given.values()) <= 8 * BATCH_ITEMS, "and no more of it than its queue takes"
    batches.close()  # type: ignore[attr-defined]
    assert reader.closed == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading-")]


def test_few_small_sources_are_read_ahead_but_not_all() -> None:
    reader = Reader(lambda _: 1)
    batches = read_in_order(sources(100), reader.open, 2)
    next(batches)
    time.sleep(0.5)
    assert 2 <= len(reader.given) <= 12
    assert len(list(batches)) == 199


def test_a_fault_of_ours_is_raised_where_the_sources_are_asked_for() -> None:
    def length(number: int) -> int:
        return 1 // (number - 5) * 0 + 1

    with pytest.raises(ZeroDivisionError):
        list(read_in_order(sources(10), Reader(length).open, 2))
