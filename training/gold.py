"""Labelled paragraphs from outside the data folder, for measuring only."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from model.errors import DataError
from model.label import NO_THEME


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
            first = error.errors(include_url=False)[0]
            raise DataError(f"{place}，字段 {'.'.join(map(str, first['loc'])) or '（整行）'}：{first['msg']}") from None
        unknown = set(paragraph.themes) - set(theme_ids)
        if unknown:
            raise DataError(f"{place}，字段 themes：没有主题 {'、'.join(sorted(unknown))}")
        paragraphs.append(paragraph)
    if not paragraphs:
        raise DataError(f"{path} 里没有一条记录。")
    return paragraphs


@dataclass(frozen=True, slots=True)
class GoldBlock:
    """A block that a person cut from a document."""

    document: str
    lines: tuple[int, int]
    kind: str


def read_gold_blocks(path: Path) -> list[GoldBlock]:
    """Read hand-cut blocks, a JSON object a line: `document`, `lines` (all source lines with text), `kind`.

    Raises:
        DataError: the file cannot be read, or a line is wrong.
    """
    blocks = []
    for place, line in _lines(path):
        try:
            row = json.loads(line)
            blocks.append(GoldBlock(row["document"], (row["lines"][0], row["lines"][-1]), row["kind"]))
        except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
            raise DataError(f"{place}：应有字段 document、lines、kind（{error}）") from None
    return blocks


def _lines(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"不能读取 {path}（{error.strerror}）。") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} 不是 UTF-8 编码（第 {error.start + 1} 个字节）。") from None
    return [(f"{path} 第 {number} 行", line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
