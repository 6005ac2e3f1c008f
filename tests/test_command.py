import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from model.artifact import LAYOUT, default_model_folder, load_labeller
from model.labeller import Labeller
from training.command import FAILED, INTERRUPTED, build_parser, default_data_folder, main
from training.train import STEPS

REPOSITORY = Path(__file__).resolve().parent.parent
REAL = REPOSITORY.parent / "shared" / "real"
GOLD = [
    {
        "id": "a",
        "text": "引进领军人才和创新团队，给予博士安家补贴。",
        "themes": ["talent"],
        "primary": "talent",
        "source": "x",
    },
    {"id": "b", "text": "新认定科技企业孵化器三家。", "themes": ["incubator"], "primary": "incubator", "source": "x"},
    {"id": "c", "text": "农村公路改造完成。", "themes": [], "primary": "other", "source": "y"},
]


class Run(NamedTuple):
    """What a run of the command gave."""

    code: int
    out: str
    err: str


class Command:
    """Runs `policy-train` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Run:
        try:
            code: object = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        assert isinstance(code, int)
        return Run(code, out, err)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write(tmp_path / "gold.jsonl", GOLD)


def assert_refused(run: Run, *what: str) -> None:
    """Fail unless the run ended with a sentence, on one line, and nothing else."""
    assert run.code == FAILED
    assert run.out == ""
    assert run.err.startswith("错误：")
    assert run.err.endswith("\n")
    for one in what:
        assert one in run.err


def test_training_in_another_process_gives_the_same_bytes_and_tells_of_it(
    tiny_data: Path, tiny_model_folder: Path, tmp_path: Path
) -> None:
    data, output = tmp_path / "data", tmp_path / "new" / "[bold]model"
    shutil.copytree(tiny_data, data)
    for path in data.rglob("*.jsonl"):  # as a checkout on Windows would have them
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    process = start("train", "--data", data, "--output", output, PYTHONHASHSEED="7")
    out, err = (stream.decode("gbk") for stream in process.communicate(timeout=300))
    assert process.returncode == 0
    for path in tiny_model_folder.iterdir():
        assert (output / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(err.splitlines()) == STEPS
    labeller = load_labeller(tiny_model_folder)
    assert f"模型 {labeller.version} 已保存到 {output}" in out
    scores = labeller.card["scores"]["cross_validation"]
    macro = re.search(r"宏平均 F1 ([\d.]+)", out)
    assert macro is not None
    assert float(macro[1]) == pytest.approx(scores["macro_f1"], abs=6e-4)
    for theme, row in scores["themes"].items():
        line = next(line for line in out.splitlines() if theme in line)
        shown = [float(cell) for cell in line.split("|")[2:5]]
        assert shown == pytest.approx([row[name] for name in ("precision", "recall", "f1")], abs=6e-4)


def test_without_arguments_the_default_model_is_trained_from_the_data_of_the_software() -> None:
    options, explicit = build_parser().parse_args([]), build_parser().parse_args(["train"])
    assert default_data_folder() == REPOSITORY / "datasets"
    assert (options.data, options.output) == (default_data_folder(), default_model_folder())
    assert (options.run, options.data, options.output) == (explicit.run, explicit.data, explicit.output)


def test_training_refuses_wrong_data(command: Command, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "[red]data"
    folder.mkdir()
    for path in small_data.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "documents.jsonl").unlink()
    (folder / "documents.jsonl").write_text("{}\n", encoding="utf-8")
    for name in ("train", "check", "census", "cross-validate"):
        output: list[str | Path] = ["--output", tmp_path / "model"] if name == "train" else []
        run = command(name, "--data", folder, *output)
        assert_refused(run, f"{folder / 'documents.jsonl'} 第 1 行，字段 id：")
    assert not (tmp_path / "model").exists()


def test_training_refuses_to_take_a_folder_from_its_owner(command: Command, small_data: Path, tmp_path: Path) -> None:
    (tmp_path / "论文.docx").write_text("要紧", encoding="utf-8")
    assert_refused(command("train", "--data", small_data, "--output", tmp_path), "论文.docx", "另选一个文件夹")
    assert (tmp_path / "论文.docx").exists()


def test_training_into_a_place_that_cannot_be_is_refused_at_once(
    command: Command, small_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert_refused(
        command("train", "--data", small_data, "--output", tmp_path / "file" / "model"), str(tmp_path / "file")
    )


def test_check_counts_the_data(command: Command, small_data: Path, labeller: Labeller) -> None:
    run = command("check", "--data", small_data)
    counts = labeller.card["data"]
    assert (run.code, run.err) == (0, "")
    assert run.out == (
        f"{counts['documents']} 份文件，{counts['sentences']} 句，{counts['paragraphs']} 段，{counts['terms']} 个词条；"
        "近似重复（Jaccard > 0.4）0 对\n"
    )


def test_check_fails_on_records_that_repeat_one_another(command: Command, small_data: Path, tmp_path: Path) -> None:
    for path in small_data.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "sentences").unlink()
    (tmp_path / "sentences").mkdir()
    first = json.loads((min((small_data / "sentences").iterdir())).read_text(encoding="utf-8").splitlines()[0])
    again = {**first, "id": "again", "text": f"另外，{first['text']}"}
    write(tmp_path / "sentences" / "a.jsonl", [first, again])
    run = command("check", "--data", tmp_path)
    assert (run.code, run.err) == (FAILED, "")
    assert f"近似重复：{first['id']} 与 again，相似度 0." in run.out
    assert run.out.endswith("1 对\n")


@pytest.mark.parametrize("name", ["train", "check", "census", "cross-validate", "agreement"])
def test_a_missing_data_folder_is_named(command: Command, tmp_path: Path, name: str) -> None:
    assert_refused(command(name, "--data", tmp_path / "none"), str(tmp_path / "none"))


def test_evaluate_shows_the_model_and_the_keyword_rule(command: Command, small_model_folder: Path, gold: Path) -> None:
    run = command("evaluate", gold, "--model", small_model_folder)
    assert (run.code, run.err) == (0, "")
    by_model, by_rule = run.out.split("## 关键词规则")
    assert f"模型 {load_labeller(small_model_folder).version}，3 段" in by_model
    assert "宏平均 F1 1.000" in by_model
    assert "宏平均 F1 1.000" in by_rule.split("##")[0]


@pytest.mark.parametrize("text", ["。", "引进领军人才。"])
def test_evaluate_on_a_single_paragraph(command: Command, small_model_folder: Path, tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "one.jsonl", [{"id": 1, "text": text, "themes": []}])
    assert command("evaluate", path, "--model", small_model_folder).code == 0


def test_evaluate_where_every_paragraph_is_for_review(
    command: Command, labeller: Labeller, small_model_folder: Path, tmp_path: Path, small_data: Path
) -> None:
    texts = [
        json.loads(line)["text"]
        for path in sorted((small_data / "paragraphs").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    unsure = next(text for text, label in zip(texts, labeller.label(texts), strict=True) if label.uncertain)
    path = write(tmp_path / "one.jsonl", [{"id": 1, "text": unsure, "themes": []}])
    assert command("evaluate", path, "--model", small_model_folder).code == 0


def test_evaluate_refuses_a_wrong_gold_file(command: Command, small_model_folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "[bold]gold.jsonl", [GOLD[0], {**GOLD[1], "themes": ["finance"]}])
    assert_refused(command("evaluate", path, "--model", small_model_folder), f"{path} 第 2 行，字段 themes", "finance")
    assert_refused(command("evaluate", tmp_path / "none", "--model", small_model_folder), str(tmp_path / "none"))
    path.write_text("", encoding="utf-8")
    assert_refused(command("evaluate", path, "--model", small_model_folder), "没有一条记录")


def test_evaluate_refuses_a_missing_or_damaged_model(command: Command, gold: Path, tmp_path: Path) -> None:
    assert_refused(command("evaluate", gold, "--model", tmp_path / "none"), str(tmp_path / "none"), "policy-train")
    (tmp_path / LAYOUT.manifest).write_text("{", encoding="utf-8")
    assert_refused(command("evaluate", gold, "--model", tmp_path), "已损坏", "policy-train")


@pytest.fixture
def blocks(tmp_path: Path) -> Path:
    """A document and its cut."""
    (tmp_path / "a.txt").write_text("青石市规划\n引进博士，\n十名。\n道路畅通。\n", encoding="utf-8")
    rows = [([1], "heading"), ([2, 3], "paragraph"), ([4], "paragraph")]
    return write(tmp_path / "blocks.jsonl", [{"document": "a.txt", "lines": one, "kind": kind} for one, kind in rows])


def test_blocks_prints_both_figures(command: Command, blocks: Path) -> None:
    run = command("blocks", blocks, blocks.parent)
    assert (run.code, run.err) == (0, "")
    assert "段落边界 F1 1.000" in run.out
    assert "类别正确率 1.000" in run.out


def test_blocks_fails_below_its_goals_and_says_where(command: Command, blocks: Path) -> None:
    (blocks.parent / "a.txt").write_text("青石市规划\n引进博士，\n十名。\n道路畅通\n", encoding="utf-8")
    run = command("blocks", blocks, blocks.parent)
    assert run.code == FAILED
    assert "a.txt 第 4-4 行：应为 paragraph，得到 heading" in run.out
    assert "类别正确率 0.667" in run.out


def test_blocks_refuses_what_it_cannot_read(command: Command, blocks: Path, tmp_path: Path) -> None:
    assert_refused(command("blocks", tmp_path / "none", tmp_path), str(tmp_path / "none"))
    assert_refused(command("blocks", blocks, tmp_path / "none"), str(tmp_path / "none" / "a.txt"))
    (tmp_path / "a.txt").write_bytes("青石".encode("gb18030"))
    assert_refused(command("blocks", blocks, tmp_path), str(tmp_path / "a.txt"), "UTF-8")
    blocks.write_text('{"document": 5}\n', encoding="utf-8")
    assert_refused(command("blocks", blocks, tmp_path), f"{blocks} 第 1 行，字段 document")


@pytest.mark.skipif(not (REAL / "blocks.jsonl").exists(), reason="the real documents are not here")
def test_blocks_of_the_real_documents_reach_the_goals(command: Command) -> None:
    assert command("blocks", REAL / "blocks.jsonl", REAL / "documents").code == 0


@pytest.mark.parametrize(
    "arguments",
    [["fly"], ["--fly"], ["train", "--fly"], ["evaluate"], ["blocks", "one"], ["check", "extra"], ["train", "--data"]],
)
def test_a_wrong_command_ends_with_2_and_its_usage(command: Command, arguments: list[str]) -> None:
    run = command(*arguments)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("usage: policy-train")


@pytest.mark.parametrize(
    "name", ["train", "check", "evaluate", "blocks", "cross-validate", "census", "agreement", "compare", "ablate"]
)
def test_every_command_has_help(command: Command, name: str) -> None:
    assert name in command("--help").out
    run = command(name, "--help")
    assert run.code == 0
    assert run.out.startswith(f"usage: policy-train {name}")


def test_version(command: Command) -> None:
    run = command("--version")
    assert (run.code, run.out) == (0, f"policy-themes {version('policy-themes')}\n")


def start(*arguments: str | Path, **variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "training.command", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "gbk", **variables},  # the console of a Chinese Windows
    )


def test_a_process_of_its_own_ends_with_the_code_and_a_sentence(tmp_path: Path) -> None:
    process = start("check", "--data", tmp_path / "\U0002f804")
    out, err = process.communicate(timeout=60)
    assert process.returncode == FAILED
    assert out == b""
    assert err.decode("gbk").startswith("错误：找不到数据文件夹")
    assert b"Traceback" not in err


def test_an_interrupted_training_leaves_the_model_as_it_was(tiny_data: Path, tmp_path: Path) -> None:
    process = start("train", "--data", tiny_data, "--output", tmp_path / "model")
    assert process.stderr is not None
    assert "读入" in process.stderr.readline().decode("gbk")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert b"Traceback" not in err
    assert "已中断" in err.decode("gbk")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_is_no_error(tiny_data: Path) -> None:
    process = start("census", "--data", tiny_data)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert err == b""
