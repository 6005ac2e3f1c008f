"""How far a run is: a bar on a terminal, elsewhere a line every so often, with rate and time left; nothing in a short run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from service.run_sources import Source

LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1  # between two looks of the bar: updates come more often than eyes can follow


Progress = Callable[[int, int], None]
"""Takes word of how many sources are done and how many paragraphs labelled, those of an earlier part of the run included."""


class Pace:
    """Rate and time left of a run, by what this process did of it."""

    def __init__(self, sizes: Sequence[int], done: int, paragraphs: int, clock: Callable[[], float]) -> None:
        """Begin to count.

        Args:
            sizes: of all sources, in bytes.
            done: how many of them an earlier process did.
            paragraphs: how many it labelled.
            clock: seconds, from anywhere on.
        """
        self._clock = clock
        self._begun = clock()
        self._sizes = sizes
        self._left = sum(sizes[done:])
        self._all = self._left
        self._first = self._done = done
        self._first_paragraphs = self._paragraphs = paragraphs

    def update(self, sources: int, paragraphs: int) -> None:
        """Take word of the totals."""
        self._left -= sum(self._sizes[self._done : sources])
        self._done, self._paragraphs = sources, paragraphs

    def seconds_left(self) -> float | None:
        """By the bytes that are still to be read; None as long as nothing can be said."""
        finished = self._all - self._left
        return self._left * self.elapsed / finished if finished and self._left else None

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begun

    def sentence(self) -> str:
        """Counts, rate and time left, for people."""
        elapsed = max(self.elapsed, 1e-3)
        rate = (self._done - self._first) / elapsed
        parts = [
            f"{self._done}/{len(self._sizes)} 个文件 · {self._paragraphs} 段",
            f"每秒 {rate:.1f} 个文件、{(self._paragraphs - self._first_paragraphs) / elapsed:.0f} 段",
        ]
        if (left := self.seconds_left()) is not None:
            parts.append(f"约剩 {_duration(left)}")
        return " · ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


@contextmanager
def show_progress(
    console: Console,
    sources: Sequence[Source],
    done: int = 0,
    paragraphs: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Show how far a run is while it lasts.

    Args:
        console: where; a bar if it is a terminal.
        sources: all there is to read.
        done: how many of them an earlier process did.
        paragraphs: how many it labelled.
        clock: seconds, from anywhere on.
    """
    pace = Pace([source.size for source in sources], done, paragraphs, clock)
    if console.is_terminal:
        with _bar(console, pace, len(sources), done) as progress:
            yield progress
    else:
        yield _lines(console, pace, clock)


def _lines(console: Console, pace: Pace, clock: Callable[[], float]) -> Progress:
    told = clock()

    def update(sources: int, paragraphs: int) -> None:
        nonlocal told
        pace.update(sources, paragraphs)
        if clock() - told >= LINE_SECONDS:
            told = clock()
            console.print(f"进度：{pace.sentence()}", markup=False)

    return update


@contextmanager
def _bar(console: Console, pace: Pace, total: int, done: int) -> Iterator[Progress]:
    from rich import progress as rich_progress  # noqa: PLC0415 (only a terminal needs it)

    with rich_progress.Progress(
        rich_progress.TextColumn("标注"),
        rich_progress.BarColumn(),
        rich_progress.TextColumn("{task.description}"),
        console=console,
        transient=True,
        redirect_stdout=False,  # else results that go to a file or a pipe end up on the terminal
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(pace.sentence(), total=total, completed=done)
        shown = 0.0

        def update(sources: int, paragraphs: int) -> None:
            nonlocal shown
            pace.update(sources, paragraphs)
            if pace.elapsed - shown >= _BAR_SECONDS or sources == total:
                shown = pace.elapsed
                bar.update(task, description=pace.sentence(), completed=sources)

        yield update
