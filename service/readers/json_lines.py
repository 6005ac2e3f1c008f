"""JSON Lines of paragraphs: `{"id", "text", …}`, one a line; all fields are kept and written again."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import IO, Any, BinaryIO

from model.errors import PolicyThemesError, TextError
from model.paragraphs import BlockKind
from model.text import check_text
from service.decoding import decode_text
from service.readers.bounded_lines import OverlongLine, byte_lines, utf8_lines
from service.readers.source import LONGEST_PARAGRAPH, DocumentBlock, Item, Refusal, RefusalKind, Source, too_long

_BYTES_PER_MIB = 1024 * 1024
LONGEST_ROW_BYTES = 16 * _BYTES_PER_MIB  # with all fields; a text alone is far shorter


def read(source: Source) -> Iterator[Item]:
    """A block of each row, which has the whole row in its `record`; a row that is wrong becomes a `Refusal` in its place."""
    with source.path.open("rb") as file:
        for count, item in enumerate(read_rows(row_lines(file), source.name)):
            if count % 1_000 == 0:
                source.tick()
            yield item


def row_lines(stream: BinaryIO) -> Iterable[bytes | OverlongLine]:
    """The lines of a stream in UTF-8, GB18030 or, by its byte order mark, UTF-16; none too long to be held."""
    return utf8_lines(stream, LONGEST_ROW_BYTES)


def stream_lines(stream: IO[bytes]) -> Iterable[bytes | OverlongLine]:
    """The lines of a stream that cannot be rewound."""
    return byte_lines(stream, LONGEST_ROW_BYTES)


def read_rows(lines: Iterable[bytes | OverlongLine], name: str) -> Iterator[Item]:
    """A block of each of `lines`, which are read one by one; blank ones are passed over."""
    for number, raw in enumerate(lines, 1):
        if isinstance(raw, OverlongLine):
            message = (
                f"这一行超过 {LONGEST_ROW_BYTES // _BYTES_PER_MIB} MB，不是一个段落；请检查文件是否每行一个 JSON 对象。"
            )
            yield Refusal(name, message, number, kind=RefusalKind.TOO_LARGE)
            continue
        if not raw.removeprefix(codecs.BOM_UTF8).strip():
            continue
        try:
            row = _row(raw.rstrip())
        except PolicyThemesError as error:
            yield Refusal(name, str(error), number, kind=RefusalKind.BAD_ROW)
        else:
            yield DocumentBlock(BlockKind.PARAGRAPH, row["text"], (), {"file": name, "lines": [number, number]}, row)


def _row(line: bytes) -> dict[str, Any]:
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
        raise TextError(too_long(len(text)))
    _check_writable(row)
    return row


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
