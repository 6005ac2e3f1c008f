"""A few processes that read uploaded files, each one file at a time."""

import queue
from collections.abc import Iterator
from pathlib import Path

from service.documents import DocumentBlock, ReadOptions, Refusal, needs_process, read_blocks
from service.problems import ProblemError, ProblemKind
from service.reading_process import ReadingProcess


class ReadingPool:
    """Reads files of any format; those that could do harm in a process of its own. Safe to share between threads."""

    def __init__(self, processes: int, wait_seconds: float) -> None:
        """Make room for processes, which are started when they are first needed.

        Args:
            processes: how many there may be.
            wait_seconds: how long a file waits for one.
        """
        self._wait_seconds = wait_seconds
        self._all = [ReadingProcess() for _ in range(processes)]
        self._idle: queue.LifoQueue[ReadingProcess] = queue.LifoQueue()
        for process in self._all:
            self._idle.put(process)

    def read(self, path: Path, name: str, options: ReadOptions) -> Iterator[DocumentBlock | Refusal]:
        """The blocks of a file, as `read_blocks` gives them.

        Raises:
            ProblemError: all processes are at work for too long.
        """
        if not needs_process(path, name):
            yield from read_blocks(path, name, options)
            return
        try:
            process = self._idle.get(timeout=self._wait_seconds)
        except queue.Empty:
            detail = "服务正在读取别的文件；请稍后重试。"
            raise ProblemError(ProblemKind.OVERLOADED, detail, {"retry-after": "5"}) from None
        try:
            yield from process.read(path, name, options)
        finally:
            self._idle.put(process)

    def close(self) -> None:
        """End the processes."""
        for process in self._all:
            process.close()
