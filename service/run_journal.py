"""The journal of a long run: what is already labelled, kept beside the output until that is whole, so that a stopped run goes on.

A file of lines, only ever appended to. The first line says what run it is of; then come rows (`r`) and refusals (`x`) as they are made, and
after each source, and now and then within a long one, a commit (`c`): how far the run is, and a checksum of all since the commit before. What
follows the last whole commit does not count and is cut off when the run goes on. Whoever stops a process (Ctrl-C, kill -9) costs it
what follows the last commit; a power failure, what follows the last `fsync`, at most `_SYNC_SECONDS` before.
"""

import contextlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import IO, Any

from model.errors import PolicyThemesError

FORMAT = 1

_WORTHWHILE_SECONDS = 2.0  # a shorter run is sooner done again than remembered
_WORTHWHILE_BYTES = 8 * 1024 * 1024
_SYNC_SECONDS = 2.0
_BUFFER_BYTES = 256 * 1024
_SEPARATORS = (",", ":")


class JournalError(PolicyThemesError):
    """The journal at hand is of another run, or of another version of this software; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """What must be the same for a run to go on where it stopped.

    Attributes:
        model: version of the model, which has the version of this software in it.
        options: of the command, as far as they change the result.
        inputs: of each source in order its name, size in bytes, and time of its last change.
    """

    model: str
    options: dict[str, str | None]
    inputs: tuple[tuple[str, int, int], ...]

    def difference(self, before: "RunKey") -> str | None:
        """What is not as it was `before`, in words for a user; None where all is the same."""
        if self.model != before.model:
            return f"模型已经换了（那时是 {before.model}，现在是 {self.model}）"
        if self.options != before.options:
            return "命令的选项和那时不同"
        now, then = ({name: rest for name, *rest in key.inputs} for key in (self, before))
        changed = [name for name in now if name in then and now[name] != then[name]]
        if changed:
            return f"有 {len(changed)} 个文件后来改动过（{_some(changed)}）"
        if gone := [name for name in then if name not in now]:
            return f"少了 {len(gone)} 个文件（{_some(gone)}）"
        if new := [name for name in now if name not in then]:
            return f"多了 {len(new)} 个文件（{_some(new)}）"
        return None if self.inputs == before.inputs else "文件的顺序和那时不同"


def _some(names: list[str]) -> str:
    return "、".join(names[:3]) + ("……" if len(names) > 3 else "")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run is: `sources` are done, and of the next one the first `items` (paragraphs and refusals).

    Attributes:
        sources: how many are done.
        items: of the source after those.
        refused: how many of these were refusals, those that are not listed included.
        rows: written in all.
    """

    sources: int = 0
    items: int = 0
    refused: int = 0
    rows: int = 0


class EntryKind(bytes, Enum):
    """What a line of the journal holds, by its first byte."""

    HEADER = b"j"
    ROW = b"r"
    REFUSAL = b"x"
    COMMIT = b"c"


def journal_path(output: Path) -> Path:
    """Where the journal of a run that writes `output` lies: beside it, hidden."""
    return output.with_name(f".{output.name}.journal")


