"""Rows as Parquet: the types that are promised, whatever the rows hold."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.labeller import Theme
from service.outputs import Row, Run, open_output
from service.writers import parquet

RUN = Run(
    (Theme("tech_finance", "科技金融", "", ""), Theme("talent", "人才", "", "")),
    "1.0+abc",
    {"version": "1.0+abc"},
    datetime(2026, 11, 22, tzinfo=UTC),
)
EVIDENCE = {
    "theme": "talent",
    "text": "引进人才。",
    "start": 0,
    "end": 5,
    "terms": [{"text": "引进", "start": 0, "end": 2, "weight": 1.5}],
}


def make_row(**fields: Any) -> Row:
    return {
        "text": "引进人才。",
        "themes": ["talent"],
        "primary": "talent",
        "scores": {"tech_finance": 0.25, "talent": 0.9},
        "uncertain": ["talent"],
        "evidence": [EVIDENCE],
        **fields,
    }


def write(path: Path, *rows: Row) -> pa.Table:
    with open_output(path, RUN) as put:
        for row in rows:
            put(row)
    return pq.read_table(path)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    document = make_row(file="甲.pdf", paragraph=2, pages=[1, 2], headings=["一"])
    table_row = make_row(
        file="乙.xlsx", paragraph=1, sheet="项目", row=7, headings=[], columns={"金额": 1.5, "备注": None}
    )
    first, second = write(tmp_path / "out.parquet", document, table_row).to_pylist()
    for field in ("text", "themes", "primary", "scores", "uncertain", "evidence"):
        assert first[field] == document[field]
    assert (first["file"], first["paragraph"], first["pages"], first["lines"]) == (
        "甲.pdf",
        2,
        {"first": 1, "last": 2},
        None,
    )
    assert (second["sheet"], second["row"], json.loads(second["columns"])) == ("项目", 7, {"金额": 1.5, "备注": None})
    assert first["columns"] is None


def test_an_authors_fields_do_not_change_the_types(tmp_path: Path) -> None:
    rows = [make_row(id=7, year=2024), make_row(id="b", lines="x", file=3, paragraph=10**30)]
    table = write(tmp_path / "out.parquet", *rows)
    assert table.column("id").to_pylist() == ["7", "b"]
    kept = [json.loads(value) for value in table.column("columns").to_pylist()]
    assert kept == [{"year": 2024}, {"lines": "x", "file": 3, "paragraph": 10**30}]
    assert table.schema.equals(parquet.result_schema(RUN))


def test_the_model_is_named_in_the_file(tmp_path: Path) -> None:
    metadata = write(tmp_path / "out.parquet").schema.metadata
    assert metadata[b"policy_themes.model"] == b"1.0+abc"
    assert json.loads(metadata[b"policy_themes.card"]) == {"version": "1.0+abc"}


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_A_GROUP", 4)
    write(tmp_path / "out.parquet", *[make_row(id=number) for number in range(10)])
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [4, 4, 2]
    file.close()
