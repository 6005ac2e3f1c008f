"""`/v1/label` line by line: both ways at once, with what is wrong in its place. (The batch is tested in test_app.py.)"""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from model.labeller import Labeller
from service.label_routes import _LONGEST_LINE

NDJSON = {"content-type": "application/x-ndjson"}
TEXTS = ["设立科技信贷风险补偿资金池。", "新建孵化器三家。", "修缮农村公路。"]


def lines_of(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.split("\n")[:-1]]


def as_lines(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield json.dumps({"id": number, "text": TEXTS[number % 3]}, ensure_ascii=False).encode() + b"\n"


def test_lines_are_labelled_as_a_batch_is(client: httpx.Client, labeller: Labeller) -> None:
    response = client.post("/v1/label", content=b"".join(as_lines(1500)), headers=NDJSON)
    expected = [json.loads(json.dumps(label.as_record())) for label in labeller.label(TEXTS)]
    assert lines_of(response) == [{"id": number, **expected[number % 3]} for number in range(1500)]
    assert response.headers["x-policy-themes-model"] == labeller.version


def test_a_wrong_line_is_told_in_its_place_and_the_rest_goes_on(client: httpx.Client) -> None:
    body = b'{"id":1,"text":"\xe4\xb8\x93\xe5\x88\xa9"}\n\n  \r\noops\n{"id":2}\n{"id":3,"text":"\\ud800"}\n\xff\n{"id":4,"text":"x"}'
    rows = lines_of(client.post("/v1/label", content=body, headers=NDJSON))
    assert [row.get("id", row.get("line")) for row in rows] == [1, 4, 5, 6, 7, 4]
    assert [row["problem"]["type"].rpartition(":")[2] for row in rows[1:5]] == [
        "invalid-request",
        "invalid-request",
        "invalid-request",
        "unreadable-body",
    ]
    assert rows[2]["problem"]["errors"] == [{"where": "text", "message": "缺少这个字段"}]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"   "])
def test_no_lines_have_no_answers(client: httpx.Client, body: bytes) -> None:
    assert lines_of(client.post("/v1/label", content=body, headers=NDJSON)) == []


def test_a_line_that_does_not_end_is_cut_short(client: httpx.Client) -> None:
    body = b"".join(as_lines(2)) + b'{"id": "' + b"x" * (_LONGEST_LINE + 1)
    rows = lines_of(client.post("/v1/label", content=body, headers=NDJSON))
    assert [row.get("id") for row in rows] == [0, 1, None]
    assert rows[2]["line"] == 3
    assert rows[2]["problem"]["status"] == 413


def test_answers_come_before_the_request_has_ended(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port or 0
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/label HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(3):
            line = json.dumps({"id": f"line {number}", "text": TEXTS[number]}).encode() + b"\n"
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            received = b""
            while f"line {number}".encode() not in received:
                part = connection.recv(65536)
                assert part
                received += part
        connection.sendall(b"0\r\n\r\n")
        rest = b""
        while not rest.endswith(b"0\r\n\r\n"):
            rest += connection.recv(65536)


def test_a_client_that_reads_only_at_the_end_is_not_stuck(client: httpx.Client) -> None:
    """Its answers fill every buffer between the two long before it has sent everything."""
    host, port = client.base_url.host, client.base_url.port or 0
    line = json.dumps({"id": 1, "text": "".join(TEXTS)}, ensure_ascii=False).encode() + b"\n"
    count = 12_000
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/label HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n"
            b"Content-Length: %d\r\n\r\n" % (len(line) * count)
        )
        started = time.monotonic()
        connection.sendall(line * count)
        assert time.monotonic() - started < 60
        received = 0
        while part := connection.recv(1 << 20):
            received += part.count(b'{"id":1,')
    assert received >= count * 0.99  # a chunk's border may fall into the mark