class RunJournal:
    """The journal of one run, open for appending.

    It comes into being only when it pays: until the run is a few seconds old, what it would hold is kept in memory.
    """

    def __init__(self, path: Path, key: RunKey, started: datetime) -> None:
        """Begin the journal of a new run; nothing is written yet.

        Args:
            path: where it is to lie.
            key: what run it is of.
            started: when that began, which the result may tell.
        """
        self.path = path
        self.key = key
        self.started = started
        self.reached = Reached()
        self._file: IO[bytes] | None = None
        self._buffer = bytearray()
        self._checksum = 0
        self._whole = 0  # bytes in the file up to the last whole commit
        self._begun = self._synced = time.monotonic()
        header = {"journal": FORMAT, "started": started.isoformat(), **asdict(key)}
        self._append(EntryKind.HEADER, json.dumps(header, separators=_SEPARATORS).encode("ascii"))
        self._append_commit()

    @classmethod
    def go_on(cls, path: Path, key: RunKey) -> "RunJournal":
        """Open the journal at `path` to go on with its run: cut back to the last whole commit, which `reached` tells.

        Raises:
            JournalError: it is of another run.
            OSError: it cannot be read or written.
        """
        before, started, whole, reached = _inspect(path)
        if difference := key.difference(before):
            raise JournalError(f"不能接着上次做：{difference}。{_START_ANEW}")
        journal = cls(path, key, started)
        journal._buffer.clear()
        journal._checksum = 0
        journal._file = path.open("r+b", buffering=0)
        journal._file.truncate(whole)
        journal._file.seek(whole)
        journal._whole = whole
        journal.reached = reached
        return journal

    def replay(self) -> Iterator[tuple[EntryKind, dict[str, Any]]]:
        """What was done before the run stopped, in order: rows, and the fields of refusals.

        Raises:
            OSError: the journal cannot be read.
        """
        with self.path.open("rb") as file:
            position = 0
            while position < self._whole:
                line = file.readline()
                position += len(line)
                if line[:1] in (EntryKind.ROW, EntryKind.REFUSAL):
                    yield EntryKind(line[:1]), json.loads(line[1:])

    def row(self, row: dict[str, Any]) -> None:
        """Put down a row.

        Raises:
            OSError: the disk is full, or the like.
        """
        self._append(EntryKind.ROW, json.dumps(row, ensure_ascii=False, separators=_SEPARATORS).encode("utf-8"))

    def refusal(self, fields: dict[str, Any]) -> None:
        """Put down what was refused, by its fields; raises as `row` does."""
        self._append(EntryKind.REFUSAL, json.dumps(fields, ensure_ascii=False, separators=_SEPARATORS).encode("utf-8"))

    def commit(self, reached: Reached) -> None:
        """Put down how far the run is: all before this counts from now on; raises as `row` does."""
        self.reached = reached
        self._append_commit()
        if self._file is None:
            if time.monotonic() - self._begun < _WORTHWHILE_SECONDS and len(self._buffer) < _WORTHWHILE_BYTES:
                return
            self._file = self.path.open("xb", buffering=0)
        self._write()
        self._whole = self._file.tell()
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Leave the journal where it is, for the run to be gone on with; what follows the last commit is cut off."""
        if self._file is None:
            return
        with contextlib.suppress(
            OSError
        ):  # the run has ended for a reason of its own, and opening it again cuts it as well
            self._file.truncate(self._whole)
            os.fsync(self._file.fileno())
        self._file.close()
        self._file = None

    def remove(self) -> None:
        """The run is done: take the journal away."""
        self.close()
        self.path.unlink(missing_ok=True)

    def __bool__(self) -> bool:
        """Whether there is anything on the disk to go on from."""
        return self._file is not None and self._whole > 0

    def _append(self, kind: EntryKind, body: bytes) -> None:
        line = kind.value + body + b"\n"
        self._checksum = zlib.crc32(line, self._checksum)
        self._buffer += line
        if self._file is not None and len(self._buffer) >= _BUFFER_BYTES:
            self._write()

    def _append_commit(self) -> None:
        body = json.dumps({**asdict(self.reached), "crc": self._checksum}, separators=_SEPARATORS).encode("ascii")
        self._buffer += EntryKind.COMMIT.value + body + b"\n"
        self._checksum = 0

    def _write(self) -> None:
        assert self._file is not None  # noqa: S101 (for mypy; all callers see to it)
        rest = memoryview(bytes(self._buffer))
        self._buffer.clear()
        while rest:
            rest = rest[self._file.write(rest) :]


_START_ANEW = "要从头开始，请把 --resume 换成 --restart。"


def describe(path: Path) -> str:
    """A sentence on the journal at `path`, which an earlier run left, and on what to do with it."""
    try:
        key, started, _, reached = _inspect(path)
    except (JournalError, OSError):
        done = ""
    else:
        when = f"{started.astimezone():%Y-%m-%d %H:%M}"
        done = f"（{when} 开始，已完成 {reached.sources}/{len(key.inputs)} 个文件、{reached.rows} 段）"
    return f"这个结果还没有做完{done}：接着做请加 --resume，从头开始请加 --restart。"


def _inspect(path: Path) -> tuple[RunKey, datetime, int, Reached]:
    """Key and start of the run, the journal's whole bytes, how far it is.

    Raises:
        JournalError: it is no journal that can be gone on with.
        OSError: it cannot be read.
    """
    key = started = None
    reached = Reached()
    whole = position = checksum = 0
    with path.open("rb") as file:
        for line in file:
            position += len(line)
            if not line.endswith(b"\n"):
                break
            if not line.startswith(EntryKind.COMMIT.value):
                checksum = zlib.crc32(line, checksum)
                if line.startswith(EntryKind.HEADER.value) and position == len(line):
                    key, started = _read_header(line[1:])
                continue
            try:
                fields = json.loads(line[1:])
                if fields.pop("crc") != checksum:
                    break
                reached = replace(Reached(), **fields)
            except (ValueError, KeyError, TypeError, AttributeError):
                break
            whole, checksum = position, 0
    if key is None or started is None or not whole:
        raise JournalError(f"{path} 不完整，没有可以接着做的内容。{_START_ANEW}")
    return key, started, whole, reached


def _read_header(line: bytes) -> tuple[RunKey, datetime]:
    try:
        header = json.loads(line)
        if header["journal"] == FORMAT:
            inputs = tuple((name, size, modified) for name, size, modified in header["inputs"])
            return RunKey(header["model"], header["options"], inputs), datetime.fromisoformat(header["started"])
    except (ValueError, KeyError, TypeError):
        pass
    raise JournalError(f"上次的运行用的是别的版本的 policy-themes，不能接着做。{_START_ANEW}")
