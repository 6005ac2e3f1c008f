"""Connections: closed when they begin a request and do not go on, no more of them than is set, and answered to the last at the end.

The server beneath keeps them all open: 300 with unfinished headers were still held after twelve seconds. At the end it closes those
whose request has not arrived yet, though it took them: their clients lose it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.admission import REJECTION_DELAY

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

LAST_REQUEST_SECONDS = 1.0
"""How long at the end a connection that was taken is waited for until its request is there."""


def guarded_protocol(
    header_seconds: float, most_connections: int, is_ending: Callable[[], bool]
) -> type[asyncio.Protocol]:
    """The server's protocol with two bounds and a good end.

    Args:
        header_seconds: from a connection's beginning, or a request's first byte, to the end of its headers; and from an answer to
            the end of a request that was answered before it was whole.
        most_connections: of one process; one more is told so and closed.
        is_ending: whether each answer shall be its connection's last, so that no client sends its next request to a closed one.
    """

    class GuardedProtocol(HttpToolsProtocol):
        """One connection."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._due: asyncio.TimerHandle | None = None
            self._body_is_whole = True
            self._request_is_due = True

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most_connections:
                transport.pause_reading()
                self._due = self.loop.call_later(REJECTION_DELAY, self._close, _TOO_MANY)
            else:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def shutdown(self) -> None:
            if not self._request_is_due:
                super().shutdown()
            elif self.transport.is_reading():  # who is one too many is not read, and gets its answer anyway
                self._wait_no_more()
                self._due = self.loop.call_later(LAST_REQUEST_SECONDS, self.transport.close)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._request_is_due = True
            self._wait()

        def on_headers_complete(self) -> None:
            self._wait_no_more()
            self._request_is_due = False
            self._body_is_whole = False
            super().on_headers_complete()
            if is_ending():
                self.cycle.keep_alive = False

        def on_message_complete(self) -> None:
            self._body_is_whole = True
            super().on_message_complete()
            if self.cycle is not None and self.cycle.response_complete:
                self._wait_no_more()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self._body_is_whole:
                self._wait()

        def _wait(self) -> None:
            if self._due is None:
                self._due = self.loop.call_later(header_seconds, self._close, _TOO_SLOW)

        def _wait_no_more(self) -> None:
            if self._due is not None:
                self._due.cancel()
                self._due = None

        def _close(self, last_words: bytes) -> None:
            self._due = None
            if not self.transport.is_closing():
                if self.cycle is None or self.cycle.response_complete:
                    self.transport.write(last_words)
                self.transport.close()

    return GuardedProtocol
