"""Labelled paragraphs from outside the data folder, for measuring only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import DataError
from model.label import NO_THEME
from model.paragraphs import BlockKind


class GoldParagraph(BaseModel):
    """A labelled paragraph; further fields are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str | int
    text: str
    themes: list[str]
    primary: str = NO_THEME
    source: str = ""


def read_gold(path: Path, theme_ids: list[str]) -> list[GoldParagraph]:
    """Read labelled paragraphs from JSON Lines.

    Raises:
        DataError: the file cannot be read, or a line is wrong; the message names file, line and field.
    """
    paragraphs = []
    for place, line in _lines(path):
        try:
            paragraph = GoldParagraph.model_validate_json(line)
        except ValidationError as error:
            raise _refusal(place, error) from None
        unknown = set(paragraph.themes) - set(theme_ids)
        if unknown:
            raise DataError(f"{place}，字段 themes：没有主题 {'、'.join(sorted(unknown))}")
        if paragraph.primary not in {*paragraph.themes, NO_THEME}:
            raise DataError(f"{place}，字段 primary：{paragraph.primary} 不在本段主题之中，也不是 {NO_THEME}")
        paragraphs.append(paragraph)
    if not paragraphs:
        raise DataError(f"{path} 里没有一条记录。")
    return paragraphs


@dataclass(frozen=True, slots=True)
class GoldBlock:
    """A block that a person cut from a document."""

    document: str
    lines: tuple[int, int]
    kind: BlockKind


class _BlockRow(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    document: str
    lines: Annotated[list[int], Field(min_length=1)]
    kind: BlockKind


def read_gold_blocks(path: Path) -> list[GoldBlock]:
    """Read hand-cut blocks, a JSON object a line: `document`, `lines` (all source lines with text), `kind`.

    Raises:
        DataError: the file cannot be read, or a line is wrong; the message names file, line and field.
    """
    blocks = []
    for place, line in _lines(path):
        try:
            row = _BlockRow.model_validate_json(line)
        except ValidationError as error:
            raise _refusal(place, error) from None
        blocks.append(GoldBlock(row.document, (row.lines[0], row.lines[-1]), row.kind))
    if not blocks:
        raise DataError(f"{path} 里没有一条记录。")
    return blocks


def _refusal(place: str, error: ValidationError) -> DataError:
    first = error.errors(include_url=False)[0]
    return DataError(f"{place}，字段 {'.'.join(map(str, first['loc'])) or '（整行）'}：{first['msg']}")


def _lines(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"不能读取 {path}（{error.strerror}）。") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} 不是 UTF-8 编码（第 {error.start + 1} 个字节）。") from None
    return [(f"{path} 第 {number} 行", line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
