"""Shards labelled by a Dask cluster: one that runs already, or one of this machine's own for as long as the job lasts.

Workers have policy-themes installed and see the folders and the model under the same names as the driver. A shard whose worker dies goes to
another one; a driver that dies leaves whole shards, and the next run goes on with the others.
"""

import logging
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, KilledWorker, LocalCluster, as_completed

from model.errors import ArtifactError, PolicyThemesError
from service.run import OutputError
from service.shard_labelling import Shard, ShardCounts, ShardError, label_shard
from service.shard_run import Engine, ShardOutcome, ShardTask
from service.worker_model import labeller_here

_CONNECT_SECONDS = 60  # a busy machine takes its time to start processes
_START_ATTEMPTS = 4
_WAITING_A_THREAD = 3  # shards handed out ahead, so that workers never wait for the driver


class ClusterError(PolicyThemesError):
    """The cluster cannot be reached, or was lost."""


@contextmanager
def open_cluster(scheduler: str | None, workers: int, model_folder: str | None) -> Iterator[Engine]:
    """An engine on the cluster at `scheduler`, or on one of `workers` processes of this machine, which ends with this.

    Args:
        scheduler: its address, as `tcp://host:8786`.
        workers: how many processes, where there is no scheduler.
        model_folder: where the model lies on every worker; None is each worker's default model.

    Raises:
        ClusterError: the scheduler cannot be reached.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is told in our own words
    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS}s"}))
        if scheduler is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            cluster: Any = stack.enter_context(_own_cluster(workers, scratch))
        else:
            _check_address(scheduler)
            cluster = scheduler
        try:
            client = stack.enter_context(Client(cluster, timeout=_CONNECT_SECONDS, set_as_default=False))
        except (OSError, ValueError) as error:
            raise ClusterError(f"连不上调度器 {scheduler or ''}（{error}）；请检查地址和那里 Dask 的版本。") from None
        yield lambda shards, task: _label_on(client, shards, task, model_folder)


def _check_address(scheduler: str) -> None:
    """Refuse at once what Dask would try again and again.

    Raises:
        ClusterError: nothing answers at this address.
    """
    address = urlsplit(scheduler)
    try:
        if address.hostname is None or address.port is None:
            raise ClusterError(f"连不上调度器 {scheduler}：地址应当像 tcp://主机:8786。")
        socket.create_connection((address.hostname, address.port), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ClusterError(f"连不上调度器 {scheduler}（{error}）；请检查地址，例如 tcp://主机:8786。") from None


def _own_cluster(workers: int, scratch: str) -> LocalCluster:
    """A cluster of this machine's own; a worker that dies while it starts costs another attempt.

    Raises:
        ClusterError: workers die whenever they are started.
    """
    for _ in range(_START_ATTEMPTS):
        with suppress(RuntimeError):
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
    raise ClusterError("工作进程一启动就退出（多半是内存不足）；请减少 --workers，或不写它，在一个进程里标注。")


def _label_on(
    client: Client, shards: Sequence[Shard], task: ShardTask, model_folder: str | None
) -> Iterator[ShardOutcome]:
    _check_workers(client, task, model_folder)
    waiting = iter(shards)
    running: dict[Any, Shard] = {}

    def submit(shard: Shard) -> Any:
        future = client.submit(label_on_worker, shard, model_folder, task, pure=False)  # a key of its own
        running[future.key] = shard
        return future

    threads = sum(client.nthreads().values())
    queue = as_completed([submit(shard) for shard in islice(waiting, threads * _WAITING_A_THREAD)], loop=client.loop)
    for future in queue:
        shard = running.pop(future.key)
        yield _outcome(future, shard)
        future.release()
        for following in islice(waiting, 1):
            queue.add(submit(following))


def _outcome(future: Any, shard: Shard) -> ShardOutcome:
    try:
        return ShardOutcome(shard, future.result())
    except ShardError as error:
        return ShardOutcome(shard, None, str(error))
    except KilledWorker:
        return ShardOutcome(shard, None, "标注它的工作进程几次都中途退出（多半是内存不足）；请拆小这个分片后再试。")
    except (ArtifactError, OutputError):
        raise
    except Exception as error:  # the scheduler is gone, or its connection
        raise ClusterError(
            f"与 Dask 集群失去了联系（{type(error).__name__}）；已完成的分片都在，再运行一次会接着做。"
        ) from None


def _check_workers(client: Client, task: ShardTask, model_folder: str | None) -> None:
    """See to it that there are workers, and that all have the model of the job, before anything is done.

    Raises:
        ClusterError: there are none.
        ArtifactError: one has no model, or another one.
    """
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError:
        raise ClusterError("调度器上没有工作进程；请先启动 dask worker。") from None
    versions = client.run(model_version_here, model_folder, on_error="return")
    for address, version in versions.items():
        if isinstance(version, ArtifactError):
            raise ArtifactError(f"工作进程 {address}：{version}")
        if isinstance(version, OSError):
            continue  # it has just died; whoever takes its place is asked again with each shard
        if isinstance(version, Exception):
            raise ClusterError(f"工作进程 {address} 不能标注（{version}）；请在那里安装同一版本的 policy-themes。")
        if version != task.model:
            raise ArtifactError(
                f"工作进程 {address} 的模型是 {version}，这次运行用的是 {task.model}；请在各台机器上装同一个模型，或用 --model 指定共享的模型文件夹。"
            )


def model_version_here(model_folder: str | None) -> str:
    """On a worker: the version of its model."""
    return labeller_here(model_folder, None).version


def label_on_worker(shard: Shard, model_folder: str | None, task: ShardTask) -> ShardCounts:
    """On a worker: label one shard by the model of the job."""
    return label_shard(shard, labeller_here(model_folder, task.model), task.text_column)
