"""Many sources read side by side, their contents handed on in the order of the sources, in bounded memory.

Each of a few threads reads one source at a time, in a process of its own where the format asks for it, into a short queue of that source's. The
one who asks takes the queues one after the other. A thread waits when its queue is full, and no thread runs far ahead.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice

from model.errors import PolicyThemesError
from service.documents import InputParagraph, Refusal
from service.run_sources import Source

Item = InputParagraph | Refusal
ReadSource = Callable[[Source], Iterable[Item]]
"""Reads one source; raises `PolicyThemesError` or `OSError` where it cannot be read on."""

BATCH_ITEMS = 256  # enough to spread the cost of a call, few enough to keep memory flat and progress smooth
_QUEUED_BATCHES = 4
_SOURCES_AHEAD = 4  # for each thread
_PATIENCE_SECONDS = 0.2  # between two looks at whether a thread is still wanted
_LEAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Some of what a source holds, in order.

    Attributes:
        source: its number.
        items: paragraphs and refusals.
        last: whether the source ends here.
    """

    source: int
    items: Sequence[Item]
    last: bool


def read_in_order(
    sources: Sequence[Source],
    open_reader: Callable[[], AbstractContextManager[ReadSource]],
    workers: int,
    *,
    first: int = 0,
    skipped_items: int = 0,
) -> Iterator[ReadBatch]:
    """The contents of `sources` in order, in batches; what cannot be read becomes a `Refusal` in its place.

    Args:
        sources: what to read.
        open_reader: makes what reads sources one after the other; each worker has its own.
        workers: how many read side by side; one reads in the thread that asks, and only as fast as it asks.
        first: number of the source to begin with.
        skipped_items: of that source, how many items not to hand on.
    """
    skips = {first: skipped_items}
    numbers = range(first, len(sources))
    if workers == 1 or len(numbers) < 2:
        with open_reader() as read:
            for number in numbers:
                yield from _batches(number, sources[number], read, skips.get(number, 0))
        return
    yield from _read_side_by_side(sources, numbers, open_reader, min(workers, len(numbers)), skips)


def _batches(number: int, source: Source, read: ReadSource, skipped: int) -> Iterator[ReadBatch]:
    items = _refusing(source, read)
    found = skipped + sum(1 for _ in islice(items, skipped))
    while batch := list(islice(items, BATCH_ITEMS)):
        found += len(batch)
        yield ReadBatch(number, batch, last=False)
    nothing = Refusal(source.name, "没有找到可标注的段落（文件为空，或只有标题和页面信息）。", kind="empty")
    yield ReadBatch(number, [] if found else [nothing], last=True)


def _refusing(source: Source, read: ReadSource) -> Iterator[Item]:
    """What `read` finds; should it fail, a refusal says so and ends it."""
    try:
        yield from read(source)
    except PolicyThemesError as error:
        yield Refusal(source.name, str(error))
    except OSError as error:
        yield Refusal(source.name, f"无法读取（{error.strerror}）；请检查权限，或确认文件没有被其他程序占用。")


class _NotWantedError(Exception):
    """Whoever asked for the sources has stopped asking."""


_Queue = queue.Queue[ReadBatch]


class _Lanes:
    """The queues of the sources that are being read or wait to be handed on."""

    def __init__(self, numbers: Sequence[int], workers: int) -> None:
        self._waiting = iter(numbers)
        self._ahead = threading.Semaphore(workers * _SOURCES_AHEAD)
        self._queues: dict[int, _Queue] = {}
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self.stopped = threading.Event()

    def take(self) -> tuple[int, _Queue] | None:
        """For a reader: the next source, and where to put what it holds; None where there is none left."""
        while not self._ahead.acquire(timeout=_PATIENCE_SECONDS):
            self.check_wanted()
        with self._changed:
            number = next(self._waiting, None)
            if number is None:
                return None
            self._queues[number] = queue.Queue(_QUEUED_BATCHES)
            self._changed.notify_all()
            return number, self._queues[number]

    def put(self, target: _Queue, batch: ReadBatch) -> None:
        """For a reader: hand a batch on, once there is room."""
        while True:
            self.check_wanted()
            try:
                return target.put(batch, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                continue

    def fail(self, error: BaseException) -> None:
        """For a reader: a fault of ours, which belongs to whoever asked."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def check_wanted(self) -> None:
        if self.stopped.is_set():
            raise _NotWantedError

    def batches_of(self, number: int) -> Iterator[ReadBatch]:
        """For the one who asked: all batches of a source, as they come."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._queues or self._failure)
            source = self._queues.get(number)
        while True:
            if self._failure:
                raise self._failure
            assert source is not None  # noqa: S101 (for mypy: without a failure it is there)
            try:
                batch = source.get(timeout=_PATIENCE_SECONDS)
            except queue.Empty:
                continue
            yield batch
            if batch.last:
                break
        del self._queues[number]
        self._ahead.release()


def _read_side_by_side(
    sources: Sequence[Source],
    numbers: Sequence[int],
    open_reader: Callable[[], AbstractContextManager[ReadSource]],
    workers: int,
    skips: dict[int, int],
) -> Iterator[ReadBatch]:
    lanes = _Lanes(numbers, workers)

    def work() -> None:
        try:
            with open_reader() as read:
                while taken := lanes.take():
                    number, target = taken
                    for batch in _batches(number, sources[number], read, skips.get(number, 0)):
                        lanes.put(target, batch)
        except _NotWantedError:
            pass
        except BaseException as error:  # it is raised again, in the thread that asked
            lanes.fail(error)

    threads = [threading.Thread(target=work, name=f"reading-{number}", daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for number in numbers:
            yield from lanes.batches_of(number)
    finally:
        lanes.stopped.set()
        for thread in threads:
            thread.join(_LEAVE_SECONDS)  # one that waits for a slow document ends with this process, and its reader too
