"""Rows set aside in a file, for outputs that must know all of them before they can write the first."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from service.run import Row


class RowSpool:
    """Rows in the order in which they were added, on disk beside the output: read as often as needed, gone when closed."""

    def __init__(self, folder: Path) -> None:
        """Make an empty spool.

        Args:
            folder: where the output goes, which has room for it; the system's place for temporary files is often memory.
        """
        self._file = tempfile.TemporaryFile("w+b", dir=folder, prefix=".rows.")  # noqa: SIM115 (closed with the spool)
        self._end = 0

    def add(self, row: Row) -> int:
        """Put a row at the end; returns its place for `at`."""
        place = self._end
        line = json.dumps(row, ensure_ascii=False, default=str)
        self._end += self._file.write(line.encode("utf-8", "surrogatepass") + b"\n")
        return place

    def __iter__(self) -> Iterator[Row]:
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line.decode("utf-8", "surrogatepass"))

    def at(self, place: int) -> Row:
        """The row that `add` gave this place for."""
        self._file.flush()
        self._file.seek(place)
        row: Row = json.loads(self._file.readline().decode("utf-8", "surrogatepass"))
        return row

    def __enter__(self) -> "RowSpool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError:  # a full disk: what could not be flushed is not wanted any more
            if error is None:
                raise
