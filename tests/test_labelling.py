"""From paragraphs to rows: order, fields, and batches that make no difference."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from model.labeller import Labeller
from model.paragraphs import BlockKind
from service.document_labelling import LabelledParagraph, label_document
from service.documents import DocumentBlock, InputParagraph
from service.labelling import BATCH_PARAGRAPHS, labelled_row
from service.metrics import Metrics
from service.model_registry import ServedModel
from service.run import Row

TEXTS = [
    "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业放贷。",
    "今天天气晴朗，市民纷纷出门踏青。",
    "新认定省级科技企业孵化器三家，在孵企业达到四百户。",
    "",
    "全年发明专利授权量同比增长，建成知识产权维权援助中心。",
]


def test_a_row_has_the_place_the_text_and_the_label(labeller: Labeller) -> None:
    place = {"id": 7, "year": 2024, "themes": ["old"], "text": "旧"}
    (label,) = labeller.label([TEXTS[0]])
    row = labelled_row(InputParagraph(TEXTS[0], place), label)
    assert row == {"id": 7, "year": 2024, "text": TEXTS[0], **label.as_record()}
    assert row["themes"] != ["old"]
    assert list(row)[:2] == ["id", "year"]


def block(text: str, record: dict[str, Any]) -> DocumentBlock:
    return DocumentBlock(BlockKind.PARAGRAPH, text, (), {"file": "a.jsonl"}, record)


def rows_of(items: Iterable[DocumentBlock], labeller: Labeller) -> Iterator[Row]:
    for part in label_document(items, ServedModel(labeller, datetime.now(UTC)), Metrics()):
        assert isinstance(part, LabelledParagraph)
        yield part.row


def test_many_batches_equal_one_by_one_and_keep_their_order(labeller: Labeller) -> None:
    count = 2 * BATCH_PARAGRAPHS + 1
    texts = [f"{TEXTS[number % len(TEXTS)]}{number}" for number in range(count)]
    paragraphs = [block(text, {"id": number, "text": text}) for number, text in enumerate(texts)]
    rows = list(rows_of(paragraphs, labeller))
    assert [row["id"] for row in rows] == list(range(count))
    for number in (0, BATCH_PARAGRAPHS - 1, BATCH_PARAGRAPHS, count - 1):
        assert rows[number] == next(rows_of([paragraphs[number]], labeller))


def test_no_more_than_a_batch_is_read_ahead(labeller: Labeller) -> None:
    read = 0

    def endless() -> Iterator[DocumentBlock]:
        nonlocal read
        while True:
            read += 1
            yield block("甲", {"id": read, "text": "甲"})

    rows = rows_of(endless(), labeller)
    assert next(rows)["id"] == 1
    assert read == BATCH_PARAGRAPHS


def test_nothing_gives_nothing(labeller: Labeller) -> None:
    assert list(rows_of([], labeller)) == []
