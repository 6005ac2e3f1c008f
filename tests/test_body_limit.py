"""The bound on request bodies: declared, chunked, exact, and nothing read beyond it."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from service.body_limit import BodyBounds, BodyLimit

LIMIT = 2048
BOUNDS = BodyBounds(largest=LIMIT, largest_upload=2 * LIMIT, largest_stream=4 * LIMIT)
Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module")
def echo(serve: Serve) -> Iterator[httpx.Client]:
    """A service behind the limit that answers how many bytes it got."""
    app = FastAPI()
    app.add_middleware(BodyLimit, bounds=BOUNDS)

    @app.post("/")
    async def count(request: Request) -> int:
        return len(await request.body())

    @app.get("/")
    def hello() -> str:
        return "hello"

    with serve(app) as client:
        yield client


def chunks(size: int) -> Iterator[bytes]:
    """A body of `size` bytes that is sent without declaring its length."""
    for start in range(0, size, 100):
        yield b"x" * min(100, size - start)


def is_refusal(response: httpx.Response) -> bool:
    problem = response.json()
    return (
        response.status_code == 413
        and response.headers["content-type"] == "application/problem+json"
        and problem["type"].endswith(":too-large")
        and "2 KiB" in problem["detail"]
    )


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_body_up_to_the_limit_comes_through_whole(echo: httpx.Client, size: int) -> None:
    for content in (b"x" * size, chunks(size)):
        response = echo.post("/", content=content)
        assert (response.status_code, response.json()) == (200, size)


def test_a_larger_body_is_refused(echo: httpx.Client) -> None:
    assert is_refusal(echo.post("/", content=b"x" * (LIMIT + 1)))
    assert is_refusal(echo.post("/", content=chunks(LIMIT + 1)))
    assert is_refusal(echo.request("GET", "/", content=b"x" * (LIMIT + 1)))
    assert echo.get("/").json() == "hello", "the service goes on"


def test_a_body_declared_too_large_is_refused_before_it_comes(echo: httpx.Client) -> None:
    with socket.create_connection((echo.base_url.host, echo.base_url.port or 0), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def call(headers: list[tuple[bytes, bytes]], messages: Iterator[Message]) -> tuple[list[Message], list[bytes]]:
    """Send one request straight to the middleware; returns what it sent and the bodies that the app behind it got."""
    sent: list[Message] = []
    bodies: list[bytes] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        bodies.append(body)

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(BodyLimit(app, BOUNDS)(scope, receive, send))
    return sent, bodies


def test_nothing_beyond_the_limit_is_read() -> None:
    read = 0

    def endless() -> Iterator[Message]:
        nonlocal read
        while True:
            read += 100
            yield {"type": "http.request", "body": b"x" * 100, "more_body": True}

    sent, bodies = call([], endless())
    assert sent[0]["status"] == 413
    assert bodies == []
    assert LIMIT < read <= LIMIT + 100


@pytest.mark.parametrize("declared", [b"", b"-1", b"none", b"1e9", b"0"])
def test_a_false_length_does_not_open_the_limit(declared: bytes) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"x" * LIMIT, "more_body": True},
        {"type": "http.request", "body": b"x", "more_body": False},
    ]
    sent, bodies = call([(b"content-length", declared)], iter(messages))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["status"] == 413
    assert bodies == []


def test_an_endless_length_is_refused() -> None:
    sent, bodies = call([(b"content-length", b"9" * 5000)], iter([]))
    assert sent[0]["status"] == 413
    assert bodies == []


def test_a_client_that_leaves_in_the_middle_is_let_go() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert call([], iter(messages)) == ([], [])


def test_the_parts_of_a_body_are_put_together() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    assert call([], iter(messages)) == ([], [b"abc"])


def test_what_comes_after_the_body_reaches_the_app() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"ab"}, {"type": "http.disconnect"}]
    got: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        got.extend([await receive(), await receive()])

    async def receive() -> Message:
        return messages.pop(0)

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is sent")

    asyncio.run(BodyLimit(app, BOUNDS)({"type": "http", "headers": []}, receive, send))
    assert [message["type"] for message in got] == ["http.request", "http.disconnect"]


def test_what_is_not_http_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is sent")

    for kind in ("lifespan", "websocket"):
        asyncio.run(BodyLimit(app, BodyBounds(0, 0, 0))({"type": kind}, receive, send))
    assert seen == ["lifespan", "websocket"]
