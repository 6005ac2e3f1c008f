"""`policy-label` as users call it: files, folders, pipes, terminals, and everything that can go wrong."""

import codecs
import errno
import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from model.artifact import MODEL_VARIABLE
from model.labeller import Labeller
from service.label_command import ExitCode, build_parser, main

COMMAND = Path(sys.executable).with_name("policy-label")
LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
INCUBATOR = "新认定省级科技企业孵化器三家，在孵企业达到四百户。"
NOTHING = "修缮农村公路三十公里，改造老旧小区十二个。"
DOCUMENT = f"某市科技工作总结\n\n一、金融支撑\n{LOAN}\n二、其他\n{NOTHING}\n"

Run = Callable[..., int]


@pytest.fixture
def label(small_model_folder: Path) -> Run:
    """Runs the command in this process with the small model."""

    def run(*arguments: str | Path) -> int:
        return main([*map(str, arguments), "--model", str(small_model_folder)])

    return run


@pytest.fixture
def environment(small_model_folder: Path) -> dict[str, str]:
    """For the command as a process of its own: the small model, output buffered as usual."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, MODEL_VARIABLE: str(small_model_folder), "NO_COLOR": "1", "PYTHONUTF8": "1"}


def rows_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode("utf-8").splitlines()]


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_text_file_is_labelled(label: Run, labeller: Labeller, tmp_path: Path) -> None:
    (tmp_path / "总结.txt").write_text(DOCUMENT, encoding="utf-8")
    assert label(tmp_path / "总结.txt", "-o", tmp_path / "out.jsonl") == ExitCode.DONE
    first, second = rows_of((tmp_path / "out.jsonl").read_bytes())
    title = "某市科技工作总结"
    place = {"file": str(tmp_path / "总结.txt"), "paragraph": 1, "lines": [4, 4], "headings": [title, "一、金融支撑"]}
    assert first == {**place, "text": LOAN, **labeller.label([LOAN])[0].as_record()}
    assert (second["paragraph"], second["lines"], second["text"]) == (2, [6, 6], NOTHING)


def test_rows_keep_their_order_and_their_fields(
    label: Run, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = write_rows(
        tmp_path / "in.jsonl",
        {"id": "b", "text": LOAN, "year": 2024, "source": {"page": [1, None]}, "themes": ["old"]},
        {"text": NOTHING, "id": 1},
        {"id": "b", "text": ""},
    )
    assert label(source) == ExitCode.DONE
    first, second, third = rows_of(capsysbinary.readouterr().out)
    assert [first["id"], second["id"], third["id"]] == ["b", 1, "b"]
    assert (first["year"], first["source"]) == (2024, {"page": [1, None]})
    assert first["themes"] == ["tech_finance"]
    assert list(first)[:2] == ["id", "text"]
    assert third["themes"] == []


def test_a_summary_by_theme_ends_the_run(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": number, "text": text} for number, text in enumerate([LOAN, LOAN, INCUBATOR, "", "🙂"])]
    assert label(write_rows(tmp_path / "in.jsonl", *rows), "-o", tmp_path / "out.csv") == ExitCode.DONE
    captured = capsys.readouterr()
    assert captured.out == ""
    for part in ("共标注 5 段", "科技金融 2\n", "孵化器 1\n", "人才 0\n", "无主题 2"):
        assert part in captured.err
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()) == 6


def test_a_folder_is_labelled_with_its_folders_in_every_encoding(label: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "下级").mkdir(parents=True)
    for name, data in {
        "a.txt": DOCUMENT.encode("utf-8"),
        "b.md": codecs.BOM_UTF8 + DOCUMENT.replace("\n", "\r\n").encode("utf-8"),
        "c.txt": DOCUMENT.encode("gb18030"),
        "下级/d.TXT": codecs.BOM_UTF16_LE + DOCUMENT.encode("utf-16-le"),
        "下级/e.txt": codecs.BOM_UTF16_BE + DOCUMENT.encode("utf-16-be"),
        "下级/f.jsonl": json.dumps({"id": 1, "text": LOAN}).encode(),
        "g.png": b"\x89PNG",
    }.items():
        (source / name).write_bytes(data)
    out = source / "out.jsonl"
    for _ in range(2):  # the second time the result of the first lies in the folder
        assert label(source, "-o", out) == ExitCode.DONE
        rows = rows_of(out.read_bytes())
        files = [Path(row.pop("file")).name for row in rows if "file" in row]
        assert files == [name for name in ("a.txt", "b.md", "c.txt", "d.TXT", "e.txt") for _ in range(2)]
        assert rows[:2] * 5 == rows[:10]
        assert rows[10]["id"] == 1
        assert rows[10]["scores"] == rows[0]["scores"]


def test_files_that_were_passed_over_are_told(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "好.txt").write_text(DOCUMENT, encoding="utf-8")
    (source / "图.png").touch()
    assert label(source, "-o", tmp_path / "out.jsonl") == ExitCode.DONE
    assert "跳过 1 个" in (errors := capsys.readouterr().err)
    assert str(source / "图.png") in errors


def test_a_name_that_is_not_utf8_does_not_stop_the_run(label: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    try:
        Path(os.fsdecode(bytes(source) + b"/" + "政策".encode("gbk") + b".txt")).write_text(DOCUMENT, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert label(source, "-o", tmp_path / "out.jsonl") == ExitCode.DONE
    assert rows_of((tmp_path / "out.jsonl").read_bytes())[0]["file"] == f"{source}/����.txt"


def test_everything_that_is_wrong_is_told_and_the_rest_comes_out(tmp_path: Path, environment: dict[str, str]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (tmp_path / "空文件夹").mkdir()
    good = json.dumps({"id": "好", "text": LOAN}, ensure_ascii=False)
    bad_rows = [
        '{"id": "1", "text": "\\ud800"}',
        '{"id": "1", "text": "a\\u0000"}',
        '{"id": "1", "text": "甲", "备注": "\\udfff"}',
        '{"id": "1", "text": 5}',
        '{"id": [], "text": "甲"}',
        '{"id": ' + "9" * 5000 + ', "text": "甲"}',
        '{"id": "1", "text": "' + LOAN * 1000 + '"}',
        "[" * 100_000,
        "{",
    ]
    for name, data in {
        "a-好.txt": DOCUMENT.encode(),
        "b-空.txt": b"",
        "c-图片.txt": b"\x89PNG\r\n\x1a\n\0\0",
        "d-二进制.txt": b"\x7fELF\x02\0",
        "e-坏字节.txt": b"first line\nsecond \xff\xff\n",
        "f-长行.txt": f"{LOAN}\n{'甲' * 3_500_000}。\n{NOTHING}\n".encode(),
        "g-空字符.txt": codecs.BOM_UTF16_LE + "甲\0乙".encode("utf-16-le"),
        "h-只有标题.txt": "一、工作目标\n二、保障措施\n".encode(),
        "i-行.jsonl": "\n".join([good, *bad_rows, good]).encode(),
        "j-二进制.jsonl": b"\0\xff\n" * 100,
        "k-末尾.txt": DOCUMENT.encode("gb18030"),
        "l.png": b"\x89PNG",
        "m.docx": b"PK\x03\x04",
    }.items():
        (source / name).write_bytes(data)
    missing = tmp_path / "没有.txt"
    document = tmp_path / "文件.docx"
    document.write_bytes(b"PK\x03\x04")
    out = tmp_path / "out.jsonl"
    run = subprocess.run(
        [COMMAND, source, missing, document, tmp_path / "空文件夹", "-o", out],
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    errors = run.stderr.decode("utf-8")
    assert run.returncode == ExitCode.SOME_FAILED, errors
    assert "Traceback" not in errors
    rows = rows_of(out.read_bytes())
    assert [row.get("file", row.get("id")) for row in rows] == [
        *[str(source / "a-好.txt")] * 2,
        *[str(source / "f-长行.txt")] * 2,
        *["好"] * 2,
        *[str(source / "k-末尾.txt")] * 2,
    ]
    assert [row["text"] for row in rows] == [LOAN, NOTHING, LOAN, NOTHING, LOAN, LOAN, LOAN, NOTHING]
    for sentence in (
        "没有.txt：找不到这个文件或文件夹",
        "空文件夹：没有可标注的内容",
        "文件.docx：压缩包已损坏或不完整",
        "b-空.txt：文件是空的（0 字节）",
        "c-图片.txt：这是图片文件",
        "d-二进制.txt：第 6 个字节是空字节",
        "e-坏字节.txt：既不是有效的 UTF-8，也不是有效的 GB18030 文本：按 UTF-8 解码在第 2 行（第 19 个字节）出错",
        "f-长行.txt 第 2 行：有 3500001 字",
        "g-空字符.txt：第 2 个字符是空字符",
        "h-只有标题.txt：没有找到可标注的段落",
        "i-行.jsonl 第 2 行：第 1 个字符是不成对的代理码（\\ud800）",
        "i-行.jsonl 第 3 行：第 2 个字符是空字符",
        "i-行.jsonl 第 4 行：有字段含不成对的代理码",
        "i-行.jsonl 第 5 行：缺少字段 text，或 text 不是字符串",
        "i-行.jsonl 第 6 行：缺少字段 id，或 id 不是字符串或整数",
        "i-行.jsonl 第 7 行：有一个整数太长",
        f"i-行.jsonl 第 8 行：有 {len(LOAN) * 1000} 字",
        "i-行.jsonl 第 9 行：JSON 嵌套过深",
        "i-行.jsonl 第 10 行：不是有效的 JSON",
        "j-二进制.jsonl 第 1 行：第 1 个字节是空字节",
        "跳过 1 个暂不能读取的文件",
    ):
        assert sentence in errors, errors
    assert "120 处未能处理，其余已照常输出" in errors
    assert "j-二进制.jsonl：……另有 80 处" in errors
    assert errors.count("二进制.jsonl 第") == 20


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(["{tmp}/没有.txt"], ExitCode.BAD_COMMAND, "没有.txt：找不到", id="missing file"),
        pytest.param(["{tmp}/文件.txt/没有"], ExitCode.BAD_COMMAND, "找不到", id="missing below a file"),
        pytest.param(["{tmp}/" + "长" * 300], ExitCode.BAD_COMMAND, "无法访问", id="name too long"),
        pytest.param(["{tmp}/没有.txt", "{tmp}/空"], ExitCode.BAD_COMMAND, "没有可标注的内容", id="missing and empty"),
        pytest.param(["{tmp}/空"], ExitCode.NOTHING_TO_LABEL, "文件夹里没有文件", id="empty folder"),
        pytest.param(["{tmp}/别的"], ExitCode.NOTHING_TO_LABEL, "（.png、无扩展名）", id="only other kinds"),
        pytest.param(["{tmp}/文件.txt", "--model", "{tmp}/无"], ExitCode.NO_MODEL, "没有模型", id="missing model"),
        pytest.param(["{tmp}/文件.txt", "--model", "{tmp}/坏"], ExitCode.NO_MODEL, "policy-train", id="damaged model"),
    ],
)
def test_a_run_that_cannot_begin_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: ExitCode, sentence: str
) -> None:
    for folder in ("空", "别的", "坏"):
        (tmp_path / folder).mkdir()
    (tmp_path / "文件.txt").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "别的" / "a.png").touch()
    (tmp_path / "别的" / "README").touch()
    (tmp_path / "坏" / "manifest.json").write_text("{", encoding="utf-8")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    options = [*(argument.format(tmp=tmp_path) for argument in arguments), "-o", str(tmp_path / "out.jsonl")]
    assert main(options) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("错误：")
    assert sentence in captured.err
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [[], ["--unknown", "x"], ["x", "-o"]])
def test_a_wrong_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.BAD_COMMAND


@pytest.mark.parametrize(
    ("output", "sentence"), [("out.doc", "不认识输出文件的扩展名“.doc”"), ("没有/out.csv", "换一个文件夹")]
)
def test_an_output_that_cannot_be_written_is_told(
    label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, sentence: str
) -> None:
    (tmp_path / "in.txt").write_text(DOCUMENT, encoding="utf-8")
    assert label(tmp_path / "in.txt", "-o", tmp_path / output) == ExitCode.OUTPUT_FAILED
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_the_exit_codes_are_distinct_and_in_the_help() -> None:
    assert len({*ExitCode, 130}) == len(ExitCode) + 1
    run = subprocess.run(
        [COMMAND, "--help"], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )
    assert run.returncode == 0
    assert run.stderr == b""
    for code in ExitCode:
        assert re.search(rf"(?<!\d){int(code)} [\u4e00-\u9fff]", build_parser().format_help())


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"policy-themes \d+\.\d+\.\d+ \((fast|plain)\)\n", capsys.readouterr().out)


def test_a_console_in_gbk_does_not_stop_a_pipe_of_utf8(tmp_path: Path, environment: dict[str, str]) -> None:
    document = tmp_path / "政策𠮷.txt"
    document.write_text(DOCUMENT, encoding="utf-8")
    text = "𠮷安市" + INCUBATOR
    rows: list[dict[str, Any]] = [{"id": "𠮷🙂", "text": text}, {"id": 2, "text": NOTHING}]
    run = subprocess.run(
        [COMMAND, "-", document, "-", tmp_path / "没有🙂.txt"],
        input=write_rows(tmp_path / "in.jsonl", *rows).read_bytes(),
        env={**environment, "PYTHONUTF8": "0", "PYTHONIOENCODING": "gbk"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == ExitCode.SOME_FAILED
    labelled = rows_of(run.stdout)
    assert [row.get("id", row.get("file")) for row in labelled] == ["𠮷🙂", 2, str(document), str(document)]
    assert labelled[0]["text"] == text
    assert labelled[0]["themes"] == ["incubator"]
    errors = run.stderr.decode("gbk")
    assert "没有?.txt：找不到" in errors
    assert "标准输入" not in errors, "it is read once, however often it is named"
    assert "共标注 4 段" in errors


def test_standard_input_in_this_process(
    label: Run, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = f'{{"id": 1, "text": "{LOAN}"}}\nwrong\n'.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert label("-") == ExitCode.SOME_FAILED
    captured = capsysbinary.readouterr()
    assert [row["id"] for row in rows_of(captured.out)] == [1]
    assert "标准输入 第 2 行：不是有效的 JSON" in captured.err.decode()


def test_nothing_on_standard_input_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    run = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" - <&-', COMMAND], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert run.returncode == ExitCode.SOME_FAILED, run.stderr.decode()
    assert "标准输入：没有找到可标注的段落" in run.stderr.decode()
    assert run.stdout == b""


def test_a_reader_that_has_seen_enough_ends_the_run_in_silence(tmp_path: Path, environment: dict[str, str]) -> None:
    many = write_rows(tmp_path / "many.jsonl", *({"id": number, "text": "甲" * 50} for number in range(5000)))
    with subprocess.Popen([COMMAND, many], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["id"] == 0
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == ExitCode.DONE


def test_a_reader_that_was_never_there(tmp_path: Path, environment: dict[str, str]) -> None:
    few = write_rows(tmp_path / "few.jsonl", {"id": 1, "text": LOAN})
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [COMMAND, few], env=environment, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (ExitCode.DONE, b"")


@pytest.mark.parametrize("options", [[], ["--table"]])
def test_a_full_device_is_told(tmp_path: Path, environment: dict[str, str], options: list[str]) -> None:
    few = write_rows(tmp_path / "few.jsonl", {"id": 1, "text": LOAN})
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [COMMAND, few, *options], env=environment, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    errors = run.stderr.decode()
    assert run.returncode == ExitCode.OUTPUT_FAILED, errors
    assert errors.startswith("错误：写入标准输出失败")
    assert len(errors.splitlines()) == 1


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, environment: dict[str, str]) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no disk of our own can be mounted here")
    many = write_rows(tmp_path / "many.jsonl", *({"id": number, "text": LOAN} for number in range(100)))
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
        set -e
        mount -t tmpfs -o size=16k tmpfs {disk} || exit 99
        echo old > {disk}/out.jsonl
        code=0
        {COMMAND} {many} -o {disk}/out.jsonl || code=$?
        ls -A {disk}; cat {disk}/out.jsonl
        exit $code
    """
    run = subprocess.run(
        [unshare, "-m", "/bin/sh", "-c", script], env=environment, capture_output=True, check=False, timeout=60
    )
    if run.returncode == 99 or b"unshare" in run.stderr:
        pytest.skip("no disk of our own can be mounted here")
    assert run.returncode == ExitCode.OUTPUT_FAILED, run.stderr.decode()
    assert run.stdout == b"out.jsonl\nold\n"
    assert "磁盘空间" in run.stderr.decode()


