"""Lines out of chunks, and answers that wait for their reader on disk."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from service.ndjson import LongLineError, StreamedAnswer, batches_of_lines


async def _chunks(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _batches(pieces: list[bytes], most: int = 3, longest: int = 100) -> list[list[bytes]]:
    async def collect() -> list[list[bytes]]:
        return [batch async for batch in batches_of_lines(_chunks(pieces), most, longest)]

    return asyncio.run(collect())


@given(st.lists(st.binary(max_size=12).map(lambda piece: piece.replace(b"\r", b"\n")), max_size=8))
def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    batches = _batches(pieces)
    lines = [line for batch in batches for line in batch]
    expected = b"".join(pieces).split(b"\n")
    assert lines == (expected[:-1] if not expected[-1] else expected)
    assert all(0 < len(batch) <= 3 for batch in batches)


def test_a_line_may_be_as_long_as_is_set_and_no_longer() -> None:
    assert _batches([b"x" * 60, b"x" * 40 + b"\n"]) == [[b"x" * 100]]
    for pieces in ([b"x" * 101], [b"x" * 60, b"x" * 41], [b"x" * 101 + b"\n"]):
        with pytest.raises(LongLineError):
            _batches(pieces)


@pytest.mark.parametrize(
    "pieces", [[b"one\ntwo\n" + b"x" * 9], [b"one\n", b"two\n", b"x" * 9], [b"one\ntwo\n" + b"x" * 9 + b"\nthree\n"]]
)
def test_all_lines_before_one_that_is_too_long_come(pieces: list[bytes]) -> None:
    lines: list[bytes] = []

    async def read() -> None:
        async for batch in batches_of_lines(_chunks(pieces), 10, 8):
            lines.extend(batch)

    with pytest.raises(LongLineError):
        asyncio.run(read())
    assert lines == [b"one", b"two"]


def test_what_is_written_is_sent_whole_to_a_slow_reader() -> None:
    pieces = [bytes([number % 256]) * 5000 for number in range(400)]
    sent: list[Message] = []

    async def produce(write: Callable[[bytes], None]) -> None:
        for piece in pieces:
            write(piece)
            await asyncio.sleep(0)

    async def send(message: Message) -> None:
        await asyncio.sleep(0.0005)
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("the producer reads")

    asyncio.run(StreamedAnswer(produce, {"x-a": "b"}, 10)({}, receive, send))
    assert sent[0]["status"] == 200
    assert b"".join(message["body"] for message in sent[1:]) == b"".join(pieces)
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]


def test_a_failure_of_the_producer_is_not_a_short_answer() -> None:
    async def produce(write: Callable[[bytes], None]) -> None:
        write(b"a")
        raise RuntimeError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    with pytest.raises(ExceptionGroup):
        asyncio.run(StreamedAnswer(produce, {}, 10)({}, receive, send))
    assert not sent or sent[-1].get("more_body", True)
