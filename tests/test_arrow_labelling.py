"""Record batch in, record batch out: every column kept, labels as at every other door, nothing wrong in silence."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from model.labeller import Labeller
from service.arrow_labelling import ERROR_COLUMN, TableError, find_text_column, label_batch, labelled_schema

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
NOTHING = "修缮农村公路三十公里，改造老旧小区十二个。"
LABEL = ["themes", "primary", "scores", "uncertain", "evidence"]


def batch(texts: Any, **columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": texts, **columns})


def test_labels_are_those_of_the_labeller_and_all_columns_stay(labeller: Labeller) -> None:
    day = dt.date(2026, 1, 2)
    rows = batch([LOAN, NOTHING, ""], id=[3, 2, 1], day=[day, None, day], nested=[{"a": [1]}, None, {"a": []}])
    labelled = label_batch(rows, labeller, "text", threads=2)
    assert labelled.schema == labelled_schema(rows.schema, labeller.themes)
    assert labelled.select(rows.schema.names).equals(rows)
    records = labelled.select(LABEL).to_pylist()
    assert records == [label.as_record() for label in labeller.label([LOAN, NOTHING, ""])]
    assert labelled.column(ERROR_COLUMN).null_count == 3


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_every_kind_of_text_column_is_read(labeller: Labeller, kind: pa.DataType) -> None:
    rows = batch(pa.array([LOAN, None, LOAN]).cast(kind))
    labelled = label_batch(rows, labeller, find_text_column(rows.schema, None))
    assert labelled.column("themes").to_pylist() == [["tech_finance"], None, ["tech_finance"]]
    assert labelled.schema.field("text").type == kind


def test_a_row_that_cannot_be_labelled_says_why_and_the_others_are(labeller: Labeller) -> None:
    rows = batch([None, LOAN, "甲\0乙", "甲" * 20_001, LOAN])
    labelled = label_batch(rows, labeller, "text")
    assert labelled.column("themes").to_pylist() == [None, ["tech_finance"], None, None, ["tech_finance"]]
    assert labelled.column("scores").to_pylist()[0] is None
    errors = labelled.column(ERROR_COLUMN).to_pylist()
    for error, words in zip(errors, ["空值", None, "空字符", "20001 字", None], strict=True):
        assert (error is None) if words is None else words in error


def test_an_empty_batch_has_the_same_columns(labeller: Labeller) -> None:
    rows = batch(pa.array([], pa.string()))
    assert label_batch(rows, labeller, "text").schema == labelled_schema(rows.schema, labeller.themes)


def test_text_that_is_not_utf8_is_told(labeller: Labeller) -> None:
    broken = pa.array([LOAN.encode("gbk")], pa.binary()).view(pa.string())
    with pytest.raises(TableError, match="不是 UTF-8"):
        label_batch(batch(broken), labeller, "text")


@pytest.mark.parametrize("name", [*LABEL, ERROR_COLUMN])
def test_a_column_is_never_written_over(labeller: Labeller, name: str) -> None:
    with pytest.raises(TableError, match=name):
        label_batch(batch([LOAN], **{name: [1]}), labeller, "text")


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        (["id", "text"], None, "text"),
        (["标题", "正文"], None, "正文"),
        (["标题", "Content "], None, "Content "),
        (["随便"], None, "随便"),
        (["标题", "正文"], "标题", "标题"),
    ],
)
def test_the_text_column_is_found(names: list[str], asked: str | None, found: str) -> None:
    schema = pa.schema([(name, pa.int64() if name == "id" else pa.string()) for name in names])
    assert find_text_column(schema, asked) == found


@pytest.mark.parametrize(
    ("names", "asked", "sentence"),
    [
        (["甲", "乙"], None, "看不出哪一列是正文；请用 --text-column 指定。这里的列：甲、乙"),
        (["正文", "内容"], None, "看不出哪一列是正文"),
        (["id"], None, "没有文本列"),
        (["正文"], "文", "没有名为“文”的列；这里的列：正文"),
        (["id", "正文"], "id", "列“id”不是文本"),
    ],
)
def test_a_text_column_that_cannot_be_found_is_asked_for(names: list[str], asked: str | None, sentence: str) -> None:
    schema = pa.schema([(name, pa.int64() if name == "id" else pa.string()) for name in names])
    with pytest.raises(TableError, match=sentence):
        find_text_column(schema, asked)
