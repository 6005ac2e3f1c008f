"""How a source is read: by this process where that is safe and quick, else by a process that may be killed."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from service.documents import (
    InputParagraph,
    ReadOptions,
    Refusal,
    needs_process,
    paragraphs_of,
    read_paragraph_lines,
    read_paragraphs,
)
from service.readers.bounded_lines import OverlongLine
from service.readers.json_lines import stream_lines
from service.reading_in_order import ReadSource
from service.run_sources import Source

if TYPE_CHECKING:
    from service.reading_process import ReadingProcess

_MOST_WORKERS = 8
_WORTH_WORKERS_BYTES = 2 * 1024 * 1024  # of text: about a second's reading
_PLAIN_ENDINGS = (".txt", ".text", ".md", ".markdown", ".jsonl", ".ndjson", ".csv", ".tsv")
_OTHERS_WEIGH = 10  # a byte of a compressed document is so much more work than one of text


def workers_for(sources: Sequence[Source]) -> int:
    """How many processes are worth having: one where there is little to read, else the processors available, at most eight."""
    weight = sum(
        source.size * (1 if source.name.lower().endswith(_PLAIN_ENDINGS) else _OTHERS_WEIGH) for source in sources
    )
    return min(available_processors(), _MOST_WORKERS) if weight > _WORTH_WORKERS_BYTES else 1


def available_processors() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_reader(options: ReadOptions, workers: int) -> Iterator[ReadSource]:
    """What one worker reads its sources with; its process is started when it is first needed.

    Args:
        options: what the user says about how to read.
        workers: how many there are; where there are several, every file is read by a process, so that they do not wait for each other.
    """
    with ExitStack() as stack:

        @cache
        def process() -> "ReadingProcess":
            from service.reading_process import ReadingProcess  # noqa: PLC0415 (text needs none, and should not wait for it)

            return stack.enter_context(ReadingProcess())

        def read(source: Source) -> Iterable[InputParagraph | Refusal]:
            if source.path is None:
                return read_paragraph_lines(_standard_input(), source.name)
            if workers > 1 or needs_process(source.path):
                return paragraphs_of(process().read(source.path, source.name, options))
            return read_paragraphs(source.path, options)

        yield read


def _standard_input() -> Iterable[bytes | OverlongLine]:
    return () if sys.stdin is None else stream_lines(sys.stdin.buffer)  # None where the shell closed it
