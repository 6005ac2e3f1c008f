"""Long runs that are stopped and go on: nothing lost, nothing twice, the same bytes in the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from model.artifact import MODEL_VARIABLE
from service.label_command import ExitCode
from service.run_journal import journal_path

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
NOTHING = "修缮农村公路三十公里，改造老旧小区十二个。"

# The command as a process that remembers from its first moment on, and kills itself at a point that the test names.
KILLED = """
import os, signal, sys
from pathlib import Path
import service.run_journal as run_journal
run_journal._WORTHWHILE_SECONDS = run_journal._SYNC_SECONDS = 0
{patch}
from service.label_command import main
sys.exit(main(sys.argv[1:]))
"""
AT_CALL = """
def dying(owner, name, count, half=False):
    real = getattr(owner, name)
    def call(*arguments, **named):
        nonlocal count
        count -= 1
        if count:
            return real(*arguments, **named)
        if half:
            arguments[0]._buffer = arguments[0]._buffer[:len(arguments[0]._buffer) // 2]
            real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, call)
"""

FIXED_START = """
import service.run as of_run
from datetime import UTC, datetime
class Clock(datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime(2026, 11, 1, 8, tzinfo=UTC)
of_run.datetime = Clock
"""
LATER_START = FIXED_START.replace("2026, 11, 1", "2026, 11, 2")

Whole = Callable[[str], tuple[bytes, str]]
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def command(small_model_folder: Path) -> Run:
    """Runs the command as a process of its own, with some code before it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, MODEL_VARIABLE: str(small_model_folder), "NO_COLOR": "1", "PYTHONUTF8": "1"}

    def run(*arguments: str | Path, patch: str = "") -> subprocess.CompletedProcess[bytes]:
        code = KILLED.format(patch=AT_CALL + patch)
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, check=False, timeout=60
        )

    return run


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents, one with rows that are wrong, one empty, one without a text, one long; not to be changed."""
    folder = tmp_path_factory.mktemp("in")
    for number in range(12):
        text = f"某市第{number}年总结\n\n一、金融支撑\n{LOAN}\n二、其他\n{NOTHING}\n"
        (folder / f"{number:02}.txt").write_text(text, encoding="utf-8")
    (folder / "05.txt").write_bytes(b"")
    (folder / "05.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    rows = [json.dumps({"id": number, "text": LOAN}) if number % 100 else "wrong" for number in range(1500)]
    (folder / "07.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def undisturbed(command: Run, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The result of an undisturbed run over `documents` by its ending, and what was told."""

    @cache
    def whole(ending: str) -> tuple[bytes, str]:
        out = tmp_path_factory.mktemp("whole") / f"out{ending}"
        run = command(documents, "-o", out, patch=FIXED_START)
        assert run.returncode == ExitCode.SOME_FAILED
        assert hidden(out.parent) == []
        return out.read_bytes(), run.stderr.decode()

    return whole


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


FIRST_COMMIT = "dying(run_journal.RunJournal, 'commit', 1)"
INSIDE_A_SOURCE = "dying(run_journal.RunJournal, 'commit', 5)"
HALF_A_LINE = "dying(run_journal.RunJournal, '_write', 4, half=True)"
BEFORE_SYNC = "dying(os, 'fsync', 3)"
BEFORE_NAME = "dying(Path, 'replace', 1)"
AFTER_NAME = "dying(run_journal.RunJournal, 'remove', 1)"