@pytest.mark.parametrize(
    ("ending", "code", "names"),
    [
        pytest.param(signal.SIGINT, 130, [], id="interrupted"),
        pytest.param(signal.SIGTERM, 143, [], id="terminated"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, [".out.jsonl.lock", ".out.jsonl.part"], id="killed"),
    ],
)
def test_a_run_that_is_cut_off_leaves_no_half_written_file(
    tmp_path: Path, environment: dict[str, str], ending: signal.Signals, code: int, names: list[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with subprocess.Popen(
        [COMMAND, "-", "-o", folder / "out.jsonl"], env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(json.dumps({"id": 1, "text": LOAN}).encode() + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not any(folder.glob(".*.part")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(ending)
        assert process.wait(60) == code
        if ending is not signal.SIGKILL:
            assert "已中断" in process.stderr.read().decode()
    assert sorted(re.sub(r"\.\w+\.part$", ".part", path.name) for path in folder.iterdir()) == names


@pytest.fixture
def public_folder(small_model_folder: Path) -> Iterator[Path]:
    """A folder that every user can read, with the small model in it."""
    folder = Path(tempfile.mkdtemp(prefix="policy-themes-test-"))
    shutil.copytree(small_model_folder, folder / "model")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def without_root() -> Iterator[None]:
    """As a user whom permissions bind, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_told(public_folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    source = public_folder / "in"
    (source / "closed").mkdir(parents=True)
    for name in ("a.txt", "closed/b.txt", "c.txt"):
        (source / name).write_text(DOCUMENT, encoding="utf-8")
    options = ["--model", str(public_folder / "model")]
    assert main([str(source), *options]) == ExitCode.DONE  # and all that is imported late has been
    (source / "a.txt").chmod(0)
    (source / "closed").chmod(0)
    capsysbinary.readouterr()
    try:
        with without_root():
            code = main([str(source), str(source / "closed" / "b.txt"), *options])
    finally:
        (source / "closed").chmod(0o755)
    captured = capsysbinary.readouterr()
    assert code == ExitCode.SOME_FAILED
    assert [row["file"] for row in rows_of(captured.out)] == [str(source / "c.txt")] * 2
    errors = captured.err.decode()
    assert f"{source}/a.txt：无法读取（Permission denied）" in errors
    assert f"{source}/closed：无法打开这个文件夹（Permission denied）" in errors
    assert f"{source}/closed/b.txt：无法访问（Permission denied）" in errors


def on_terminal(
    arguments: list[str | Path], environment: dict[str, str], stdout: Path | None = None
) -> tuple[int, bytes]:
    """Run a command on a terminal, its output there too unless it goes to a file; returns exit code and what was shown."""
    master, terminal = pty.openpty()
    target = terminal if stdout is None else os.open(stdout, os.O_WRONLY | os.O_CREAT)
    process = subprocess.Popen(arguments, env=environment, stdin=terminal, stdout=target, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux says that the last writer has gone
                raise
            break
        if not part:
            break
        shown += part
    os.close(master)
    if stdout is not None:
        os.close(target)
    return process.wait(60), shown


def test_a_terminal_in_gbk_shows_a_table_and_progress(tmp_path: Path, environment: dict[str, str]) -> None:
    document = tmp_path / "in.txt"
    document.write_text(DOCUMENT + "三、🙂\n" + INCUBATOR.replace("三家", "𠮷家") + "\n", encoding="utf-8")
    settings = {"TERM": "xterm", "COLUMNS": "100", "PYTHONUTF8": "0", "PYTHONIOENCODING": "gbk"}
    code, data = on_terminal([COMMAND, document], {**environment, **settings})
    shown = data.decode("gbk")
    assert code == ExitCode.DONE, shown
    assert "段落（依据加粗）" in shown
    assert re.search(r"第 4 行.*科技金融 \d\.\d\d", shown)
    assert "1/1" in shown, "progress"
    assert "共标注 3 段" in shown
    assert '"themes"' not in shown
    assert "孵化器?家" in shown


def test_results_go_to_a_file_while_progress_is_on_the_terminal(tmp_path: Path, environment: dict[str, str]) -> None:
    document = tmp_path / "in.txt"
    document.write_text(DOCUMENT, encoding="utf-8")
    code, data = on_terminal([COMMAND, document], {**environment, "TERM": "xterm"}, stdout=tmp_path / "out")
    assert code == ExitCode.DONE
    assert [row["text"] for row in rows_of((tmp_path / "out").read_bytes())] == [LOAN, NOTHING]
    assert '"themes"' not in data.decode()
    assert "共标注 2 段" in data.decode()


def test_a_table_goes_where_it_was_asked_for(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text(DOCUMENT, encoding="utf-8")
    assert label(tmp_path / "in.txt", "--table") == ExitCode.DONE
    shown = capsys.readouterr().out
    assert re.search(r"第 4 行.*科技金融 \d\.\d\d", shown)
    assert "\x1b" not in shown


def test_a_table_whose_reader_has_seen_enough_is_no_failure(tmp_path: Path, environment: dict[str, str]) -> None:
    many = write_rows(tmp_path / "many.jsonl", *({"id": number, "text": LOAN} for number in range(2000)))
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [COMMAND, many, "--table"], env=environment, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (ExitCode.DONE, b"")


def test_nobody_reading_our_words_does_not_cost_the_result(tmp_path: Path, environment: dict[str, str]) -> None:
    few = write_rows(tmp_path / "few.jsonl", {"id": 1, "text": LOAN}, {"id": [], "text": ""})
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run([COMMAND, few, "-o", tmp_path / "out.csv"], env=environment, stderr=writing, check=False)
    os.close(writing)
    assert run.returncode == ExitCode.SOME_FAILED
    assert len((tmp_path / "out.csv").read_bytes().splitlines()) == 2


def test_workers_give_what_one_process_gives(label: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(30):
        (source / f"{number:02}.txt").write_text(DOCUMENT.replace("某市", f"第{number}市"), encoding="utf-8")
    (source / "07.txt").write_bytes(b"")
    write_rows(source / "10.jsonl", *({"id": number, "text": LOAN} for number in range(700)))
    assert label(source, "-o", tmp_path / "one.jsonl", "--workers", "1") == ExitCode.SOME_FAILED
    assert label(source, "-o", tmp_path / "three.jsonl", "--workers", "3") == ExitCode.SOME_FAILED
    assert len(rows_of((tmp_path / "one.jsonl").read_bytes())) == 29 * 2 + 700
    assert (tmp_path / "three.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_failures_are_counted_by_kind(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.txt").write_bytes(b"")
    (source / "b.txt").write_bytes(b"")
    (source / "c.txt").write_text("甲" * 30_000, encoding="utf-8")
    (source / "d.txt").write_text(DOCUMENT, encoding="utf-8")
    assert label(source, "-o", tmp_path / "out.jsonl") == ExitCode.SOME_FAILED
    errors = capsys.readouterr().err
    assert re.search(r"按原因：.*没有正文 \d", errors), errors


@pytest.mark.parametrize(
    "options",
    [["--resume"], ["--restart"], ["-o", "x.csv", "--resume", "--restart"], ["-o", "x.csv", "--workers", "0"]],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path), *options])
    assert caught.value.code == ExitCode.BAD_COMMAND


def test_standard_input_cannot_be_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["-", "-o", str(tmp_path / "out.csv"), "--resume"])
    assert caught.value.code == ExitCode.BAD_COMMAND


def test_an_output_in_a_missing_folder_is_told_before_the_model_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.txt").write_text(DOCUMENT, encoding="utf-8")
    for name, words in (("没有/out.csv", "没有这个文件夹"), ("out.doc", "不认识输出文件的扩展名")):
        options = ["-o", str(tmp_path / name), "--model", str(tmp_path / "no model")]
        assert main([str(tmp_path / "in.txt"), *options]) == ExitCode.OUTPUT_FAILED
        assert words.replace("这个", f" {tmp_path / '没有'} 这个") in capsys.readouterr().err


def test_documents_of_every_format_are_labelled(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    shutil.copytree(Path(__file__).parent / "documents" / "reading", source)
    (source / "旧.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"))
    out = tmp_path / "out.jsonl"
    assert label(source, "-o", out) == ExitCode.SOME_FAILED
    rows = [row for row in rows_of(out.read_bytes()) if "file" in row]
    assert {Path(row["file"]).suffix for row in rows} >= {".docx", ".pdf", ".html", ".xlsx", ".xls", ".ods"}
    errors = capsys.readouterr().err
    assert "扫描件.pdf 第 1 页：这一页是图片" in errors
    assert "旧.doc：这是旧版 Word 文件" in errors
    (row,) = [row for row in rows if row["file"].endswith(".xlsx") and row["row"] == 7]
    assert row["columns"]["县区"] == "西山县"
    assert row["headings"] == ["第二批"]


def test_the_column_of_text_is_named(label: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "a.csv"
    table.write_text(f"甲,乙\n{LOAN},{INCUBATOR}\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert label(table, "-o", out) == ExitCode.SOME_FAILED
    said = capsys.readouterr().err
    assert "这里的列是：甲、乙。请用 --text-column 指明正文所在的列。" in said
    assert "text_column" not in said
    assert label(table, "--text-column", "乙", "-o", out) == ExitCode.DONE
    (row,) = rows_of(out.read_bytes())
    assert (row["text"], row["columns"], row["row"]) == (INCUBATOR, {"甲": LOAN}, 2)
