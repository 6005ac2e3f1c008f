"""Progress: in long runs only, with rate and time left."""

import io

import pytest
from rich.console import Console

from service.run_progress import LINE_SECONDS, Pace, show_progress
from service.run_sources import Source


class Clock:
    """Stands until it is put on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sources(*sizes: int) -> list[Source]:
    return [Source(None, "", size) for size in sizes]


def test_a_short_run_tells_nothing() -> None:
    stream, clock = io.StringIO(), Clock()
    with show_progress(Console(file=stream), sources(1, 1), clock=clock) as progress:
        clock.now += LINE_SECONDS - 1
        progress(1, 10)
    assert stream.getvalue() == ""


def test_a_long_run_tells_every_so_often() -> None:
    stream, clock = io.StringIO(), Clock()
    with show_progress(Console(file=stream, width=200), sources(*[1000] * 100), clock=clock) as progress:
        for second in range(25):
            clock.now += 1
            progress(second + 1, 10 * (second + 1))
    first, second_line = stream.getvalue().splitlines()
    assert first == "进度：10/100 个文件 · 100 段 · 每秒 1.0 个文件、10 段 · 约剩 1 分 30 秒"
    assert second_line == "进度：20/100 个文件 · 200 段 · 每秒 1.0 个文件、10 段 · 约剩 1 分 20 秒"


def test_time_left_goes_by_bytes_and_by_what_this_process_did() -> None:
    clock = Clock()
    pace = Pace([500, 100, 300, 600], 1, 50, clock)
    assert pace.seconds_left() is None
    clock.now += 10
    pace.update(2, 60)
    assert pace.seconds_left() == pytest.approx(90)
    assert pace.sentence() == "2/4 个文件 · 60 段 · 每秒 0.1 个文件、1 段 · 约剩 1 分 30 秒"
    clock.now += 7190
    pace.update(3, 70)
    assert pace.sentence().endswith("约剩 3 小时 0 分")
    pace.update(4, 80)
    assert pace.seconds_left() is None


def test_no_time_is_guessed_for_a_source_of_unknown_size() -> None:
    clock = Clock()
    pace = Pace([0], 0, 0, clock)
    clock.now += 10
    pace.update(0, 1000)
    assert pace.sentence() == "0/1 个文件 · 1000 段 · 每秒 0.0 个文件、100 段"


def test_a_terminal_has_a_bar() -> None:
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, width=100, force_terminal=True)
    with show_progress(console, sources(1000, 1000), clock=clock) as progress:
        clock.now += 2
        progress(1, 10)
    shown = stream.getvalue()
    assert "1/2 个文件 · 10 段 · 每秒 0.5 个文件、5 段 · 约剩 2 秒" in shown
    assert "━" in shown