@pytest.mark.parametrize(
    ("ending", "patch"),
    [
        pytest.param(".jsonl", FIRST_COMMIT, id="before the first commit"),
        pytest.param(".csv", INSIDE_A_SOURCE, id="inside a long source"),
        pytest.param(".jsonl", HALF_A_LINE, id="in the middle of a line"),
        pytest.param(".html", BEFORE_SYNC, id="before a commit is on the disk"),
        pytest.param(".parquet", BEFORE_NAME, id="before the result has its name"),
        pytest.param(".xlsx", INSIDE_A_SOURCE, id="a workbook"),
        pytest.param(".jsonl", AFTER_NAME, id="when the result has its name"),
    ],
)
def test_a_killed_run_goes_on(
    command: Run, documents: Path, tmp_path: Path, undisturbed: Whole, patch: str, ending: str
) -> None:
    whole, told_whole = undisturbed(ending)
    out = tmp_path / f"out{ending}"
    killed = command(documents, "-o", out, patch=FIXED_START + patch)
    assert killed.returncode == -signal.SIGKILL
    assert out.exists() == (patch == AFTER_NAME)
    if journal_path(out).exists():
        told = command(documents, "-o", out)
        assert told.returncode == ExitCode.BAD_COMMAND
        assert "接着做请加 --resume，从头开始请加 --restart" in told.stderr.decode()
    resumed = command(
        documents, "-o", out, "--resume", patch=LATER_START if journal_path(out).exists() else FIXED_START
    )
    assert resumed.returncode == ExitCode.SOME_FAILED, resumed.stderr.decode()
    assert out.read_bytes() == whole
    assert hidden(tmp_path) == []
    assert resumed.stderr.decode().endswith(told_whole), (
        "the summary tells of the whole run, what was refused before the kill included"
    )


def test_a_run_killed_again_and_again_goes_on(
    command: Run, documents: Path, tmp_path: Path, undisturbed: Whole
) -> None:
    out = tmp_path / "out.jsonl"
    kills = 0
    while command(documents, "-o", out, "--resume", patch="dying(run_journal.RunJournal, 'commit', 2)").returncode < 0:
        kills += 1
        assert kills < 20, "a run that is killed after one commit still gets on"
    assert kills >= 3
    assert out.read_bytes() == undisturbed(".jsonl")[0]


def test_only_what_is_not_done_is_labelled_again(command: Run, documents: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    command(documents, "-o", out, patch="dying(run_journal.RunJournal, 'commit', 5)")
    count = """
import service.source_reader as reader
real = reader.read_paragraphs
def told(path, options):
    print("READ", path.name)
    return real(path, options)
reader.read_paragraphs = told
"""
    resumed = command(documents, "-o", out, "--resume", patch=count)
    read = resumed.stdout.decode().split()[1::2]
    assert read[0] == "07.jsonl", "the source that was being read is read again"
    assert read == sorted(path.name for path in documents.iterdir())[8:]
    assert "接着上次做：已完成 8 个文件" in resumed.stderr.decode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("other model", "模型已经换了"),
        ("changed", "有 1 个文件后来改动过"),
        ("gone", "少了 1 个文件"),
        ("new", "多了 1 个文件"),
    ],
)
def test_another_run_is_not_gone_on_with(
    command: Run, documents: Path, tmp_path: Path, tiny_model_folder: Path, change: str, sentence: str
) -> None:
    documents = shutil.copytree(documents, tmp_path / "in")
    out = tmp_path / "out.jsonl"
    command(documents, "-o", out, patch="dying(run_journal.RunJournal, 'commit', 3)")
    options: list[str | Path] = []
    match change:
        case "other model":
            options = ["--model", tiny_model_folder]
        case "changed":
            (documents / "11.txt").write_text(LOAN, encoding="utf-8")
        case "gone":
            (documents / "11.txt").unlink()
        case "new":
            shutil.copy(documents / "11.txt", documents / "12.txt")
    refused = command(documents, "-o", out, "--resume", *options)
    assert refused.returncode == ExitCode.BAD_COMMAND
    assert sentence in refused.stderr.decode()
    assert "--restart" in refused.stderr.decode()
    assert command(documents, "-o", out, "--restart", *options).returncode == ExitCode.SOME_FAILED
    assert hidden(tmp_path) == []


