"""A folder of shards: complete or not, and nothing of others taken or mixed in."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.labeller import Labeller
from service.documents import Refusal
from service.label_command import ExitCode, main
from service.run import OutputError
from service.shard_run import ShardFolderError, ShardRun, ShardTask, find_shards, label_here

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"

Go = Callable[..., ShardRun]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for name, texts in {"a.parquet": [LOAN], "b/c.parquet": [LOAN, ""], "b/d.PARQUET": []}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), folder / name)
    for name in ("_SUCCESS", "_metadata", ".hidden.parquet", "说明.txt"):
        (folder / name).touch()
    return folder


@pytest.fixture
def go(source: Path, tmp_path: Path, labeller: Labeller) -> Go:
    """Runs the job over `source` here."""

    def run(text_column: str | None = None) -> ShardRun:
        refusals: list[Refusal] = []
        shards, _ = find_shards(source, tmp_path / "out", refusals.append)
        job = ShardRun(shards, tmp_path / "out", ShardTask(labeller.version, text_column), refusals=refusals)
        job.go(label_here(labeller, 1), lambda _done, _rows: None)
        return job

    return run


def test_shards_are_the_parquet_files_and_engines_own_are_none(source: Path, tmp_path: Path) -> None:
    shards, others = find_shards(source, tmp_path / "out", lambda _: None)
    assert [shard.name for shard in shards] == ["a.parquet", "b/c.parquet", "b/d.PARQUET"]
    assert shards[1].target == tmp_path / "out" / "b" / "c.parquet"
    assert [path.name for path in others] == ["说明.txt"]


def test_a_complete_folder_says_so(go: Go, tmp_path: Path, labeller: Labeller) -> None:
    assert go().counts["tech_finance"] == 2
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_bytes()) == {
        "format": 1,
        "model": labeller.version,
        "rows": 3,
        "refused": 0,
        "shards": [
            {"name": "a.parquet", "rows": 1, "refused": 0},
            {"name": "b/c.parquet", "rows": 2, "refused": 0},
            {"name": "b/d.PARQUET", "rows": 0, "refused": 0},
        ],
    }


def test_a_complete_folder_is_left_alone(go: Go, tmp_path: Path) -> None:
    go()
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")}
    assert go().counts["paragraphs"] == 3
    assert {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")} == before


def test_a_folder_that_is_not_complete_does_not_say_so(go: Go, source: Path, tmp_path: Path) -> None:
    go()
    good = (source / "a.parquet").read_bytes()
    (source / "a.parquet").write_bytes(b"PAR1")
    (tmp_path / "out" / "a.parquet").unlink()
    (refusal,) = go().refusals
    assert str(refusal).startswith("a.parquet：")
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    (source / "a.parquet").write_bytes(good)
    assert go().refusals == []
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_what_is_not_of_this_job_is_not_mixed_in(go: Go, source: Path, tmp_path: Path) -> None:
    go()
    (source / "a.parquet").unlink()
    with pytest.raises(OutputError, match=r"不属于这次输入的 a\.parquet"):
        go()


def test_what_others_wrote_is_not_written_over(go: Go, source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.parquet").write_bytes((source / "a.parquet").read_bytes())
    with pytest.raises(OutputError, match="不是 policy-label 写的"):
        go()


def test_what_killed_processes_left_goes(go: Go, tmp_path: Path) -> None:
    go()
    (mine,) = {path.name for path in [tmp_path / "out" / "a.parquet"]}
    machine = os.uname().nodename
    left = (
        tmp_path / "out" / "b" / f".{mine}.{''.join(c if c.isalnum() else '_' for c in machine)}-4194305-0123abcd.part"
    )
    others = tmp_path / "out" / ".a.parquet.elsewhere-1-0123abcd.part"
    left.touch()
    others.touch()
    go()
    assert not left.exists()
    assert others.exists()


@pytest.mark.parametrize(
    "names", [("in", "in"), ("in", "in/out"), ("in/b", "in"), ("没有", "out"), ("in/a.parquet", "out")]
)
def test_folders_that_do_not_go_together_are_refused(source: Path, tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(ShardFolderError):
        find_shards(tmp_path / names[0], tmp_path / names[1], lambda _: None)


def test_the_command_tells_what_came_of_it(
    source: Path, tmp_path: Path, small_model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(source), "-o", str(tmp_path / "out"), "--model", str(small_model_folder)]
    assert main(arguments) == ExitCode.DONE
    errors = capsys.readouterr().err
    assert "共标注 3 段" in errors
    assert "跳过 1 个" in errors
    pq.write_table(pa.table({"text": [LOAN, None]}), source / "a.parquet")
    assert main(arguments) == ExitCode.SOME_FAILED
    assert "1 行没有标注，原因写在结果的 label_error 列里" in capsys.readouterr().err
    (source / "a.parquet").write_bytes(b"")
    assert main(arguments) == ExitCode.SOME_FAILED
    assert "没有写出 _SUCCESS" in capsys.readouterr().err
    (source / "b" / "c.parquet").unlink()
    assert main(arguments) == ExitCode.OUTPUT_FAILED
    assert "不属于这次输入" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["{in}/说明.txt", "-o", "{tmp}/out"], ["{in}", "{in}", "-o", "{tmp}/out"], ["{in}", "--scheduler", "tcp://x:1"]],
)
def test_a_command_that_means_nothing_is_refused(source: Path, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([argument.format_map({"in": source, "tmp": tmp_path}) for argument in arguments])
    assert caught.value.code == ExitCode.BAD_COMMAND
    assert not (tmp_path / "out").exists()
