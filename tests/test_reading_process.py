"""The process that reads: what it gives is what its reader gives, and what harms it harms nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.documents import DocumentBlock, ReadOptions, Refusal, RefusalKind, needs_process, read_blocks
from service.reading_process import ReadingProcess, ReadLimits

FOLDER = Path(__file__).parent / "documents" / "reading"
SENTENCE = "设立科技信贷风险补偿资金池。"


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    with ReadingProcess() as reading:
        yield reading


def child_of(process: ReadingProcess) -> int:
    """The child's process id; it runs."""
    assert process._child is not None
    return process._child._process.pid


def has_ended(identity: int) -> bool:
    """Whether a process is gone, or a zombie that nobody has asked after."""
    for _ in range(100):
        try:
            if Path(f"/proc/{identity}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("name", ["自动编号.docx", "扫描件.pdf", "人才问答.html", "项目清单.xlsx", "没有.docx"])
def test_it_gives_what_the_reader_gives(name: str, process: ReadingProcess) -> None:
    assert list(process.read(FOLDER / name, name)) == list(read_blocks(FOLDER / name, name))


def test_rows_of_json_lines_and_options_pass_through(tmp_path: Path, process: ReadingProcess) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "甲", "x": [1.5, null]}\n{\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text("甲,乙\n一,二\n", encoding="utf-8")
    for name, options in (("a.jsonl", ReadOptions()), ("a.csv", ReadOptions("乙"))):
        items = list(process.read(tmp_path / name, name, options))
        assert items == list(read_blocks(tmp_path / name, name, options))
        assert isinstance(items[0], DocumentBlock)


def test_a_name_that_is_not_utf8(tmp_path: Path, process: ReadingProcess) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/\xd5\xfe\xb2\xdf.html"))
    try:
        path.write_text(f"<html>{SENTENCE}", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes no such name")
    (block,) = process.read(path, "政策.html")
    assert isinstance(block, DocumentBlock)
    assert block.text == SENTENCE


@pytest.fixture
def slow_page(tmp_path: Path) -> Path:
    """A page that takes its reader minutes."""
    path = tmp_path / "慢.html"
    path.write_text("<html>" + "<!--" * 500_000, encoding="utf-8")
    return path


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read(slow_page: Path) -> None:
    for limits in (ReadLimits(cpu_seconds=1), ReadLimits(stall_seconds=1)):
        with ReadingProcess(limits) as process:
            (refusal,) = process.read(slow_page, "慢.html")
            assert isinstance(refusal, Refusal)
            assert "用时过长" in refusal.message
            assert refusal.kind == RefusalKind.TOO_LARGE
            if limits.cpu_seconds > 1:
                continue  # on a busy machine the next file may stall too
            assert len(list(process.read(FOLDER / "自动编号.docx", "a.docx"))) > 20


def test_the_columns_to_choose_from_come_out_of_the_process(process: ReadingProcess, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,摘要,内容\n1,甲,乙\n", encoding="utf-8")
    (refusal,) = process.read(path, "a.csv")
    assert isinstance(refusal, Refusal)
    assert refusal.columns == ("摘要", "内容", "编号")
    assert [refusal] == list(read_blocks(path, "a.csv"))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of memory there")
def test_a_file_that_swells_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    path = tmp_path / "远.xlsx"
    with zipfile.ZipFile(FOLDER / "项目清单.xlsx") as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, sheet if entry.filename.endswith("sheet1.xml") else source.read(entry))
    with ReadingProcess() as process:
        (refusal,) = process.read(path, "远.xlsx")
        assert isinstance(refusal, Refusal)
        assert "中止" in refusal.message
        assert len(list(process.read(FOLDER / "自动编号.docx", "a.docx"))) > 20


def test_a_member_of_an_archive_that_does_harm_takes_no_other_with_it(
    tmp_path: Path, slow_page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(unpacked))
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("一.txt", SENTENCE)
        archive.write(slow_page, "二.html")
        archive.writestr("三.html", f"<html>{SENTENCE}")
    with ReadingProcess(ReadLimits(cpu_seconds=1)) as process:
        first, refusal, last = process.read(path, "a.zip")
    assert list(unpacked.iterdir()) == []
    assert isinstance(first, DocumentBlock)
    assert isinstance(last, DocumentBlock)
    assert isinstance(refusal, Refusal)
    assert (first.place["file"], refusal.file, last.place["file"]) == ("a.zip/一.txt", "a.zip/二.html", "a.zip/三.html")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_child_that_is_killed_is_told_and_replaced() -> None:
    with ReadingProcess() as process:
        assert list(process.read(FOLDER / "自动编号.docx", "a.docx"))
        first = child_of(process)
        os.kill(first, signal.SIGKILL)
        (refusal,) = process.read(FOLDER / "自动编号.docx", "a.docx")
        assert isinstance(refusal, Refusal)
        assert list(process.read(FOLDER / "自动编号.docx", "a.docx"))
        assert child_of(process) != first


def test_a_reader_that_leaves_off_leaves_no_process() -> None:
    with ReadingProcess() as process:
        items = process.read(FOLDER / "自动编号.docx", "a.docx")
        next(items)
        child = child_of(process)
        items.close()  # type: ignore[attr-defined]
        assert has_ended(child)
        assert len(list(process.read(FOLDER / "人才问答.html", "a.html"))) > 20
        child = child_of(process)
    assert has_ended(child)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_a_parent_that_is_killed_leaves_no_process(slow_page: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from service.reading_process import ReadingProcess\n"
        "process = ReadingProcess(); list(process.read(Path(sys.argv[1]), 'a.docx'))\n"
        "print(process._child._process.pid, flush=True)\n"
        "list(process.read(Path(sys.argv[2]), 'b.html'))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, FOLDER / "自动编号.docx", slow_page], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert has_ended(child)


@pytest.mark.parametrize(
    ("name", "data", "needed"),
    [
        ("a.txt", b"a", False),
        ("a.csv", b"a", False),
        ("a.jsonl", b"{}", False),
        ("a.html", b"<p>", True),
        ("a.txt", b"%PDF-1.4", True),
        ("a.docx", b"a", False),  # refused before it is read
    ],
)
def test_what_can_do_harm_needs_a_process(name: str, data: bytes, needed: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert needs_process(tmp_path / name) is needed
    assert not needs_process(tmp_path / "没有.pdf")


def test_a_large_parent_does_not_cost_the_child_its_place() -> None:
    ballast = bytearray(600 * 1024 * 1024)
    ballast[::4096] = b"x" * len(ballast[::4096])  # resident
    with ReadingProcess() as process:
        assert list(process.read(FOLDER / "自动编号.docx", "a.docx"))
        first = child_of(process)
        assert list(process.read(FOLDER / "自动编号.docx", "a.docx"))
        assert child_of(process) == first
