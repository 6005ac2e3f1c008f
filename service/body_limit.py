"""Bounds on request bodies: how many bytes, whatever the client declares; how slowly they may come; how many are held at once."""

import asyncio
from dataclasses import dataclass
from math import inf
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import ProblemError, ProblemKind, answer_to

_UPLOADED = b"multipart/form-data"  # written to disk as it comes
_STREAMED = b"application/x-ndjson"  # worked on as it comes


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """What a request body may be.

    Attributes:
        largest: bytes of one that is held in memory.
        largest_upload: bytes of one that is written to disk as it comes.
        largest_stream: bytes of one that is worked on as it comes, for as long as that takes.
        most_held: bytes of all bodies together that are held at once.
        seconds: from the first byte to the last of one that is held or written to disk.
        idle_seconds: between two parts.
    """

    largest: int
    largest_upload: int
    largest_stream: int
    most_held: int = 1 << 40
    seconds: float = 60.0
    idle_seconds: float = 10.0


class BodyLimit:
    """ASGI middleware: past any of its bounds the answer is a problem, and nothing more is read."""

    def __init__(self, app: ASGIApp, bounds: BodyBounds) -> None:
        self.bounds = bounds
        self.held = 0
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self, dict(scope["headers"]), receive)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            body.check_declared()
            await self._app(scope, body.receive, watched)
        except ProblemError as problem:
            if started:
                raise
            await answer_to(problem, scope["path"])(scope, receive, send)
        finally:
            self.held -= body.held


class _Body:
    """One request's body as it comes; what goes too far is raised to whoever reads on."""

    def __init__(self, limit: BodyLimit, headers: dict[bytes, bytes], receive: Receive) -> None:
        self.held = 0
        self._limit = limit
        self._headers = headers
        self._receive = receive
        self._seconds = limit.bounds.seconds
        self._is_held = False
        kind = headers.get(b"content-type", b"").lower()
        if kind.startswith(_UPLOADED):
            self._largest = limit.bounds.largest_upload
        elif kind.startswith(_STREAMED):
            self._largest = limit.bounds.largest_stream
            self._seconds = inf
        else:
            self._largest = limit.bounds.largest
            self._is_held = True
        self._read = 0
        self._whole = False
        self._deadline = 0.0

    def check_declared(self) -> None:
        declared = self._headers.get(b"content-length", b"")
        if declared.isdigit() and float(declared) > self._largest:  # int() fails beyond 4,300 digits
            raise self._too_large()
        if self._headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise ProblemError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "请求正文不能压缩（Content-Encoding）。")

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # nothing but the client's leaving comes now
        message = await self._next()
        part = len(message.get("body", b""))
        self._read += part
        if self._read > self._largest:
            raise self._too_large()
        if self._is_held:
            self.held += part
            self._limit.held += part
            if self._limit.held > self._limit.bounds.most_held:
                detail = "服务正忙，暂时收不下更多请求；请稍后重试。"
                raise ProblemError(ProblemKind.OVERLOADED, detail, {"retry-after": "1"})
        self._whole = not message.get("more_body", False)
        return message

    async def _next(self) -> Message:
        now = monotonic()
        self._deadline = self._deadline or now + self._seconds
        try:
            async with asyncio.timeout(min(self._limit.bounds.idle_seconds, self._deadline - now)):
                return await self._receive()
        except TimeoutError:
            detail = "请求正文传得太慢；请检查网络后重试。"
            raise ProblemError(ProblemKind.TOO_SLOW, detail, {"connection": "close"}) from None

    def _too_large(self) -> ProblemError:
        return ProblemError(ProblemKind.TOO_LARGE, f"请求正文最多 {self._largest // 1024} KiB；请分批发送。")
