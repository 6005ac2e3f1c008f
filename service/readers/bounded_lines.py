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


def utf16_as_utf8(stream: BinaryIO) -> IO[bytes]:
    """`stream`, or where it begins with the byte order mark of UTF-16, its text in UTF-8; the stream is at its begin.

    A character that is none becomes U+FFFD, since nothing can be told of the lines around it once the stream is transcoded.
    """
    mark = stream.read(2)
    stream.seek(0)
    if mark not in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return stream
    return io.BufferedReader(_Transcoded(io.TextIOWrapper(stream, "utf-16", errors="replace", newline="")))


class _Transcoded(io.RawIOBase):
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        if not self._left:
            self._left = self._text.read(_CHUNK).encode("utf-8", "replace")
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count
