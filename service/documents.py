"""Files on disk to paragraphs to label: text documents and JSON Lines of paragraphs."""

import codecs
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from model.errors import PolicyThemesError, TextError
from model.paragraphs import BlockKind, split_blocks
from model.text import check_text
from service.decoding import decode_text

DOCUMENT_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown"})
PARAGRAPH_SUFFIXES = frozenset({".jsonl", ".ndjson"})
STANDARD_INPUT = "-"

_BYTES_PER_MIB = 1024 * 1024
LARGEST_DOCUMENT_BYTES = 256 * _BYTES_PER_MIB
LONGEST_PARAGRAPH = 20_000  # characters, over HTTP too; what is longer is no paragraph, and would take minutes


class UnsupportedFileError(PolicyThemesError):
    """A file of a kind that cannot be read yet."""


@dataclass(frozen=True, slots=True)
class InputParagraph:
    """One paragraph to label and the fields that its output row begins with."""

    text: str
    place: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be labelled: a whole file, or one line of it."""

    file: str
    message: str
    line: int | None = None
    page: int | None = None
    kind: str = "unreadable"

    def __str__(self) -> str:
        """One sentence for the summary."""
        where = self.file if self.line is None else f"{self.file} 第 {self.line} 行"
        return f"{where}：{self.message}"


@dataclass(frozen=True, slots=True)
class DocumentBlock:
    """One block of a document and its place in it."""

    kind: BlockKind
    text: str
    headings: tuple[str, ...]
    place: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file."""

    text_column: str | None = None


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
    """Whether the name's ending says that `path` can be read."""
    return path.suffix.lower() in DOCUMENT_SUFFIXES | PARAGRAPH_SUFFIXES


def read_paragraphs(path: Path) -> Iterator[InputParagraph | Refusal]:
    """The paragraphs of one file; of JSON Lines each row, of a document each paragraph but no heading, byline or furniture.

    A row of JSON Lines that is wrong becomes a `Refusal` in its place, and the rows behind it go on.

    Raises:
        UnsupportedFileError: the ending of the name is not one that can be read.
        TextError: the file as a whole is not readable text.
        OSError: the file cannot be opened or read.
    """
    suffix = path.suffix.lower()
    if suffix in PARAGRAPH_SUFFIXES:
        with path.open("rb") as lines:
            yield from read_paragraph_lines(lines, shown(path))
    elif suffix in DOCUMENT_SUFFIXES:
        if path.stat().st_size > LARGEST_DOCUMENT_BYTES:
            raise TextError(f"文件超过 {LARGEST_DOCUMENT_BYTES // _BYTES_PER_MIB} MB，请拆分后再试。")
        yield from document_paragraphs(decode_text(path.read_bytes()), shown(path))
    else:
        raise UnsupportedFileError(
            f"还不能读取 {path.suffix or '没有扩展名的'} 文件；请另存为 UTF-8 文本（.txt），或整理成 JSON Lines（.jsonl）后再试。"
        )


def read_blocks(path: Path, name: str, options: ReadOptions) -> Iterator[DocumentBlock | Refusal]:
    """All blocks of a text document, in order."""
    if path.suffix.lower() not in DOCUMENT_SUFFIXES:
        raise UnsupportedFileError("还不能读取这种文件；请另存为 UTF-8 文本（.txt）后再试。")
    yield from text_blocks(decode_text(path.read_bytes()), name)


def text_blocks(text: str, name: str) -> Iterator[DocumentBlock | Refusal]:
    """All blocks of a document's text, in order."""
    check_text(text)
    lines = list(StringIO(text, newline=None))
    for position, line in enumerate(lines):
        if len(line.strip()) > LONGEST_PARAGRAPH:
            yield Refusal(name, _too_long(len(line.strip())), position + 1, kind="too_large")
            lines[position] = ""
    for block in split_blocks(lines):
        if len(block.text) > LONGEST_PARAGRAPH:
            yield Refusal(
                name,
                f"从这一行到第 {block.lines[1]} 行合成一段，{_too_long(len(block.text))}",
                block.lines[0],
                kind="too_large",
            )
            continue
        yield DocumentBlock(block.kind, block.text, block.headings, {"lines": list(block.lines)})


def document_paragraphs(text: str, name: str) -> Iterator[InputParagraph | Refusal]:
    """The paragraphs of a document's `text`, with their place in it; one that is too long becomes a `Refusal`.

    Raises:
        TextError: `text` has a NUL character or a lone surrogate.
    """
    check_text(text)
    lines = list(StringIO(text, newline=None))
    for position, line in enumerate(lines):
        if len(line.strip()) > LONGEST_PARAGRAPH:
            yield Refusal(name, _too_long(len(line.strip())), position + 1)
            lines[position] = ""
    number = 0
    for block in split_blocks(lines):
        if block.kind is BlockKind.PARAGRAPH:
            number += 1
            if len(block.text) > LONGEST_PARAGRAPH:
                yield Refusal(
                    name, f"从这一行到第 {block.lines[1]} 行合成一段，{_too_long(len(block.text))}", block.lines[0]
                )
                continue
            yield InputParagraph(
                block.text,
                {"file": name, "paragraph": number, "lines": list(block.lines), "headings": list(block.headings)},
            )


def read_paragraph_lines(lines: Iterable[bytes], name: str) -> Iterator[InputParagraph | Refusal]:
    """Rows `{"id", "text", …}` of JSON Lines, read one by one; other fields are kept and written again. Blank lines are passed over."""
    for number, raw in enumerate(lines, 1):
        if not raw.removeprefix(codecs.BOM_UTF8).strip():
            continue
        try:
            yield _paragraph_of_row(raw.rstrip())
        except PolicyThemesError as error:
            yield Refusal(name, str(error), number)


def _paragraph_of_row(line: bytes) -> InputParagraph:
    try:
        row = json.loads(decode_text(line))
    except json.JSONDecodeError as error:
        raise TextError(f"不是有效的 JSON（第 {error.colno} 个字符处：{error.msg}）。") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise TextError("有一个整数太长，无法读取；请改为字符串。") from None
    except RecursionError:
        raise TextError("JSON 嵌套过深。") from None
    if not isinstance(row, dict):
        raise TextError('应当是一个 JSON 对象，例如 {"id": "1", "text": "……"}。')
    text, identity = row.get("text"), row.get("id")
    if not isinstance(text, str):
        raise TextError("缺少字段 text，或 text 不是字符串。")
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise TextError("缺少字段 id，或 id 不是字符串或整数。")
    check_text(text)
    check_text(str(identity))
    if len(text) > LONGEST_PARAGRAPH:
        raise TextError(_too_long(len(text)))
    _check_writable(row)
    return InputParagraph(text, row)


def _check_writable(row: dict[str, Any]) -> None:
    """Refuse what Python's JSON reader takes and no JSON may hold, in any field: the row is written again."""
    try:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise TextError("有字段含不成对的代理码，无法保存；请改正来源文本的编码。") from None
    except ValueError:
        raise TextError("有字段是 NaN 或 Infinity，不是有效的 JSON；请改为数字、字符串或 null。") from None
    except RecursionError:
        raise TextError("JSON 嵌套过深。") from None


def _too_long(length: int) -> str:
    return f"有 {length} 字，一段最多 {LONGEST_PARAGRAPH} 字；请分段后再试。"
