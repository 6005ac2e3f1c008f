"""Rows as Parquet: nested columns of fixed types, for data frames and engines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.run import Row, RowWriter, Run
from service.writers.row_parts import file_of, headings_of, kept_columns, number_of, sheet_row_of, span_of

_ROWS_A_GROUP = 8_192  # some ten MiB of text and evidence


@contextmanager
def open_writer(path: Path, run: Run) -> Iterator[RowWriter]:
    """Writes to `path`, a row group at a time."""
    schema = result_schema(run)
    waiting: list[Row] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(row: Row) -> None:
            waiting.append(row)
            if len(waiting) == _ROWS_A_GROUP:
                flush()

        def flush() -> None:
            writer.write_batch(result_batch(waiting, schema))
            waiting.clear()

        yield write
        if waiting:
            flush()


def result_schema(run: Run) -> pa.Schema:
    """The columns of results; the model's version and card are in the metadata.

    `columns` holds the other columns of the source, as a JSON object; what a format has no place for is null.
    """
    span = pa.struct([("first", pa.int64()), ("last", pa.int64())])
    term = pa.struct([("text", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float64())])
    evidence = pa.struct(
        [
            ("theme", pa.string()),
            ("text", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("terms", pa.list_(term)),
        ]
    )
    return pa.schema(
        [
            ("file", pa.string()),
            ("id", pa.string()),
            ("paragraph", pa.int64()),
            ("sheet", pa.string()),
            ("row", pa.int64()),
            ("pages", span),
            ("lines", span),
            ("headings", pa.list_(pa.string())),
            ("text", pa.string()),
            ("themes", pa.list_(pa.string())),
            ("primary", pa.string()),
            ("scores", pa.struct([(theme.id, pa.float64()) for theme in run.themes])),
            ("uncertain", pa.list_(pa.string())),
            ("evidence", pa.list_(evidence)),
            ("columns", pa.string()),
        ],
        metadata={
            "policy_themes.model": run.model_version,
            "policy_themes.card": json.dumps(run.card, ensure_ascii=False),
            "policy_themes.started": run.started.isoformat(timespec="seconds"),
        },
    )


def result_batch(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one record batch of `result_schema`."""
    return pa.RecordBatch.from_pylist([_record(row) for row in rows], schema)


def _record(row: Row) -> dict[str, Any]:
    number = number_of(row)
    table = sheet_row_of(row)
    kept = kept_columns(row)
    return {
        "file": file_of(row) or None,
        "id": str(number) if "id" in row else None,
        "paragraph": number if "id" not in row and isinstance(number, int) else None,
        "sheet": table[0] or None if table else None,
        "row": table[1] if table else None,
        "pages": _span(row, "pages"),
        "lines": _span(row, "lines"),
        "headings": headings_of(row),
        "columns": json.dumps(kept, ensure_ascii=False, default=str) if kept else None,
        **{field: row[field] for field in ("text", "themes", "primary", "scores", "uncertain", "evidence")},
    }


def _span(row: Row, field: str) -> dict[str, int] | None:
    span = span_of(row, field)
    return {"first": span[0], "last": span[1]} if span else None
