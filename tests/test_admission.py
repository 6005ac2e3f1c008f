"""Slots, a bounded queue, and a late refusal."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from service.admission import REJECTION_DELAY, Admission
from service.labelling import expect_room
from service.problems import ProblemError, ProblemKind


class Gate:
    """Work that goes on until it is let go, and counts how much of it goes on at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def work(self) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.open.wait(10)
        with self._lock:
            self.running -= 1
        return "done"


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


def test_no_more_runs_or_waits_than_may() -> None:
    async def scenario() -> None:
        gate = Gate()
        admission = Admission(slots=2, queue=3, queue_seconds=10)
        tasks = [asyncio.create_task(admission.run(gate.work)) for _ in range(5)]
        await until(lambda: gate.running == 2 and admission.waiting == 3)
        started = time.monotonic()
        with pytest.raises(ProblemError) as caught:
            await admission.run(gate.work)
        assert caught.value.kind is ProblemKind.OVERLOADED
        assert caught.value.headers
        assert "retry-after" in caught.value.headers
        assert time.monotonic() - started >= REJECTION_DELAY, "a refusal at once is asked again at once"
        gate.open.set()
        assert await asyncio.gather(*tasks) == ["done"] * 5
        assert gate.most == 2
        assert await admission.run(gate.work) == "done"

    asyncio.run(scenario())


def test_what_would_find_no_room_is_refused_before_it_is_read() -> None:
    async def scenario() -> None:
        gate = Gate()
        admission = Admission(slots=1, queue=0, queue_seconds=10)
        await expect_room("200000", admission)
        running = asyncio.create_task(admission.run(gate.work))
        await until(lambda: gate.running == 1)
        for small in ("100", None, "many"):
            await expect_room(small, admission)
        with pytest.raises(ProblemError) as caught:
            await expect_room("200000", admission)
        assert caught.value.kind is ProblemKind.OVERLOADED
        gate.open.set()
        await running

    asyncio.run(scenario())


def test_nobody_waits_longer_than_is_set_but_the_patient() -> None:
    async def scenario() -> None:
        gate = Gate()
        admission = Admission(slots=1, queue=5, queue_seconds=0.05)
        running = asyncio.create_task(admission.run(gate.work))
        await until(lambda: gate.running == 1)
        patient = asyncio.create_task(admission.run(gate.work, patient=True))
        with pytest.raises(ProblemError):
            await admission.run(gate.work)
        assert admission.waiting == 0
        assert not patient.done()
        gate.open.set()
        assert [*await asyncio.gather(running, patient)] == ["done", "done"]

    asyncio.run(scenario())


def test_a_slot_comes_back_after_a_failure() -> None:
    async def scenario() -> None:
        admission = Admission(slots=1, queue=0, queue_seconds=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await admission.run(lambda: 1 // 0)

    asyncio.run(scenario())
