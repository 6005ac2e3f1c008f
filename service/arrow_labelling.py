"""From Arrow record batch to Arrow record batch: the one function that local runs, Dask and Spark all call."""

from collections.abc import Sequence

import pyarrow as pa

from model.errors import PolicyThemesError, TextError
from model.labeller import Labeller, Theme
from model.text import check_text
from service.documents import LONGEST_PARAGRAPH
from service.label_columns import label_fields

ERROR_COLUMN = "label_error"
"""Says why a row has no label; null where it has one."""

_TEXT_COLUMNS = ("text", "content", "paragraph", "正文", "内容", "文本", "段落", "摘要")


class TableError(PolicyThemesError):
    """A table cannot be labelled as it is: which column holds the text, or what one of them is called."""


def find_text_column(schema: pa.Schema, asked: str | None) -> str:
    """The column that holds the paragraphs: the one that was asked for, or the one that alone can be it.

    Raises:
        TableError: there is none, or more than one; the message lists the columns.
    """
    texts: list[str] = [field.name for field in schema if _is_text(field.type)]
    listed = "、".join(schema.names)
    if asked is not None:
        if asked not in schema.names:
            raise TableError(f"没有名为“{asked}”的列；这里的列：{listed}。")
        if asked not in texts:
            raise TableError(f"列“{asked}”不是文本（{schema.field(asked).type}）；这里的列：{listed}。")
        return asked
    named = [name for name in texts if name.strip().lower() in _TEXT_COLUMNS]
    candidates = named or texts
    if len(candidates) != 1:
        what = "看不出哪一列是正文" if candidates else "没有文本列"
        raise TableError(f"{what}；请用 --text-column 指定。这里的列：{listed}。")
    return candidates[0]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def labelled_schema(schema: pa.Schema, themes: Sequence[Theme]) -> pa.Schema:
    """The columns of `schema`, then those of the label, then `ERROR_COLUMN`.

    Raises:
        TableError: a column of the table has a name that one of ours would take.
    """
    ours = [*label_fields(themes), pa.field(ERROR_COLUMN, pa.string())]
    taken = [field.name for field in ours if field.name in schema.names]
    if taken:
        raise TableError(f"表里已有名为 {'、'.join(taken)} 的列，标注结果要用这个名字；请先改名。")
    return pa.schema([*schema, *ours], metadata=schema.metadata)


def label_batch(batch: pa.RecordBatch, labeller: Labeller, text_column: str, threads: int = 1) -> pa.RecordBatch:
    """`batch` with the labels of its rows: the schema is `labelled_schema`, all columns are kept, rows in their order.

    A row without text, or with one that cannot be labelled, has null in the label's columns and a sentence in `ERROR_COLUMN`.

    Args:
        batch: rows.
        labeller: labels.
        text_column: name of the column that holds the paragraphs.
        threads: how many to label with.

    Raises:
        TableError: the names of its columns do not allow it, or the text is no valid UTF-8.
    """
    schema = labelled_schema(batch.schema, labeller.themes)
    texts = _texts(batch, text_column)
    errors = [_refused(text) for text in texts]
    good = [text for text, error in zip(texts, errors, strict=True) if error is None and text is not None]
    labels = iter(labeller.label(good, threads=threads))
    records = [None if error else next(labels).as_record() for error in errors]
    fields = label_fields(labeller.themes)
    columns = [pa.array([record and record[field.name] for record in records], field.type) for field in fields]
    return pa.RecordBatch.from_arrays([*batch.columns, *columns, pa.array(errors, pa.string())], schema=schema)


def _texts(batch: pa.RecordBatch, text_column: str) -> list[str | None]:
    try:
        texts: list[str | None] = batch.column(text_column).to_pylist()
    except UnicodeDecodeError:
        raise TableError(f"列“{text_column}”里有不是 UTF-8 的文字；请改正来源的编码。") from None
    return texts


def _refused(text: str | None) -> str | None:
    """Why a text cannot be labelled; None where it can."""
    if text is None:
        return "正文是空值。"
    if len(text) > LONGEST_PARAGRAPH:
        return f"有 {len(text)} 字，一段最多 {LONGEST_PARAGRAPH} 字；请分段后再试。"
    try:
        check_text(text)
    except TextError as error:
        return str(error)
    return None
