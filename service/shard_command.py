"""`policy-label` where the output is a folder: shard by shard, in this process, by worker processes, or on a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from model.labeller import Labeller
from service.documents import Refusal
from service.label_run import RunOutcome
from service.run import OutputError
from service.run_progress import show_progress
from service.run_sources import Source


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who labels shards: a cluster that runs, worker processes, or, with neither, this process.

    Attributes:
        scheduler: address of a Dask scheduler.
        workers: how many processes of this machine.
        threads: of this process.
    """

    scheduler: str | None
    workers: int | None
    threads: int

    @property
    def is_cluster(self) -> bool:
        """Whether Dask hands out the shards."""
        return self.scheduler is not None or self.workers is not None


def is_shard_output(output: Path | None) -> bool:
    """Whether a result of this name is a folder of shards: a folder, or a name without an ending."""
    return output is not None and (output.is_dir() or not output.suffix)


def label_folder(
    source: Path,
    target: Path,
    *,
    text_column: str | None,
    workforce: Workforce,
    model: Path | None,
    find_labeller: Callable[[], Labeller],
    console: Console,
) -> tuple[RunOutcome, list[Path], Labeller]:
    """Label all Parquet files below `source` into files of the same names below `target`.

    Args:
        source: a folder.
        target: a folder; shards that are there already, made from the same by the same model, stay as they are.
        text_column: name of the column that holds the paragraphs; None guesses.
        workforce: who labels.
        model: the model folder that the user asked for.
        find_labeller: loads the model.
        console: takes the progress.

    Returns:
        What came of it, the files that are no Parquet, the labeller. `refused` among the counts are rows without a label.

    Raises:
        OutputError: a library is missing, or the output folder cannot be written.
        PolicyThemesError: the folders do not go together; the cluster cannot be reached; the model is missing, or differs on a worker.
    """
    _check_installed(cluster=workforce.is_cluster)
    from service.shard_run import Engine, ShardRun, ShardTask, find_shards, label_here  # noqa: PLC0415 (pyarrow may be missing)

    refusals: list[Refusal] = []
    shards, others = find_shards(source, target, refusals.append)
    labeller = find_labeller()
    run = ShardRun(shards, target, ShardTask(labeller.version, text_column), refusals=refusals)

    @contextmanager
    def engine() -> Iterator[Engine]:
        if not workforce.is_cluster:
            yield label_here(labeller, workforce.threads)
            return
        from service.dask_cluster import open_cluster  # noqa: PLC0415 (distributed may be missing)

        folder = None if model is None else str(model.resolve())
        with open_cluster(workforce.scheduler, workforce.workers or 1, folder) as cluster:
            yield cluster

    sources = [Source.of(shard.source) for shard in shards]
    with show_progress(console, sources) as progress, engine() as label:
        run.go(label, progress)
    return RunOutcome(run.refusals, run.counts), others, labeller


def _check_installed(*, cluster: bool) -> None:
    if find_spec("pyarrow") is None:
        raise OutputError("读写 Parquet 需要 pyarrow：请运行 pip install 'policy-themes[parquet]'。")
    if cluster and find_spec("distributed") is None:
        raise OutputError(
            "用多个进程或集群标注 Parquet 需要 Dask：请运行 pip install 'policy-themes[cluster]'，或不写 --workers 和 --scheduler。"
        )
