"""Rows of a table to blocks: which row is the header, which column holds the text, and all other columns kept."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from statistics import median
from typing import Any

from model.errors import TextError
from model.paragraphs import BlockKind
from model.text import check_text, is_han
from service.readers.source import LONGEST_PARAGRAPH, DocumentBlock, Item, Refusal, RefusalKind, too_long

Cells = Sequence[Any]
NumberedRow = tuple[int, Cells]  # row number, from 1, and its cells

_TEXT_NAMES = frozenset(
    {
        "正文",
        "原文",
        "全文",
        "段落",
        "条文",
        "text",
        "paragraph",
        "正文内容",
        "段落内容",
        "政策原文",
        "文本内容",
        "政策正文",
    }
)
_LIKELY_TEXT_NAMES = frozenset(
    {
        "内容",
        "文本",
        "content",
        "摘要",
        "body",
        "条款",
        "条款内容",
        "政策内容",
        "主要内容",
        "具体内容",
        "abstract",
        "summary",
    }
)
_SAMPLE_ROWS = 200
_ROWS_BEFORE_HEADER = 10
_LONGEST_NAME = 40
_LONG_TEXT = 20  # characters, on average, of a column of text
_LONGEST_SECTION = 60
_MOST_LISTED = 50  # names of columns in a sentence
_MOST_OFFERED = 200  # names of columns to choose from
_LONGEST_OFFERED = 256  # characters; what is longer cannot be asked for over HTTP
_SENTENCE_END = re.compile(r"[。！？；]$")


class NoTextColumnError(TextError):
    """A table of which it is not known which column holds the text.

    Attributes:
        names: all its columns.
        likely: those that may be it.
    """

    def __init__(self, message: str, names: Sequence[str], likely: Sequence[str]) -> None:
        super().__init__(message)
        self.names = names
        self.likely = likely

    def refusal(self, name: str, sheet: str | None = None) -> Refusal:
        """The refusal of the table, or of a `sheet`, of the file `name`."""
        message = f"工作表“{sheet}”{self}" if sheet else str(self)
        if not self.names:
            return Refusal(name, message, kind=RefusalKind.EMPTY)
        ordered = dict.fromkeys((*self.likely, *self.names))
        offered = tuple(islice(filter(_can_be_asked_for, ordered), _MOST_OFFERED))
        return Refusal(name, message, kind=RefusalKind.UNKNOWN_TEXT_COLUMN, columns=offered)


@dataclass(frozen=True, slots=True)
class Header:
    """How a table is to be read.

    Attributes:
        row: number of the header row; 0 where there is none.
        names: of the columns, all different.
        text: position of the column that holds the text.
    """

    row: int
    names: tuple[str, ...]
    text: int


def read_table(
    rows: Iterable[NumberedRow],
    name: str,
    sheet: str | None,
    text_column: str | None,
    sections: Mapping[int, int] | None = None,
) -> Iterator[Item]:
    """A paragraph of each row that has a text; a row that is wrong becomes a `Refusal` in its place.

    Args:
        rows: in order.
        name: of the file.
        sheet: of the workbook; None where there are no sheets.
        text_column: name of the column with the text, or None where it is to be guessed.
        sections: of rows that are one merged cell over the whole width, row number and position of that cell.

    Raises:
        NoTextColumnError: it is not known which column holds the text.
    """
    coming = iter(rows)
    sample = list(islice(coming, _SAMPLE_ROWS))
    header = find_header(sample, text_column)
    section: tuple[str, ...] = ()
    for number, cells in chain(sample, coming):
        place = {"file": name, "sheet": sheet, "row": number}
        if number == header.row:
            continue
        if number < header.row:
            title = " ".join(str(cell) for cell in cells if not _is_empty(cell))
            if title:
                yield DocumentBlock(BlockKind.FURNITURE, title, (), place)
            continue
        if sections and number in sections:
            title = _text(cells[sections[number]])
            if title and len(title) <= _LONGEST_SECTION and not _SENTENCE_END.search(title):
                yield DocumentBlock(BlockKind.HEADING, title, (), place)
                section = (title,)
                continue
        text = _text(cells[header.text]) if header.text < len(cells) else ""
        if not text:
            continue
        problem = _problem(text)
        if problem:
            yield Refusal(name, f"{f'工作表“{sheet}”，' if sheet else ''}{problem}", number, kind=RefusalKind.BAD_ROW)
            continue
        yield DocumentBlock(BlockKind.PARAGRAPH, text, section, {**place, "columns": _other_columns(header, cells)})


def _other_columns(header: Header, cells: Cells) -> dict[str, Any]:
    count = max(len(header.names), len(cells))
    names = (*header.names, *(column_letter(position) for position in range(len(header.names), count)))
    return {
        names[position]: cells[position] if position < len(cells) else None
        for position in range(count)
        if position != header.text and (position < len(header.names) or not _is_empty(cells[position]))
    }


def _problem(text: str) -> str | None:
    if len(text) > LONGEST_PARAGRAPH:
        return too_long(len(text))
    try:
        check_text(text)
    except TextError as error:
        return str(error)
    return None


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def find_header(sample: Sequence[NumberedRow], text_column: str | None) -> Header:
    """Find the header among the first rows of a table, and the column that holds the text.

    Raises:
        NoTextColumnError: it is not known which column that is.
    """
    filled = [(number, cells) for number, cells in sample if not all(map(_is_empty, cells))]
    if not filled:
        raise NoTextColumnError("表格是空的。", (), ())
    chosen = _header_row(filled[:_ROWS_BEFORE_HEADER], text_column)
    if chosen is None:
        width = max(len(cells) for _, cells in filled)
        names = tuple(column_letter(position) for position in range(width))
        return Header(0, names, _text_position(names, filled, text_column))
    number, cells = filled[chosen]
    names = _unique([_text(cell) or column_letter(position) for position, cell in enumerate(cells)])
    return Header(number, names, _text_position(names, filled[chosen + 1 :], text_column))


def _header_row(rows: Sequence[NumberedRow], text_column: str | None) -> int | None:
    """Position of the header in `rows`, or None where the table begins with its data."""
    known = _TEXT_NAMES | _LIKELY_TEXT_NAMES
    # A name of ours, as 列B or 注 (2), stands in no row: the header is then the one that was there when we gave it.
    for wanted in ({_plain(text_column)}, known) if text_column else (known,):
        for position, (_, cells) in enumerate(rows):
            if any(isinstance(cell, str) and _plain(cell) in wanted for cell in cells):
                return position
    for position, (_, cells) in enumerate(rows):
        given = [cell for cell in cells if not _is_empty(cell)]
        several = len(given) > 1 or max(len(other) for _, other in rows) == 1
        if several:
            named = all(
                isinstance(cell, str) and len(cell.strip()) <= _LONGEST_NAME and not _SENTENCE_END.search(cell.strip())
                for cell in given
            )
            return position if named else None
    return None


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)


def _text_position(names: Sequence[str], rows: Sequence[NumberedRow], text_column: str | None) -> int:
    plain = [_plain(name) for name in names]
    if text_column is not None:
        if text_column in names:  # Text and TEXT may be two columns
            return names.index(text_column)
        if _plain(text_column) in plain:
            return plain.index(_plain(text_column))
        raise NoTextColumnError(f"没有名为“{text_column}”的列；{_listed(names)}。", names, ())
    for known in (_TEXT_NAMES, _TEXT_NAMES | _LIKELY_TEXT_NAMES):
        named = [position for position, name in enumerate(plain) if name in known]
        if len(named) == 1:
            return named[0]
    likely = named or _long_columns(len(names), rows)
    if len(likely) == 1:
        return likely[0]
    if len(names) == 1 and any(isinstance(cell, str) and cell.strip() for _, cells in rows for cell in cells):
        return 0
    what = "有几列都可能是正文" if likely else "看不出哪一列是正文"
    raise NoTextColumnError(f"{what}；{_listed(names)}。", names, [names[position] for position in likely])


def _plain(name: str) -> str:
    """What two spellings of a column's name have in common; a line break in it comes back from a browser as another."""
    return " ".join(name.split()).casefold()


def _listed(names: Sequence[str]) -> str:
    more = f"等 {len(names)} 列" if len(names) > _MOST_LISTED else ""
    return f"这里的列是：{'、'.join(names[:_MOST_LISTED])}{more}"


def _can_be_asked_for(name: str) -> bool:
    return len(name) <= _LONGEST_OFFERED and _problem(name) is None


def _long_columns(width: int, rows: Sequence[NumberedRow]) -> list[int]:
    """Columns of long Chinese text."""
    found = []
    for position in range(width):
        texts = [
            _text(cells[position]) for _, cells in rows if position < len(cells) and isinstance(cells[position], str)
        ]
        texts = [text for text in texts if text]
        if not texts or median(map(len, texts)) < _LONG_TEXT:
            continue
        characters = "".join(texts)[:20_000]
        if sum(map(is_han, characters)) > len(characters) / 3:
            found.append(position)
    return found


def column_letter(position: int) -> str:
    """What spreadsheets call the column at `position` (from 0): 列A, …, 列AA."""
    from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415 (only columns without a name need it)

    return f"列{xl_col_to_name(position)}"
