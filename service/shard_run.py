"""A folder of Parquet shards to a folder of labelled shards, by whatever engine: what is to be done, and when it is complete.

`_SUCCESS` stands in the output folder exactly when all its shards are whole and of one model: it is taken away before a shard changes and
written when all are done. Who reads the folder waits for it, and reads the shards that it lists.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model.errors import PolicyThemesError
from model.labeller import Labeller
from service.documents import Refusal, find_files, shown
from service.run import OutputError
from service.shard_labelling import (
    UNFINISHED,
    Shard,
    ShardCounts,
    ShardError,
    finished_counts,
    is_left_over,
    label_shard,
    sync_folder,
    unfinished_name,
)

SUCCESS = "_SUCCESS"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """What came of one shard: what it holds, or why it does not exist."""

    shard: Shard
    counts: ShardCounts | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What all shards of a job have in common.

    Attributes:
        model: version.
        text_column: as the user asked for it.
    """

    model: str
    text_column: str | None


Engine = Callable[[Sequence[Shard], ShardTask], Iterator[ShardOutcome]]
"""Labels shards in any order, and gives the outcome of each, once."""


@dataclass(slots=True)
class ShardRun:
    """A job over all shards of a folder.

    Attributes:
        shards: all of them, in order.
        target: the output folder.
        task: what they have in common.
        finished: what the finished ones hold.
        refusals: those that could not be labelled.
    """

    shards: Sequence[Shard]
    target: Path
    task: ShardTask
    finished: dict[str, ShardCounts] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def go(self, engine: Engine, progress: Callable[[int, int], None]) -> None:
        """Label all shards that are not labelled yet, and say so in the folder once all are.

        Args:
            engine: labels them.
            progress: takes word of how many shards and rows are done.

        Raises:
            OutputError: the output folder cannot be written, or holds what is not of this job.
        """
        waiting = self._look()
        if not waiting and self._is_complete():
            return
        try:
            self.target.mkdir(parents=True, exist_ok=True)
            (self.target / SUCCESS).unlink(missing_ok=True)
            sync_folder(self.target)
        except OSError as error:
            raise _cannot_write(self.target, error) from None
        for outcome in engine(waiting, self.task):
            if outcome.counts is None:
                self.refusals.append(Refusal(outcome.shard.name, outcome.message))
            else:
                self.finished[outcome.shard.name] = outcome.counts
            progress(len(self.finished) + len(self.refusals), self.rows)
        self._sweep()
        if len(self.finished) == len(self.shards):
            self._write_success()

    @property
    def rows(self) -> int:
        """Rows of all finished shards."""
        return sum(counts.rows for counts in self.finished.values())

    @property
    def counts(self) -> Counter[str]:
        """Labels of all finished shards: `none`, `uncertain`, and of each theme; `paragraphs` and `refused` are rows with and without one."""
        total: Counter[str] = Counter()
        for counts in self.finished.values():
            total.update(counts.labels)
            total.update(paragraphs=counts.rows - counts.refused, refused=counts.refused)
        return total

    def _look(self) -> list[Shard]:
        """Find what is finished and take away what killed processes left; returns what is to be done."""
        self._sweep()
        names = {shard.name for shard in self.shards}
        for path in sorted(self.target.rglob("*.parquet")):
            name = path.relative_to(self.target).as_posix()
            if not path.name.startswith(".") and name not in names:
                raise OutputError(
                    f"{self.target} 里有不属于这次输入的 {name}，会和结果混在一起；请移走它，或换一个输出文件夹。"
                )
        waiting = []
        for shard in self.shards:
            try:
                counts = finished_counts(shard, self.task.model, self.task.text_column)
            except ShardError as error:
                raise OutputError(str(error)) from None
            except OSError:  # labelling will say why
                counts = None
            if counts is None:
                waiting.append(shard)
            else:
                self.finished[shard.name] = counts
        return waiting

    def _sweep(self) -> None:
        for path in self.target.rglob(f".*{UNFINISHED}"):
            if is_left_over(path):
                path.unlink(missing_ok=True)

    def _success(self) -> bytes:
        shards = [
            {"name": shard.name, "rows": self.finished[shard.name].rows, "refused": self.finished[shard.name].refused}
            for shard in self.shards
        ]
        summary = {
            "format": FORMAT,
            "model": self.task.model,
            "rows": self.rows,
            "refused": self.counts["refused"],
            "shards": shards,
        }
        return (json.dumps(summary, ensure_ascii=False, indent=1) + "\n").encode("utf-8")

    def _is_complete(self) -> bool:
        try:
            return (self.target / SUCCESS).read_bytes() == self._success()
        except OSError:
            return False

    def _write_success(self) -> None:
        part = unfinished_name(self.target / SUCCESS)
        try:
            with part.open("xb") as file:
                file.write(self._success())
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.target / SUCCESS)
            sync_folder(self.target)
        except OSError as error:
            raise _cannot_write(self.target, error) from None
        finally:
            part.unlink(missing_ok=True)


def _cannot_write(target: Path, error: OSError) -> OutputError:
    return OutputError(f"写入 {target} 失败（{error.strerror}）；请检查磁盘空间和权限。")


class ShardFolderError(PolicyThemesError):
    """The folders of a command do not go together."""


def find_shards(source: Path, target: Path, refuse: Callable[[Refusal], None]) -> tuple[list[Shard], list[Path]]:
    """The Parquet files below `source` with their places below `target`, and the other files there.

    Names that begin with `_` are engines' own.

    Raises:
        ShardFolderError: `source` is no folder, or one folder lies in the other.
    """
    if not source.is_dir():
        raise ShardFolderError(f"输出是文件夹 {target} 时，输入应当是一个 Parquet 文件夹；{source} 不是文件夹。")
    here, there = source.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ShardFolderError(f"输入文件夹 {source} 和输出文件夹 {target} 不能相同，也不能一个在另一个里面。")
    shards: list[Shard] = []
    others: list[Path] = []
    for file in find_files(source, refuse):
        if file.suffix.lower() == ".parquet" and not file.name.startswith("_"):
            inside = file.relative_to(source)
            shards.append(Shard(inside.as_posix(), here / inside, there / inside))
        elif not file.name.startswith("_"):
            others.append(file)
    if not shards:
        raise ShardFolderError(f"{shown(source)} 里没有 Parquet 文件（.parquet）；输出是文件夹时只读 Parquet。")
    return shards, others


def label_here(labeller: Labeller, threads: int) -> Engine:
    """The engine that needs no other: this process, shard by shard."""

    def run(shards: Iterable[Shard], task: ShardTask) -> Iterator[ShardOutcome]:
        for shard in shards:
            try:
                yield ShardOutcome(shard, label_shard(shard, labeller, task.text_column, threads))
            except ShardError as error:
                yield ShardOutcome(shard, None, str(error))

    return run
