"""Parquet files: records in batches, so that memory does not grow with the file."""

from collections.abc import Iterator
from typing import Any

from service.readers.cell_values import json_value
from service.readers.source import Item, RefusalKind, Source, UnreadableError
from service.readers.table import NoTextColumnError, NumberedRow, read_table

_BATCH_ROWS = 512


def read(source: Source) -> Iterator[Item]:
    """A block of each record that has a text; `row` counts records from 1.

    Raises:
        UnreadableError: it is damaged, or the reader of Parquet is not installed.
    """
    try:
        import pyarrow as arrow  # noqa: PLC0415 (an extra)
        from pyarrow import parquet  # noqa: PLC0415 (an extra)
    except ImportError:
        raise UnreadableError(
            "读取 Parquet 需要 pyarrow；请运行 pip install 'policy-themes[parquet]' 后再试。", RefusalKind.UNSUPPORTED
        ) from None
    try:
        with parquet.ParquetFile(source.path) as file:
            names = file.schema_arrow.names
            yield from read_table(_rows(file, names, source), source.name, None, source.options.text_column)
    except NoTextColumnError as error:
        yield error.refusal(source.name)
    except (arrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableError("Parquet 文件已损坏或不完整；请重新取得这个文件后再试。") from None


def _rows(file: Any, names: list[str], source: Source) -> Iterator[NumberedRow]:
    """The names of the columns as row 0, then the records."""
    yield 0, names
    number = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        source.tick()
        columns = [column.to_pylist() for column in batch.columns]
        for position in range(batch.num_rows):
            number += 1
            yield number, [json_value(column[position]) for column in columns]
