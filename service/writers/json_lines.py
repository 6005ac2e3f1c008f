"""Rows as JSON Lines: everything, exactly, for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.run import Row, RowWriter, Run


@contextmanager
def open_writer(path: Path, _run: Run) -> Iterator[RowWriter]:
    """Writes to `path` as rows come."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield json_lines_writer(file)


def json_lines_writer(file: IO[str]) -> RowWriter:
    """One JSON object a line, to any stream."""

    def write(row: Row) -> None:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write
