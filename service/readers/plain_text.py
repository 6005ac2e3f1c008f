"""Text files and Markdown: lines as they stand."""

from collections.abc import Iterator
from io import StringIO

from model.text import check_text
from service.decoding import decode_text
from service.readers.source import Item, RefusalKind, Source, UnreadableError, blocks_of_lines

_BYTES_PER_MIB = 1024 * 1024
LARGEST_DOCUMENT_BYTES = 16 * _BYTES_PER_MIB  # five million characters; in short lines, 600 MB of memory


def read(source: Source) -> Iterator[Item]:
    """The blocks of a text file.

    Raises:
        TextError: it is not readable text.
        UnreadableError: it is larger than any document.
    """
    if source.path.stat().st_size > LARGEST_DOCUMENT_BYTES:
        raise UnreadableError(
            f"文件超过 {LARGEST_DOCUMENT_BYTES // _BYTES_PER_MIB} MB，请拆分后再试。", RefusalKind.TOO_LARGE
        )
    return text_blocks(decode_text(source.path.read_bytes()), source.name)


def text_blocks(text: str, name: str) -> Iterator[Item]:
    """The blocks of a document's `text`.

    Raises:
        TextError: `text` has a NUL character or a lone surrogate.
    """
    check_text(text)
    lines = list(StringIO(text, newline=None))
    return blocks_of_lines(lines, name, lambda first, last: {"lines": [first, last]})
