"""Files on disk to paragraphs to label: which files there are, and what stands in them, whatever their format."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.paragraphs import BlockKind
from service.readers.bounded_lines import OverlongLine
from service.readers.formats import ADVICE, ENDINGS, Format, recognise
from service.readers.json_lines import read_rows
from service.readers.plain_text import text_blocks
from service.readers.reading import read_file
from service.readers.source import (
    LONGEST_PARAGRAPH,
    DocumentBlock,
    ReadOptions,
    Refusal,
    RefusalKind,
    Source,
    UnreadableError,
)

__all__ = [
    "LONGEST_PARAGRAPH",
    "STANDARD_INPUT",
    "DocumentBlock",
    "InputParagraph",
    "ReadOptions",
    "Refusal",
    "RefusalKind",
    "document_paragraphs",
    "find_files",
    "is_supported",
    "needs_process",
    "paragraphs_of",
    "read_blocks",
    "read_paragraph_lines",
    "read_paragraphs",
    "shown",
]

STANDARD_INPUT = "-"
_DEFAULTS = ReadOptions()
_HARMLESS = frozenset({Format.TEXT, Format.JSON_LINES, Format.DELIMITED})


@dataclass(frozen=True, slots=True)
class InputParagraph:
    """One paragraph to label and the fields that its output row begins with."""

    text: str
    place: dict[str, Any] = field(default_factory=dict)


def shown(path: Path) -> str:
    """The name of `path` as text that any output can carry: a name that is not UTF-8 (unpacked on another system) has � in it."""
    return os.fsencode(path).decode("utf-8", "replace")


def find_files(path: Path, refuse: Callable[[Refusal], None]) -> Iterator[Path]:
    """The files below `path` in a fixed order, or `path` itself; hidden files, and folders reached by links, are left out.

    Args:
        path: a file or a folder.
        refuse: takes each folder that cannot be opened.
    """
    if not path.is_dir():
        yield path
        return

    def refuse_folder(error: OSError) -> None:
        refuse(Refusal(shown(Path(error.filename)), f"无法打开这个文件夹（{error.strerror}）；请检查权限。"))

    for folder, folders, names in os.walk(path, onerror=refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith((".", "~$")) and file.is_file():
                yield file


def is_supported(path: Path) -> bool:
    """Whether the ending of its name says that `path` is a document: one that can be read, or one whose owner must be told what to do."""
    return path.suffix.lower() in ENDINGS or path.suffix.lower() in ADVICE


def needs_process(path: Path, name: str | None = None) -> bool:
    """Whether `path`, known to users as `name`, is of a format that can do harm to whoever reads it, so that a `ReadingProcess` should."""
    try:
        return recognise(path, name or path.name) not in _HARMLESS
    except (UnreadableError, OSError):
        return False  # refused before it is read


def read_blocks(path: Path, name: str, options: ReadOptions = _DEFAULTS) -> Iterator[DocumentBlock | Refusal]:
    """Every block of a document in order, of a table each row; what cannot be read becomes a `Refusal` in its place.

    Args:
        path: where it lies; what it is, is told by how it begins, then by the ending of `name`.
        name: what users know it by.
        options: what the user says about it.
    """
    return read_file(Source(path, name, options))


def read_paragraphs(path: Path, options: ReadOptions = _DEFAULTS) -> Iterator[InputParagraph | Refusal]:
    """The paragraphs of one file: of JSON Lines and of tables each row, of a document each paragraph but no heading, byline or furniture."""
    return paragraphs_of(read_blocks(path, shown(path), options))


def paragraphs_of(items: Iterable[DocumentBlock | Refusal]) -> Iterator[InputParagraph | Refusal]:
    """The paragraphs among blocks, counted file by file, with refusals where they stand."""
    return (item for item in placed(items) if not isinstance(item, DocumentBlock))


def placed(items: Iterable[DocumentBlock | Refusal]) -> Iterator[DocumentBlock | InputParagraph | Refusal]:
    """`items` in their order, each paragraph among them with its place: counted file by file."""
    file, count = None, 0
    for item in items:
        if isinstance(item, Refusal) or item.kind is not BlockKind.PARAGRAPH:
            yield item
        elif item.record is not None:
            yield InputParagraph(item.text, item.record)
        else:
            if item.place["file"] != file:
                file, count = item.place["file"], 0
            count += 1
            place = {key: value for key, value in item.place.items() if key != "file"}
            yield InputParagraph(
                item.text, {"file": file, "paragraph": count, **place, "headings": list(item.headings)}
            )


def document_paragraphs(text: str, name: str) -> Iterator[InputParagraph | Refusal]:
    """The paragraphs of a document's `text`, with their place in it; one that is too long becomes a `Refusal`.

    Raises:
        TextError: `text` has a NUL character or a lone surrogate.
    """
    yield from paragraphs_of(text_blocks(text, name))


def read_paragraph_lines(lines: Iterable[bytes | OverlongLine], name: str) -> Iterator[InputParagraph | Refusal]:
    """Rows `{"id", "text", …}` of JSON Lines, read one by one; other fields are kept and written again. Blank lines are passed over."""
    return paragraphs_of(read_rows(lines, name))
