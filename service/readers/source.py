"""What every reader takes and gives: a source, and its blocks and refusals in order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from model.errors import PolicyThemesError
from model.paragraphs import Block, BlockKind, SourceLine, split_blocks

LONGEST_PARAGRAPH = 20_000  # characters, over HTTP too; what is longer is no paragraph, and would take minutes


class RefusalKind(StrEnum):
    """Why something could not be read."""

    UNREADABLE = "unreadable"  # damaged, or not what it says it is
    NEEDS_OCR = "needs_ocr"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    BAD_ROW = "bad_row"
    UNKNOWN_TEXT_COLUMN = "unknown_text_column"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be labelled: a whole file, one page or one line (of a table, one row) of it.

    Attributes:
        file: what users know it by.
        message: why, in a sentence.
        line: number of the line or row, from 1.
        page: number of the page, from 1.
        kind: why, as a `RefusalKind`.
        columns: of a table whose text is not known, names that may be asked for, likely ones first.
    """

    file: str
    message: str
    line: int | None = None
    page: int | None = None
    kind: str = RefusalKind.UNREADABLE
    columns: Sequence[str] = ()

    def __str__(self) -> str:
        """One sentence for the summary."""
        where = (
            f" 第 {self.line} 行" if self.line is not None else f" 第 {self.page} 页" if self.page is not None else ""
        )
        return f"{self.file}{where}：{self.message}"

    def advised(self, how_to_name_a_column: str) -> Self:
        """The same; where a column must be named, with a sentence on how: that is another thing for each door, and readers know none."""
        if self.kind != RefusalKind.UNKNOWN_TEXT_COLUMN:
            return self
        return replace(self, message=self.message + how_to_name_a_column)


class UnreadableError(PolicyThemesError):
    """A file as a whole cannot be read; `kind` says why."""

    def __init__(self, message: str, kind: RefusalKind = RefusalKind.UNREADABLE) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about how to read.

    Attributes:
        text_column: name of the column that holds the text of a table; None where it is to be guessed.
    """

    text_column: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentBlock:
    """A block of a document.

    Attributes:
        kind: what it is; only paragraphs are labelled.
        text: its text.
        headings: the headings it stands under, outermost first.
        place: where it stands: `file`, and `lines`, `pages`, or `sheet`, `row` and `columns` (all other columns of that row).
        record: of a row of JSON Lines, the whole row: its place is what it says of itself.
    """

    kind: BlockKind
    text: str
    headings: tuple[str, ...]
    place: dict[str, Any]
    record: dict[str, Any] | None = None


Item = DocumentBlock | Refusal


def _no_one_waits() -> None:
    """For readers in the caller's own process."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    Attributes:
        path: where it lies.
        name: what users know it by; `archive.zip/inner.docx` lies elsewhere while it is read.
        options: what the user says about it.
        tick: called now and then by readers of what may be long, so that whoever waits sees that they get on.
    """

    path: Path
    name: str
    options: ReadOptions = field(default_factory=ReadOptions)
    tick: Callable[[], None] = _no_one_waits


PlaceOf = Callable[[int, int], dict[str, Any]]


def blocks_of_lines(lines: Sequence[str | SourceLine], name: str, place_of: PlaceOf) -> Iterator[Item]:
    """Cut the lines of the document `name` to blocks; a paragraph that is too long becomes a `Refusal`.

    Args:
        lines: all lines, in order.
        name: of the document.
        place_of: from first and last line (from 1) to the fields of a place.
    """
    kept = list(lines)
    for number, line in enumerate(lines, 1):
        text = line if isinstance(line, str) else line.text
        if len(text) > LONGEST_PARAGRAPH and len(text.strip()) > LONGEST_PARAGRAPH:
            yield _too_long_refusal(name, place_of(number, number), too_long(len(text.strip())))
            kept[number - 1] = ""
    for block in split_blocks(kept):
        place = place_of(*block.lines)
        if block.kind is BlockKind.PARAGRAPH and len(block.text) > LONGEST_PARAGRAPH:
            joined = f"从这一行到第 {block.lines[1]} 行合成一段，" if "lines" in place else ""
            yield _too_long_refusal(name, place, joined + too_long(len(block.text)))
        else:
            yield in_place(block, {"file": name, **place})


def in_place(block: Block, place: dict[str, Any]) -> DocumentBlock:
    """`block` at its place in a file."""
    return DocumentBlock(block.kind, block.text, block.headings, place)


def too_long(length: int) -> str:
    """The sentence for a paragraph of `length` characters."""
    return f"有 {length} 字，一段最多 {LONGEST_PARAGRAPH} 字；请分段后再试。"


def _too_long_refusal(name: str, place: dict[str, Any], message: str) -> Refusal:
    line = place["lines"][0] if "lines" in place else None
    page = place["pages"][0] if "pages" in place else None
    return Refusal(name, message, line, page, RefusalKind.TOO_LARGE)


def clean(text: str) -> str:
    """`text` without what no document holds and no output file can carry: NUL, lone surrogates, non-characters."""
    if text.isprintable():
        return text
    return "".join(
        "" if char in "\0\ufffe\uffff" else "\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text
    )


def refusals_of(error: PolicyThemesError, name: str) -> Iterable[Refusal]:
    """The refusal of a whole file."""
    kind = error.kind if isinstance(error, UnreadableError) else RefusalKind.UNREADABLE
    return [Refusal(name, str(error), kind=kind)]
