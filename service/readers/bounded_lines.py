"""Lines of a stream in bounded memory: one that never ends must not be held."""

import codecs
import io
from collections.abc import Iterator
from typing import IO, BinaryIO

_CHUNK = 1024 * 1024


class OverlongLine:
    """Stands for a line that was too long to be held."""


OVERLONG = OverlongLine()


def byte_lines(stream: IO[bytes], longest: int) -> Iterator[bytes | OverlongLine]:
    """The lines of `stream` with their ends; one of more than `longest` bytes is passed over to its end and told as `OVERLONG`."""
    while line := stream.readline(longest + 1):
        if len(line) <= longest or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_CHUNK)
        yield OVERLONG


def text_lines(stream: IO[str], longest: int) -> Iterator[str | OverlongLine]:
    """The same of a stream of text, in characters."""
    while line := stream.readline(longest + 1):
        if len(line) <= longest or line.endswith("\n"):
            yield line
            continue
        while line and not line.endswith("\n"):
            line = stream.readline(_CHUNK)
        yield OVERLONG


def utf8_lines(stream: BinaryIO, longest: int) -> Iterator[bytes | OverlongLine]:
    """As `byte_lines`, but where `stream`, which is at its begin, has the byte order mark of UTF-16, its lines in UTF-8.

    A character that is none becomes U+FFFD, since the lines after it could not be told apart.
    """
    mark = stream.read(2)
    stream.seek(0)
    if mark not in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        yield from byte_lines(stream, longest)
        return
    text = io.TextIOWrapper(stream, "utf-16", errors="replace", newline="\n")
    try:
        for line in text_lines(text, longest):
            yield line if isinstance(line, OverlongLine) else line.encode("utf-8", "replace")
    finally:
        text.detach()
