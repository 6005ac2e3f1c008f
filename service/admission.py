"""How much is worked on at once: a few slots, a bounded queue before them, and a late no to whoever does not fit.

A no at once invites the client to ask again at once, and reading what it asks costs a fifth of answering it: of 200 clients with large
requests three in ten were served with a no after a quarter of a second (`make soak` measures).
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from service.problems import ProblemError, ProblemKind

REJECTION_DELAY = 1.0  # seconds, as in Retry-After: who ignores that waits as long as who heeds it

_Result = TypeVar("_Result")


class Admission:
    """Slots and a queue for the work of one process."""

    def __init__(self, slots: int, queue: int, queue_seconds: float) -> None:
        """Make room for work.

        Args:
            slots: pieces of work that run at once.
            queue: pieces that may wait for a slot.
            queue_seconds: how long one waits at most.
        """
        self._slots = asyncio.Semaphore(slots)
        self._threads = CapacityLimiter(slots)
        self._most_waiting = queue
        self._queue_seconds = queue_seconds
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Pieces of work in the queue."""
        return self._waiting

    async def enter(self, *, patient: bool = False) -> None:
        """Take a slot, to be given back with `leave`; `patient` work waits however long it takes, outside the queue.

        Raises:
            ProblemError: the queue is full, or the wait was too long.
        """
        if patient:
            await self._slots.acquire()
            return
        await self.expect_room()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise _refusal() from None
        finally:
            self._waiting -= 1

    async def expect_room(self) -> None:
        """Refuse what would have to be refused when it wants to enter, before more is spent on it.

        Raises:
            ProblemError: the queue is full.
        """
        if self._slots.locked() and self._waiting >= self._most_waiting:
            await asyncio.sleep(REJECTION_DELAY)
            raise _refusal()

    def leave(self) -> None:
        """Give a slot back."""
        self._slots.release()

    async def run(self, work: Callable[[], _Result], *, patient: bool = False) -> _Result:
        """What `work` returns, done on a thread once there is a slot; see `enter`.

        Raises:
            ProblemError: as `enter`.
        """
        await self.enter(patient=patient)
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self.leave()


def _refusal() -> ProblemError:
    return ProblemError(ProblemKind.OVERLOADED, "服务正忙，排队的请求太多；请稍后重试。", {"retry-after": "1"})
