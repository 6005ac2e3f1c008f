"""Tables as text (.csv, .tsv): delimiter and encoding found out, read row by row in bounded memory."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from service.readers.bounded_lines import OverlongLine, text_lines
from service.readers.source import Item, Refusal, RefusalKind, Source, UnreadableError
from service.readers.table import NoTextColumnError, NumberedRow, read_table

_CHUNK_BYTES = 1024 * 1024
_LONGEST_LINE = 4 * 1024 * 1024  # characters
_DELIMITERS = ",\t;|"
_SAMPLE_LINES = 50
_LONGEST_SAMPLE_LINE = 20_000
_TICK_ROWS = 5_000


def read(source: Source) -> Iterator[Item]:
    """A block of each row that has a text.

    Raises:
        UnreadableError: the file is in no encoding that is known.
    """
    encoding = find_encoding(source.path)
    with source.path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(file)
    broken: list[Refusal] = []
    with source.path.open(encoding=encoding, newline="") as file:
        try:
            for item in read_table(
                _rows(file, delimiter, source, broken), source.name, None, source.options.text_column
            ):
                row = item.line if isinstance(item, Refusal) else item.place["row"]
                while (
                    broken and row is not None and (broken[0].line or 0) < row
                ):  # rows are read ahead to find the header
                    yield broken.pop(0)
                yield item
        except NoTextColumnError as error:
            yield error.refusal(source.name)
    yield from broken


def find_encoding(path: Path) -> str:
    """The encoding of a text file of any size: by its byte order mark, else UTF-8, else GB18030, each strictly to its end.

    Raises:
        UnreadableError: none of them.
    """
    with path.open("rb") as file:
        head = file.read(4)
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        if _is_encoded(path, encoding):
            return encoding
    raise UnreadableError("既不是有效的 UTF-8，也不是有效的 GB18030 文本；请在原软件中另存为 UTF-8 编码的 CSV 后再试。")


def _is_encoded(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter(file: IO[str]) -> str:
    """The one that cuts the first rows to the same number of cells, and to the most."""
    lines = [
        line[:_LONGEST_SAMPLE_LINE]
        for line in islice(text_lines(file, _LONGEST_LINE), _SAMPLE_LINES)
        if isinstance(line, str)
    ]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            continue
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = (round(count / widths.total(), 1), width) if width > 1 else (0.0, 1)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(file: IO[str], delimiter: str, source: Source, broken: list[Refusal]) -> Iterator[NumberedRow]:
    """Number and cells of each row; what cannot be read is put down in `broken`."""
    overlong = False

    def lines() -> Iterator[str]:
        nonlocal overlong
        for line in text_lines(file, _LONGEST_LINE):
            if isinstance(line, OverlongLine):
                overlong = True
                yield "\n"
            else:
                yield line

    reader = csv.reader(lines(), delimiter=delimiter)
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            number += 1
            broken.append(_broken_row(source, number, "这一行有一格过长，或引号没有成对"))
            continue
        number += 1
        if number % _TICK_ROWS == 0:
            source.tick()
        if overlong:
            broken.append(_broken_row(source, number, "这一行过长"))
            overlong = False
        elif row:
            yield number, row


def _broken_row(source: Source, number: int, what: str) -> Refusal:
    return Refusal(source.name, f"{what}，未读取；请检查这一行附近的引号和换行。", number, kind=RefusalKind.BAD_ROW)
