"""One shard: whole or not there, done once, done again when anything that it is made from has changed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.labeller import Labeller
from service.run import OutputError
from service.shard_labelling import Shard, ShardError, finished_counts, is_left_over, label_shard, unfinished_name

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    (tmp_path / "in").mkdir()
    rows = {"id": range(5000), "text": [LOAN, None, "", "路", LOAN] * 1000}
    table = pa.table(rows).replace_schema_metadata({"made by": "someone"})
    pq.write_table(table, tmp_path / "in" / "a.parquet", row_group_size=700)
    return Shard("a.parquet", tmp_path / "in" / "a.parquet", tmp_path / "out" / "deep" / "a.parquet")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_shard_is_labelled_whole(shard: Shard, labeller: Labeller) -> None:
    counts = label_shard(shard, labeller, None)
    assert (counts.rows, counts.refused) == (5000, 1000)
    assert counts.labels["tech_finance"] == 2000
    assert counts.labels["none"] == 2000
    labelled, source = pq.read_table(shard.target), pq.read_table(shard.source)
    assert labelled.select(source.schema.names).equals(source)
    assert labelled.schema.metadata[b"made by"] == b"someone"
    assert labelled.column("themes").to_pylist() == [["tech_finance"], None, [], [], ["tech_finance"]] * 1000
    assert names_in(shard.target.parent) == ["a.parquet"]


def test_a_finished_shard_stays_as_it_is(shard: Shard, labeller: Labeller) -> None:
    counts = label_shard(shard, labeller, None)
    before = shard.target.stat()
    assert finished_counts(shard, labeller.version, None) == counts
    assert label_shard(shard, labeller, None) == counts
    assert shard.target.stat().st_ino == before.st_ino


def test_a_shard_is_made_anew_when_what_it_is_made_from_has_changed(shard: Shard, labeller: Labeller) -> None:
    label_shard(shard, labeller, None)
    first = shard.target.read_bytes()
    assert finished_counts(shard, "another model", None) is None
    assert finished_counts(shard, labeller.version, "text") is None
    os.utime(shard.source, ns=(1, 1))
    assert finished_counts(shard, labeller.version, None) is None
    pq.write_table(pa.table({"text": [LOAN]}), shard.source)
    assert label_shard(shard, labeller, None).rows == 1
    assert shard.target.read_bytes() != first


def test_the_same_shard_gives_the_same_bytes(shard: Shard, labeller: Labeller, tmp_path: Path) -> None:
    label_shard(shard, labeller, "text")
    again = Shard(shard.name, shard.source, tmp_path / "again.parquet")
    label_shard(again, labeller, "text", threads=2)
    assert again.target.read_bytes() == shard.target.read_bytes()


def test_what_others_wrote_is_not_overwritten(shard: Shard, labeller: Labeller) -> None:
    shard.target.parent.mkdir(parents=True)
    shutil.copy(shard.source, shard.target)
    with pytest.raises(ShardError, match="不是 policy-label 写的"):
        label_shard(shard, labeller, None)
    assert shard.target.read_bytes() == shard.source.read_bytes()


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    match how:
        case "empty":
            path.write_bytes(b"")
        case "no parquet":
            path.write_text("id,text", encoding="utf-8")
        case "cut off":
            path.write_bytes(data[: len(data) // 2])
        case "damaged":
            path.write_bytes(data[:200] + bytes(len(data) // 3) + data[200 + len(data) // 3 :])
        case "gone":
            path.unlink()


@pytest.mark.parametrize("how", ["empty", "no parquet", "cut off", "damaged", "gone"])
def test_a_source_that_cannot_be_read_is_told(shard: Shard, labeller: Labeller, how: str) -> None:
    spoil(shard.source, how)
    with pytest.raises(ShardError, match=r"^a\.parquet：(无法读取（No such file|不是有效的 Parquet 文件)"):
        label_shard(shard, labeller, None)
    assert not shard.target.exists()
    assert not shard.target.parent.exists() or names_in(shard.target.parent) == []


def test_columns_that_do_not_allow_it_are_told(shard: Shard, labeller: Labeller) -> None:
    with pytest.raises(ShardError, match=r"a\.parquet：没有名为“正文”的列"):
        label_shard(shard, labeller, "正文")


def test_a_target_that_cannot_be_written_is_no_fault_of_the_shard(
    shard: Shard, labeller: Labeller, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(OutputError, match="写入"):
        label_shard(shard, labeller, None)


KILLED = """
import os, signal, sys
from pathlib import Path
from model.artifact import load_labeller
from service.shard_labelling import Shard, label_shard
import pyarrow.parquet as pq
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
{patch}
model, source, target = map(Path, sys.argv[1:])
label_shard(Shard("a.parquet", source, target), load_labeller(model), None)
"""


@pytest.mark.parametrize(
    "patch",
    ["pq.ParquetWriter.write_table = die", "os.fsync = die", "Path.replace = die"],
    ids=["write", "sync", "name"],
)
def test_a_killed_process_leaves_nothing_that_looks_like_a_shard(
    shard: Shard, labeller: Labeller, small_model_folder: Path, patch: str
) -> None:
    code = KILLED.format(patch=patch)
    run = subprocess.run(
        [sys.executable, "-c", code, small_model_folder, shard.source, shard.target], check=False, timeout=60
    )
    assert run.returncode == -signal.SIGKILL
    (left,) = shard.target.parent.iterdir()
    assert left.name.startswith(".a.parquet.")
    assert is_left_over(left)
    assert label_shard(shard, labeller, None).rows == 5000


def test_what_a_living_process_writes_is_not_left_over(tmp_path: Path) -> None:
    mine = unfinished_name(tmp_path / "a.parquet")
    assert not is_left_over(mine)
    assert not is_left_over(Path(str(mine).replace(str(os.getpid()), str(os.getppid()))))
    assert not is_left_over(tmp_path / ".a.parquet.elsewhere-1-00000000.part")
    assert not is_left_over(tmp_path / "part.part")


def test_a_shard_is_on_the_disk_before_it_has_its_name(
    shard: Shard, labeller: Labeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def fsync(handle: int, real: Callable[[int], None] = os.fsync) -> None:
        calls.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        real(handle)

    def replace(part: Path, target: Path, real: Callable[[Path, Path], Path] = Path.replace) -> Path:
        calls.append("name")
        return real(part, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    label_shard(shard, labeller, None)
    assert calls == ["sync file", "name", "sync folder"]
