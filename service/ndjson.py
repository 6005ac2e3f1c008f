"""JSON Lines over HTTP, both ways at once: lines are labelled as they come, and the answer begins before the request has ended.

Many clients read nothing until they have sent everything. What they do not read yet is therefore kept on disk, neither in
memory nor in a pipe that would stand still at both ends.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import takewhile
from typing import IO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

NDJSON = "application/x-ndjson"
_MOST_IN_MEMORY = 1024 * 1024
_CHUNK = 64 * 1024


class LongLineError(Exception):
    """A line does not end."""


async def batches_of_lines(chunks: AsyncIterator[bytes], most: int, longest: int) -> AsyncIterator[list[bytes]]:
    """Whole lines without their ends, in batches of at most `most`; a batch is not kept waiting for more to come.

    Args:
        chunks: a body as it comes.
        most: lines of a batch.
        longest: bytes of a line.

    Raises:
        LongLineError: a line is longer; all lines before it have come.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        good = list(takewhile(lambda line: len(line) <= longest, lines))
        for start in range(0, len(good), most):
            yield good[start : start + most]
        if len(good) < len(lines) or len(rest) > longest:
            raise LongLineError
    if rest:
        yield [rest]


class StreamedAnswer(Response):
    """An answer that is written while its request is still read."""

    def __init__(
        self,
        produce: Callable[[Callable[[bytes], None]], Awaitable[None]],
        headers: dict[str, str],
        send_seconds: float,
    ) -> None:
        """Send what `produce` writes.

        Args:
            produce: reads the request, and writes each piece of the answer with the function that it is given.
            headers: of the answer.
            send_seconds: how long the client may take for a piece, once the request has ended.
        """
        self.status_code = 200
        self.media_type = NDJSON
        self.background = None
        self.init_headers(headers)
        self._produce = produce
        self._send_seconds = send_seconds

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Produce and send until both are done; whichever fails ends the other."""
        with tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY) as spool:
            backlog = _Backlog(spool)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._fill(backlog))
                await self._send(backlog, send)

    async def _fill(self, backlog: "_Backlog") -> None:
        await self._produce(backlog.write)
        backlog.end()  # not after a failure: what was cut short must not look whole

    async def _send(self, backlog: "_Backlog", send: Send) -> None:
        await backlog.ready.wait()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while (piece := await backlog.read()) is not None:
            async with asyncio.timeout(self._send_seconds if backlog.ended else None):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Backlog:
    """What is written and not yet sent, in a file that is read from behind."""

    def __init__(self, file: IO[bytes]) -> None:
        self.ready = asyncio.Event()
        self.ended = False
        self._file = file
        self._read = 0
        self._written = 0

    def write(self, piece: bytes) -> None:
        self._file.seek(self._written)
        self._file.write(piece)
        self._written += len(piece)
        self.ready.set()

    def end(self) -> None:
        self.ended = True
        self.ready.set()

    async def read(self) -> bytes | None:
        """The next piece, as soon as there is one; None at the end."""
        while self._read == self._written:
            if self.ended:
                return None
            self.ready.clear()
            await self.ready.wait()
        self._file.seek(self._read)
        piece = self._file.read(_CHUNK)
        self._read += len(piece)
        if self._read == self._written:  # all was sent: the file need not grow
            self._read = self._written = 0
            self._file.truncate(0)
        return piece
