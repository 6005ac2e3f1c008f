"""One shard of Parquet to one labelled shard: idempotent, whole or not at all. Local runs and clusters call the same function.

A shard is written beside its place under a hidden name of its own, brought to the disk, and renamed, so that what has a shard's name
is a whole shard. Its metadata say what it was made from; where that is what it would be made from again, nothing is done.
"""

import contextlib
import json
import os
import platform
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import PolicyThemesError
from model.labeller import Labeller
from service.arrow_labelling import ERROR_COLUMN, find_text_column, label_batch, labelled_schema
from service.run import OutputError

FORMAT = 1
UNFINISHED = ".part"
_MACHINE = re.sub(r"[^0-9A-Za-z]", "_", platform.node())[:40]
_OWNER = re.compile(r"\.(?P<machine>\w*)-(?P<process>\d+)-[0-9a-f]{8}\.part$", re.ASCII)
_MADE_FROM = b"policy_themes.made_from"
_COUNTS = b"policy_themes.counts"
_ROWS_A_BATCH = 2_048
_ROWS_A_GROUP = 16_384


class ShardError(PolicyThemesError):
    """A shard cannot be labelled; the message names it and says why. Others can."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Where a shard is read from and where it goes, as every process of the job names these places."""

    name: str
    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What a finished shard holds.

    Attributes:
        rows: all of them.
        refused: those without a label.
        labels: how many have no theme (`none`), are to be looked at again (`uncertain`), have each theme.
    """

    rows: int
    refused: int
    labels: dict[str, int]


def finished_counts(shard: Shard, model: str, text_column: str | None) -> ShardCounts | None:
    """What the finished shard holds, if it is there and made from this source by this model; else None.

    Args:
        shard: the places.
        model: version of the model.
        text_column: as the user asked for it.

    Raises:
        ShardError: something else stands in its place.
        OSError: the source cannot be reached.
    """
    if not shard.target.exists():
        return None
    metadata = _metadata(shard.target)
    if _MADE_FROM not in metadata:
        raise ShardError(f"{shard.target} 不是 policy-label 写的，没有覆盖它；请移走它，或换一个输出文件夹。")
    if metadata[_MADE_FROM] != _made_from(shard, model, text_column) or _COUNTS not in metadata:
        return None
    return ShardCounts(**json.loads(metadata[_COUNTS]))


def label_shard(shard: Shard, labeller: Labeller, text_column: str | None, threads: int = 1) -> ShardCounts:
    """Label one shard, unless that is done already; returns what it holds.

    It may be called again at any time, by several processes at once as well: the same bytes come out.

    Args:
        shard: the places.
        labeller: labels.
        text_column: name of the column that holds the paragraphs; None guesses.
        threads: how many to label with.

    Raises:
        ShardError: the source is no readable Parquet, or its columns do not allow it.
        OutputError: the shard cannot be written.
    """
    try:
        done = finished_counts(shard, labeller.version, text_column)
        if done is not None:
            return done
        made_from = _made_from(shard, labeller.version, text_column)
        with pq.ParquetFile(shard.source) as source:
            column = find_text_column(source.schema_arrow, text_column)
            schema = labelled_schema(source.schema_arrow, labeller.themes)
            labelled = _labelled(shard, source, labeller, column, threads)
            return _write(shard, schema.with_metadata({**(schema.metadata or {}), _MADE_FROM: made_from}), labelled)
    except (ShardError, OutputError):
        raise
    except (PolicyThemesError, OSError, pa.ArrowException) as error:
        raise ShardError(f"{shard.name}：{_why(error)}") from None


def _why(error: Exception) -> str:
    if isinstance(error, PolicyThemesError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"无法读取（{error.strerror}）；请检查文件和权限。"
    return "不是有效的 Parquet 文件，或已损坏。"


def _made_from(shard: Shard, model: str, text_column: str | None) -> bytes:
    status = shard.source.stat()
    source = {"bytes": status.st_size, "modified": status.st_mtime_ns}
    return json.dumps({"format": FORMAT, "model": model, "text_column": text_column, **source}, sort_keys=True).encode()


def _metadata(path: Path) -> dict[bytes, bytes]:
    try:
        with pq.ParquetFile(path) as file:
            return dict(file.metadata.metadata or {})
    except (OSError, pa.ArrowException):
        return {}


def _labelled(
    shard: Shard, source: pq.ParquetFile, labeller: Labeller, column: str, threads: int
) -> Iterator[pa.RecordBatch]:
    try:
        for batch in source.iter_batches(_ROWS_A_BATCH):
            yield label_batch(batch, labeller, column, threads)
    except (OSError, pa.ArrowException) as error:
        raise ShardError(f"{shard.name}：{_why(error)}") from None


def _write(shard: Shard, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> ShardCounts:
    part: Path | None = None
    counts: Counter[str] = Counter()
    refused = rows = 0
    try:
        shard.target.parent.mkdir(parents=True, exist_ok=True)
        part = unfinished_name(shard.target)
        with part.open("xb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                waiting: list[pa.RecordBatch] = []
                for batch in batches:
                    waiting.append(batch)
                    refused += _count(batch, counts)
                    rows += batch.num_rows
                    if sum(map(len, waiting)) >= _ROWS_A_GROUP:
                        writer.write_table(pa.Table.from_batches(waiting))
                        waiting.clear()
                if waiting:
                    writer.write_table(pa.Table.from_batches(waiting))
                result = ShardCounts(rows, refused, dict(sorted(counts.items())))
                writer.add_key_value_metadata({_COUNTS.decode(): json.dumps(_fields(result), sort_keys=True)})
            file.flush()
            os.fsync(file.fileno())
        part.replace(shard.target)
        sync_folder(shard.target.parent)
    except OSError as error:
        raise OutputError(f"写入 {shard.target} 失败（{error.strerror or error}）；请检查磁盘空间和权限。") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return result


def _fields(counts: ShardCounts) -> dict[str, Any]:
    return {"rows": counts.rows, "refused": counts.refused, "labels": counts.labels}


def _count(batch: pa.RecordBatch, counts: Counter[str]) -> int:
    """Count the labels of a batch; returns how many rows have none because they were refused."""
    refused = 0
    columns = (batch.column(name).to_pylist() for name in ("themes", "uncertain", ERROR_COLUMN))
    for themes, uncertain, error in zip(*columns, strict=True):
        if error is not None:
            refused += 1
            continue
        counts["none"] += not themes
        counts["uncertain"] += bool(uncertain)
        counts.update(themes)
    return refused


def unfinished_name(target: Path) -> Path:
    """A name beside `target` for what is being written: hidden, new, and with the machine and the process that write it."""
    return target.with_name(f".{target.name}.{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}")


def is_left_over(path: Path) -> bool:
    """Whether `path`, an unfinished file, is of a process that is no more; of another machine's process only its own can say."""
    owner = _OWNER.search(path.name)
    if owner is None or owner["machine"] != _MACHINE or int(owner["process"]) == os.getpid():
        return False
    if os.name == "nt":  # where os.kill kills, and a file in use cannot be removed
        return True
    try:
        os.kill(int(owner["process"]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system can."""
    with contextlib.suppress(OSError, AttributeError):  # Windows opens no folder
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
