import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.errors import DataError
from model.paragraphs import BlockKind
from training.gold import GoldBlock, read_gold, read_gold_blocks

THEMES = ["talent", "incubator"]
GOLD = {"id": "a", "text": "引进博士。", "themes": ["talent"], "primary": "talent", "source": "x.txt", "hard": True}
BLOCK = {"document": "x.txt", "lines": [3, 5, 6], "kind": "paragraph", "text": "引进博士。"}


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def as_line(row: dict[str, Any], **fields: Any) -> str:
    return json.dumps(
        {name: value for name, value in {**row, **fields}.items() if value is not None}, ensure_ascii=False
    )


def test_labelled_paragraphs_are_read_and_further_fields_left_alone(tmp_path: Path) -> None:
    short = as_line(GOLD, id=7, primary=None, source=None, hard=None, themes=[])
    first, second = read_gold(write(tmp_path / "gold.jsonl", as_line(GOLD), "", short), THEMES)
    assert (first.id, first.themes, first.primary, first.source) == ("a", ["talent"], "talent", "x.txt")
    assert (second.id, second.themes, second.primary, second.source) == (7, [], "other", "")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", "（整行）"),
        ("[]", "（整行）"),
        ("[" * 100_000, "（整行）"),
        (as_line(GOLD, text=None), "text"),
        (as_line(GOLD, id=None), "id"),
        (as_line(GOLD, themes="talent"), "themes"),
        (as_line(GOLD, themes=["talent", "finance"]), "themes"),
        (as_line(GOLD, primary="incubator"), "primary"),
        (as_line(GOLD, primary="无"), "primary"),
        (as_line(GOLD, source=3), "source"),
        ('{"id": "a", "text": "\\ud800", "themes": []}', "（整行）"),
    ],
)
def test_a_wrong_paragraph_is_named_by_file_line_and_field(tmp_path: Path, line: str, field: str) -> None:
    path = write(tmp_path / "gold.jsonl", as_line(GOLD), "", line)
    with pytest.raises(DataError) as caught:
        read_gold(path, THEMES)
    assert str(caught.value).startswith(f"{path} 第 3 行，字段 {field}")


def test_blocks_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "blocks.jsonl", as_line(BLOCK), "", as_line(BLOCK, lines=[8], kind="heading"))
    assert read_gold_blocks(path) == [
        GoldBlock("x.txt", (3, 6), BlockKind.PARAGRAPH),
        GoldBlock("x.txt", (8, 8), BlockKind.HEADING),
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", "（整行）"),
        ("[]", "（整行）"),
        ("[" * 100_000, "（整行）"),
        (as_line(BLOCK, document=None), "document"),
        (as_line(BLOCK, document=5), "document"),
        (as_line(BLOCK, lines=None), "lines"),
        (as_line(BLOCK, lines=[]), "lines"),
        (as_line(BLOCK, lines="3"), "lines"),
        (as_line(BLOCK, lines=["a"]), "lines.0"),
        (as_line(BLOCK, lines=[[3]]), "lines.0"),
        (as_line(BLOCK, kind="title"), "kind"),
    ],
)
def test_a_wrong_block_is_named_by_file_line_and_field(tmp_path: Path, line: str, field: str) -> None:
    path = write(tmp_path / "blocks.jsonl", as_line(BLOCK), line)
    with pytest.raises(DataError) as caught:
        read_gold_blocks(path)
    assert str(caught.value).startswith(f"{path} 第 2 行，字段 {field}")


READERS: list[Callable[[Path], object]] = [lambda path: read_gold(path, THEMES), read_gold_blocks]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "没有一条记录"), (b"\n \n", "没有一条记录"), ("青石".encode("gb18030"), "不是 UTF-8 编码（第 1 个字节）")],
)
def test_a_file_without_records_or_in_another_encoding_is_refused(
    tmp_path: Path, read: Callable[[Path], object], content: bytes, what: str
) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, read: Callable[[Path], object]) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(DataError, match="不能读取") as caught:
            read(path)
        assert str(path) in str(caught.value)
