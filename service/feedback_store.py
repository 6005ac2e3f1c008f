"""Corrections that people sent, kept in one SQLite file until a maintainer takes them into the training data.

A correction that was answered for is on the disk: the write-ahead log is synced before the answer goes out.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.errors import PolicyThemesError

_SCHEMA = 1
"""`user_version` of the file. To change it: raise the number and bring older files up in `_connect`; newer ones stay refused."""

_TABLE = """
create table feedback (
    id integer primary key autoincrement,
    text text not null,
    text_sha256 text not null,
    themes text not null,
    primary_theme text,
    model text not null,
    predicted text not null,
    note text,
    file text,
    paragraph integer,
    source text not null,
    at text not null,
    key text unique
) strict
"""
_BUSY_SECONDS = 5.0
_PAGE = 4096
_ROWS_AT_ONCE = 500


class FeedbackError(PolicyThemesError):
    """The store cannot be read or written now; the message says why."""


class FeedbackFullError(FeedbackError):
    """The disk, or what the store may take of it, is full."""


class KeyReusedError(FeedbackError):
    """The idempotency key came before with another correction."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says the themes of a paragraph are.

    Attributes:
        text: the paragraph.
        themes: ids that it has.
        primary: id of the leading one, "other", or None where nothing was said.
        model: version of the model that the person saw.
        predicted: ids that it gave.
        note: the person's own words.
        file: where the paragraph stands.
        paragraph: its number there.
        source: the door that it came through ("api", "label-studio").
        key: two corrections with one key are one.
    """

    text: str
    themes: tuple[str, ...]
    primary: str | None
    model: str
    predicted: tuple[str, ...]
    note: str | None = None
    file: str | None = None
    paragraph: int | None = None
    source: str = "api"
    key: str | None = None

    @property
    def text_sha256(self) -> str:
        """Digest of the text in UTF-8, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a correction is kept: its number, which only ever rises, and the digest of its text."""

    id: int
    text_sha256: str


class FeedbackStore:
    """The file of corrections. Opened at first use; safe to share between threads, and the file between processes."""

    def __init__(self, path: Path, *, most_bytes: int = 1 << 30) -> None:
        """Keep corrections at `path`, in at most `most_bytes` (the log beside it comes on top)."""
        self._path = path
        self._most_pages = max(most_bytes // _PAGE, 16)
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def add(self, correction: Correction) -> Receipt:
        """Keep `correction`; it is on the disk when this returns. One whose key is already there is not kept twice.

        Raises:
            FeedbackFullError: there is no room.
            KeyReusedError: the key belongs to another correction.
            FeedbackError: the file cannot be opened or written.
        """
        values = {
            "text": correction.text,
            "text_sha256": correction.text_sha256,
            "themes": _json(correction.themes),
            "primary_theme": correction.primary,
            "model": correction.model,
            "predicted": _json(correction.predicted),
            "note": correction.note,
            "file": correction.file,
            "paragraph": correction.paragraph,
            "source": correction.source,
            "key": correction.key,
        }
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock, _told(self._path, self._forget):
            connection = self._connect()
            connection.execute("begin immediate")
            try:
                if correction.key is not None:
                    kept = connection.execute("select * from feedback where key = ?", (correction.key,)).fetchone()
                    if kept is not None:
                        if any(kept[name] != value for name, value in values.items()):
                            raise KeyReusedError("这个幂等键已用于另一条反馈；请换一个新的键。")
                        return Receipt(kept["id"], kept["text_sha256"])
                names = ", ".join(values)
                marks = ", ".join(f":{name}" for name in values)
                inserted = connection.execute(
                    f"insert into feedback ({names}, at) values ({marks}, :at)",  # noqa: S608 (names of our own)
                    {**values, "at": at},
                )
                connection.execute("commit")
            finally:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):
                        connection.execute("rollback")
            assert inserted.lastrowid is not None  # noqa: S101 (an insert has one)
            return Receipt(inserted.lastrowid, correction.text_sha256)

    def rows(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The corrections with a number above `after`, in the order they came, as JSON values.

        Raises:
            FeedbackError: the file cannot be opened or read.
        """
        while True:
            with self._lock, _told(self._path, self._forget):
                found = self._connect().execute(
                    "select * from feedback where id > ? order by id limit ?", (after, _ROWS_AT_ONCE)
                )
                rows = found.fetchall()
            for row in rows:
                yield {
                    "id": row["id"],
                    "text": row["text"],
                    "themes": json.loads(row["themes"]),
                    "primary": row["primary_theme"],
                    "model": row["model"],
                    "predicted": json.loads(row["predicted"]),
                    "note": row["note"],
                    "file": row["file"],
                    "paragraph": row["paragraph"],
                    "source": row["source"],
                    "text_sha256": row["text_sha256"],
                    "at": row["at"],
                }
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1]["id"]

    def check(self) -> None:
        """Whether the file can be opened, and written durably.

        Raises:
            FeedbackError: it cannot; the message says why.
        """
        with self._lock, _told(self._path, self._forget):
            self._connect()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    def _connect(self) -> sqlite3.Connection:
        if self._open is not None:
            return self._open
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FeedbackError(f"不能建立反馈库所在的文件夹（{error.strerror}）。") from None
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._open = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
        connection.execute("pragma synchronous = full")
        (synchronous,) = connection.execute("pragma synchronous").fetchone()
        if (mode, synchronous) != ("wal", 2):
            raise FeedbackError("反馈库所在的磁盘不支持可靠写入（WAL）；请换到本机磁盘。")
        connection.execute(f"pragma max_page_count = {self._most_pages}")
        (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise FeedbackError("反馈库已损坏；请移走这个文件（可用 sqlite3 的 .recover 抢救），会自动新建。")
        (schema,) = connection.execute("pragma user_version").fetchone()
        if schema > _SCHEMA:
            raise FeedbackError(f"反馈库的格式是 {schema}，本软件只认得 {_SCHEMA}；请升级 policy-themes。")
        if schema == 0:
            connection.execute("begin immediate")
            (schema,) = connection.execute("pragma user_version").fetchone()  # another process may have been first
            if schema == 0:
                connection.execute(_TABLE)
                connection.execute(f"pragma user_version = {_SCHEMA}")
            connection.execute("commit")


class _told:  # noqa: N801 (reads as a word where it is used)
    """Turns what SQLite raises into a sentence, and lets go of a connection that may be broken."""

    def __init__(self, path: Path, forget: Any) -> None:
        self._path = path
        self._forget = forget

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, sqlite3.Error):
            return
        self._forget()
        match getattr(error, "sqlite_errorcode", None):
            case sqlite3.SQLITE_FULL:
                raise FeedbackFullError("存放反馈的磁盘（或反馈库的限额）已满；请联系管理员。") from None
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise FeedbackError("反馈库正被别的程序占用；请稍后重试。") from None
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                raise FeedbackError("反馈库打不开或不能写入；请检查权限。") from None
        raise FeedbackError("反馈库读写失败，文件可能已损坏；请联系管理员检查。") from None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
