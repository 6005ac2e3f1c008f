"""Clients that begin and do not go on, and more clients than may be."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from model.labeller import Labeller
from service.app import create_app
from service.connections import guarded_protocol
from service.settings import Settings

IDLE = 0.6
MOST = 30
HEAD = b"POST /v1/label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def client(labeller: Labeller, serve: Callable[..., AbstractContextManager[httpx.Client]]) -> Iterator[httpx.Client]:
    """A service that waits for nobody."""
    settings = Settings(idle_seconds=IDLE, body_seconds=2 * IDLE, body_mib=1)
    with serve(
        create_app(labeller, settings), timeout=20, http=guarded_protocol(IDLE, MOST, lambda: False)
    ) as connected:
        yield connected


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=15)


def all_of(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Send `piece` again and again until the other side has closed."""
    for _ in range(200):
        try:
            connection.sendall(piece)
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail("it was read for 20 seconds")


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost:", HEAD])
def test_headers_that_do_not_end_are_cut_off(client: httpx.Client, begun: bytes) -> None:
    with connect(client) as connection:
        connection.sendall(begun)
        started = time.monotonic()
        answer = all_of(connection)
        assert answer.startswith(b"HTTP/1.1 408")
        assert IDLE * 0.5 < time.monotonic() - started < 10


def test_headers_that_trickle_are_cut_off(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        trickle(connection, b"X-A: b\r\n")


def test_a_body_that_does_not_come_is_told_and_cut_off(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        answer = all_of(connection)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"too-slow" in answer


def test_a_body_that_trickles_is_cut_off(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        trickle(connection, b" ")


def test_a_request_that_was_refused_need_not_be_sent_to_its_end(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n" + b" " * 1000)
        answer = all_of(connection)
        assert answer.startswith(b"HTTP/1.1 413")


def test_half_open_connections_are_all_closed_and_others_are_served(client: httpx.Client) -> None:
    half_open = [connect(client) for _ in range(MOST - 5)]
    try:
        for connection in half_open:
            connection.sendall(b"GET / HTTP/1.1\r\n")
        assert client.get("/healthz").status_code == 200
        deadline = time.monotonic() + 10
        for connection in half_open:
            connection.settimeout(max(deadline - time.monotonic(), 0.1))
            assert all_of(connection).startswith(b"HTTP/1.1 408")
    finally:
        for connection in half_open:
            connection.close()


def test_one_connection_too_many_is_told_so(client: httpx.Client) -> None:
    kept = [connect(client) for _ in range(MOST + 5)]
    try:
        answers = []
        for connection in kept:
            connection.settimeout(10)
            answers.append(all_of(connection)[:12])
        assert answers.count(b"HTTP/1.1 503") >= 5
        assert answers.count(b"HTTP/1.1 408") >= MOST - 5
    finally:
        for connection in kept:
            connection.close()
    assert client.get("/healthz").status_code == 200


def test_a_connection_that_is_kept_serves_one_request_after_another(client: httpx.Client) -> None:
    with connect(client) as connection:
        for _ in range(4):
            time.sleep(IDLE * 0.7)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 200") < 2:
            received += connection.recv(65536)