def test_a_damaged_journal_is_not_gone_on_with(command: Run, documents: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    journal_path(out).write_bytes(b"\0" * 100)
    refused = command(documents, "-o", out, "--resume")
    assert refused.returncode == ExitCode.BAD_COMMAND
    assert "不完整" in refused.stderr.decode()
    assert not out.exists()


def test_damage_in_the_middle_costs_what_follows_and_no_more(
    command: Run, documents: Path, tmp_path: Path, undisturbed: Whole
) -> None:
    out = tmp_path / "out.jsonl"
    command(documents, "-o", out, patch="dying(run_journal.RunJournal, 'commit', 6)")
    data = bytearray(journal_path(out).read_bytes())
    data[len(data) // 2] ^= 1
    journal_path(out).write_bytes(data)
    assert command(documents, "-o", out, "--resume").returncode == ExitCode.SOME_FAILED
    assert out.read_bytes() == undisturbed(".jsonl")[0]


def test_resuming_what_never_began_is_a_run_like_any_other(command: Run, documents: Path, tmp_path: Path) -> None:
    assert command(documents, "-o", tmp_path / "out.csv", "--resume").returncode == ExitCode.SOME_FAILED
    assert (tmp_path / "out.csv").exists()
    assert hidden(tmp_path) == []


def test_an_interrupted_run_says_how_to_go_on(
    command: Run, documents: Path, tmp_path: Path, undisturbed: Whole
) -> None:
    interrupt = "dying(run_journal.RunJournal, 'commit', 4)\nos.kill = lambda *_: signal.raise_signal(signal.SIGINT)"
    run = command(documents, "-o", tmp_path / "out.csv", patch=interrupt)
    assert run.returncode == 130
    assert "已中断" in run.stderr.decode()
    assert "接着做请加 --resume" in run.stderr.decode()
    assert hidden(tmp_path) == [".out.csv.journal"]
    assert command(documents, "-o", tmp_path / "out.csv", "--resume").returncode == ExitCode.SOME_FAILED
    assert (tmp_path / "out.csv").read_bytes() == undisturbed(".csv")[0]


def test_a_short_run_leaves_no_journal(command: Run, documents: Path, tmp_path: Path) -> None:
    forget = "run_journal._WORTHWHILE_SECONDS = 60\n"
    killed = command(documents, "-o", tmp_path / "out.csv", patch=forget + "dying(Path, 'replace', 1)")
    assert killed.returncode == -signal.SIGKILL
    assert sorted(name.rpartition(".")[2] for name in hidden(tmp_path)) == ["lock", "part"]
    assert command(documents, "-o", tmp_path / "out.csv", patch=forget).returncode == ExitCode.SOME_FAILED
    assert hidden(tmp_path) == []


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_space(
    documents: Path, tmp_path: Path, undisturbed: Whole, small_model_folder: Path
) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no disk of our own can be mounted here")
    (disk := tmp_path / "disk").mkdir()
    (tmp_path / "run.py").write_text(KILLED.format(patch=""), encoding="utf-8")
    run_it = f"{sys.executable} {tmp_path}/run.py {documents} -o {disk}/out.jsonl --model {small_model_folder}"
    script = f"""
        mount -t tmpfs -o size=600k tmpfs {disk} || exit 99
        {run_it}; echo $?; ls -A {disk}
        mount -o remount,size=8m {disk}
        {run_it} --resume; echo $?; ls -A {disk}
        cp {disk}/out.jsonl {tmp_path}/out.jsonl
    """
    run = subprocess.run([unshare, "-m", "/bin/sh", "-c", script], capture_output=True, check=False, timeout=60)
    if run.returncode == 99 or b"unshare" in run.stderr:
        pytest.skip("no disk of our own can be mounted here")
    assert run.stdout.split() == [b"5", b".out.jsonl.journal", b"1", b"out.jsonl"], run.stderr.decode()
    errors = run.stderr.decode()
    assert "请检查磁盘空间" in errors
    assert "接着做请加 --resume" in errors
    assert (tmp_path / "out.jsonl").read_bytes() == undisturbed(".jsonl")[0]


def test_countless_refusals_of_a_source_are_counted_and_not_all_kept(command: Run, tmp_path: Path) -> None:
    rows = [json.dumps({"id": 1, "text": LOAN}), *["wrong"] * 1500, json.dumps({"id": 2, "text": LOAN})]
    (tmp_path / "many.jsonl").write_text("\n".join(rows), encoding="utf-8")
    out = tmp_path / "out.jsonl"
    killed = command(tmp_path / "many.jsonl", "-o", out, patch="dying(run_journal.RunJournal, 'commit', 6)")
    assert killed.returncode == -signal.SIGKILL
    run = command(tmp_path / "many.jsonl", "-o", out, "--resume")
    assert run.returncode == ExitCode.SOME_FAILED
    assert [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()] == [1, 2]
    errors = run.stderr.decode()
    assert "1001 处未能处理" in errors
    assert "many.jsonl 第 2 行" in errors
