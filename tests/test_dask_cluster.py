"""A folder of Parquet on processes and clusters: killed anywhere, complete in the end, and the same as the local run's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.artifact import MODEL_VARIABLE, load_labeller
from service.label_command import ExitCode

COMMAND = Path(sys.executable).with_name("policy-label")
LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
NOTHING = "修缮农村公路三十公里，改造老旧小区十二个。"
SHARDS = 12
ROWS = 3000

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shards, some in folders of their own."""
    folder = tmp_path_factory.mktemp("in")
    for number in range(SHARDS):
        inside = folder / f"year={2020 + number % 2}" / f"part-{number}.parquet"
        inside.parent.mkdir(exist_ok=True)
        first = number * ROWS
        texts = [f"第{row}项，{LOAN if row % 2 else NOTHING}" for row in range(first, first + ROWS)]
        pq.write_table(pa.table({"id": range(first, first + ROWS), "text": texts}), inside)
    (folder / "_SUCCESS").touch()
    return folder


@pytest.fixture(scope="module")
def start(small_model_folder: Path) -> Start:
    """Starts a process with the small model."""
    environment = {**os.environ, MODEL_VARIABLE: str(small_model_folder), "NO_COLOR": "1", "PYTHONUTF8": "1"}

    def begin(*arguments: str | Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)

    return begin


def finish(process: "subprocess.Popen[bytes]") -> str:
    errors = process.communicate(timeout=120)[1].decode()
    assert process.returncode == ExitCode.DONE, errors
    return errors


@pytest.fixture(scope="module")
def local(source: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the local run makes of `source`."""
    out = tmp_path_factory.mktemp("local") / "out"
    told = finish(start(COMMAND, source, "-o", out))
    assert f"共标注 {SHARDS * ROWS} 段" in told
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished(out: Path) -> int:
    return sum(1 for path in out.rglob("part-*.parquet") if not path.name.startswith("."))


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_local_run_is_whole(
    source: Path, local: dict[str, bytes], tmp_path: Path, small_model_folder: Path
) -> None:
    success = json.loads(local["_SUCCESS"])
    assert (success["rows"], success["refused"]) == (SHARDS * ROWS, 0)
    assert success["model"] == load_labeller(small_model_folder).version
    assert sorted(shard["name"] for shard in success["shards"]) == sorted(set(local) - {"_SUCCESS"})
    for name, data in local.items():
        if name != "_SUCCESS":
            (tmp_path / "shard.parquet").write_bytes(data)
            labelled = pq.read_table(tmp_path / "shard.parquet", partitioning=None)
            assert labelled.select(["id", "text"]).equals(pq.read_table(source / name, partitioning=None))
            assert labelled.column("themes").to_pylist() == [["tech_finance"] if i % 2 else [] for i in range(ROWS)]


def descendants(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def test_worker_processes_give_what_the_local_run_gives_though_one_is_killed(
    source: Path, local: dict[str, bytes], start: Start, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(COMMAND, source, "-o", out, "--workers", "2")
    wait_for(lambda: list(out.rglob(".part-*")), process)
    part = next(iter(out.rglob(".part-*")), None)
    assert part is not None or finished(out) < SHARDS
    worker = int(part.name.split("-")[-2]) if part is not None else 0
    if worker:
        os.kill(worker, signal.SIGKILL)
    finish(process)
    assert {name: data for name, data in contents(out).items() if not name.endswith(".part")} == local
    finish(start(COMMAND, source, "-o", out))
    assert contents(out) == local, "what the killed worker left is gone"


def test_a_killed_driver_leaves_whole_shards_and_the_next_goes_on(
    source: Path, local: dict[str, bytes], start: Start, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(COMMAND, source, "-o", out, "--workers", "2")
    wait_for(lambda: finished(out) >= 2, process)
    workers = descendants(process)
    process.kill()
    process.communicate()
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running()], "workers end with their driver"
    left = contents(out)
    assert "_SUCCESS" not in left
    assert 2 <= finished(out) < SHARDS
    assert all(local[name] == data for name, data in left.items() if not name.rpartition("/")[2].startswith("."))
    whole = {path: path.stat().st_ino for path in out.rglob("part-*.parquet")}
    finish(start(COMMAND, source, "-o", out, "--workers", "2"))
    assert contents(out) == local
    assert all(path.stat().st_ino == inode for path, inode in whole.items()), "what was done is not done again"


@pytest.fixture
def scheduler(start: Start, tmp_path: Path) -> Iterator[str]:
    """The address of a cluster of two workers that runs on its own."""
    python = Path(sys.executable)
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", file]
    begun = [
        start(
            python,
            "-m",
            "distributed.cli.dask_scheduler",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            *options,
        )
    ]
    try:
        wait_for(lambda: file.exists() and file.stat().st_size, begun[0])
        folder = ["--local-directory", tmp_path / "scratch"]
        begun.append(
            start(
                python,
                "-m",
                "distributed.cli.dask_worker",
                "--no-dashboard",
                "--nworkers",
                "2",
                "--nthreads",
                "1",
                *options,
                *folder,
            )
        )
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        for process in reversed(begun):
            process.terminate()
            process.communicate(timeout=30)


def test_a_cluster_gives_what_the_local_run_gives_though_its_driver_is_killed(
    source: Path,
    local: dict[str, bytes],
    start: Start,
    tmp_path: Path,
    scheduler: str,
    small_model_folder: Path,
    tiny_model_folder: Path,
) -> None:
    out = tmp_path / "out"
    arguments = [COMMAND, source, "-o", out, "--scheduler", scheduler, "--model"]
    process = start(*arguments, small_model_folder)
    wait_for(lambda: finished(out) >= 2, process)
    process.kill()
    process.communicate()
    assert not (out / "_SUCCESS").exists()
    told = finish(start(*arguments, small_model_folder))
    assert f"共标注 {SHARDS * ROWS} 段" in told
    deadline = time.monotonic() + 30
    while (
        contents(out) != local and time.monotonic() < deadline
    ):  # a worker may still be at what the killed driver had asked for
        time.sleep(0.1)
    assert contents(out) == local


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], ExitCode.BAD_COMMAND, "连不上调度器 tcp://127.0.0.1:9"),
        (["--scheduler", "nonsense"], ExitCode.BAD_COMMAND, "连不上调度器 nonsense"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(
    source: Path, start: Start, tmp_path: Path, options: list[str], code: ExitCode, sentence: str
) -> None:
    process = start(COMMAND, source, "-o", tmp_path / "out", *options)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == code, errors
    assert sentence in errors
    assert "Traceback" not in errors
