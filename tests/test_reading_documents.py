"""Readers against the documents of `tests/documents/reading`, beside each of which stands what should be found in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.documents import DocumentBlock, Refusal, read_blocks

FOLDER = Path(__file__).parent / "documents" / "reading"


def as_expected(item: DocumentBlock | Refusal) -> dict[str, Any]:
    """An item as the lines of the expectations have it."""
    if isinstance(item, Refusal):
        return {"refusal": str(item.kind), "page": item.page}
    place = {key: value for key, value in item.place.items() if key != "file"}
    return {"kind": item.kind.value, "text": item.text, "headings": list(item.headings), **place}


@pytest.mark.parametrize("name", ["自动编号.docx", "双栏通知.pdf", "扫描件.pdf", "人才问答.html", "项目清单.xlsx"])
def test_a_document_is_read_as_expected(name: str) -> None:
    path = (FOLDER / name).with_suffix(".expected.jsonl")
    expected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [as_expected(item) for item in read_blocks(FOLDER / name, name)] == expected


def test_an_old_workbook_is_read_as_its_new_form() -> None:
    new, old = (
        [as_expected(item) for item in read_blocks(FOLDER / name, name)] for name in ("项目清单.xlsx", "项目清单.xls")
    )
    assert old == new


def test_an_opendocument_workbook_has_the_same_texts() -> None:
    found = [item for item in read_blocks(FOLDER / "项目清单.ods", "项目清单.ods") if isinstance(item, DocumentBlock)]
    assert [block.place["row"] for block in found] == [1, 4, 5, 7]
    assert found[1].place["columns"]["金额（万元）"] == 320
