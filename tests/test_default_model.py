"""Which model is served, and how the default one comes to be: once, whoever asks first."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.artifact import LAYOUT, MODEL_VARIABLE
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Labeller
from service.default_model import find_labeller

REPOSITORY = Path(__file__).resolve().parent.parent


def never(sentence: str) -> None:
    """For runs in which nothing is trained."""
    raise AssertionError(sentence)


@pytest.fixture(autouse=True)
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, without a model; no model is named by the environment."""
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "installation"))
    (tmp_path / "installation").mkdir()
    return tmp_path / "installation"


def default_folder(prefix: Path) -> Path:
    return prefix / "share" / "policy-themes" / "model"


def put_default_model(prefix: Path, source: Path) -> Path:
    folder = default_folder(prefix)
    shutil.copytree(source, folder)
    return folder


def test_the_default_model_is_found(prefix: Path, small_model_folder: Path, labeller: Labeller) -> None:
    put_default_model(prefix, small_model_folder)
    assert find_labeller(None, never).version == labeller.version


def test_the_environment_names_a_model(
    small_model_folder: Path, labeller: Labeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(small_model_folder))
    assert find_labeller(None, never).version == labeller.version


def test_an_empty_variable_names_none(
    prefix: Path, small_model_folder: Path, labeller: Labeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_default_model(prefix, small_model_folder)
    monkeypatch.setenv(MODEL_VARIABLE, "")
    assert find_labeller(None, never).version == labeller.version


def test_the_folder_that_was_asked_for_comes_first(
    tmp_path: Path, small_model_folder: Path, labeller: Labeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "none"))
    assert find_labeller(small_model_folder, never).version == labeller.version


def test_a_missing_model_that_was_asked_for_is_not_trained(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "none"
    with pytest.raises(ArtifactMissingError, match="没有模型") as caught:
        find_labeller(folder, never)
    assert str(folder) in str(caught.value)
    monkeypatch.setenv(MODEL_VARIABLE, str(folder))
    with pytest.raises(ArtifactMissingError, match="没有模型"):
        find_labeller(None, never)
    assert not folder.exists()
    assert not default_folder(prefix).exists()


@pytest.mark.parametrize("name", [LAYOUT.pipeline, LAYOUT.lexicon, LAYOUT.manifest])
def test_a_damaged_default_model_is_refused_and_left_as_it_is(
    prefix: Path, small_model_folder: Path, name: str
) -> None:
    folder = put_default_model(prefix, small_model_folder)
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 0x01
    (folder / name).write_bytes(damaged)
    with pytest.raises(ArtifactError, match="policy-train") as caught:
        find_labeller(None, never)
    assert name in str(caught.value)
    assert not isinstance(caught.value, ArtifactMissingError)
    assert (folder / name).read_bytes() == damaged


def test_a_default_model_without_one_of_its_files_is_not_taken_for_a_missing_one(
    prefix: Path, small_model_folder: Path
) -> None:
    folder = put_default_model(prefix, small_model_folder)
    (folder / LAYOUT.pipeline).unlink()
    with pytest.raises(ArtifactError, match=re.escape(LAYOUT.pipeline)):
        find_labeller(None, never)


def test_a_place_that_cannot_be_written_is_named(prefix: Path) -> None:
    (prefix / "share").write_text("a file", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"不能在 .*保存默认模型.*--model") as caught:
        find_labeller(None, never)
    assert str(default_folder(prefix).parent) in str(caught.value)


def test_a_training_that_fails_is_told(
    prefix: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    told: list[str] = []
    for _ in range(2):  # the lock of the first is gone
        with pytest.raises(ArtifactError, match="默认模型训练失败"):
            find_labeller(None, told.append)
    assert len(told) == 2
    assert "还没有模型" in told[0]
    assert capfd.readouterr().out == ""
    assert not default_folder(prefix).exists()


_COMMAND = """\
import sys
sys.prefix = sys.argv.pop(1)
from service.label_command import main
sys.exit(main())
"""


@pytest.fixture
def checkout(tmp_path: Path, small_data: Path) -> Path:
    """The software as it is, with a part of its data, so that training the default model takes seconds."""
    folder = tmp_path / "checkout"
    for package in ("model", "training", "service"):
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(small_data, folder / "datasets")
    return folder


def test_of_two_processes_that_start_together_one_trains(prefix: Path, checkout: Path, labeller: Labeller) -> None:
    source = checkout / "in.jsonl"
    source.write_text('{"id": 1, "text": "新认定省级科技企业孵化器三家，在孵企业四百户。"}\n', encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != MODEL_VARIABLE}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(prefix), str(source)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=checkout,
            env={**environment, "PYTHONPATH": str(checkout)},
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    rows = [json.loads(output) for output, _errors in ends]
    assert rows[0] == rows[1]
    assert rows[0]["themes"] == ["incubator"]
    messages = [errors for _output, errors in ends]
    assert sum("还没有模型" in message for message in messages) == 1, messages
    assert sum("交叉验证" in message for message in messages) == 1, "the user sees how far it is"
    assert {path.name for path in default_folder(prefix).parent.iterdir()} <= {"model", "model.lock"}
    manifest = json.loads((default_folder(prefix) / LAYOUT.manifest).read_text(encoding="utf-8"))
    assert all(manifest["version"] in message for message in messages)
    assert find_labeller(None, never).version == manifest["version"] == labeller.version
