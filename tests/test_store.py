"""The store of released models: whole versions, one current, and nothing else is loaded."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model.artifact import load_labeller
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Labeller
from model.store import ModelStore

GOLDEN = ["设立科技信贷风险补偿资金池。", "修缮农村公路。", "", "🙂"]


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


@pytest.fixture
def filled(store: ModelStore, small_model_folder: Path, tiny_model_folder: Path) -> ModelStore:
    """A store with two releases; the tiny model is current."""
    store.release(small_model_folder, GOLDEN)
    store.release(tiny_model_folder, GOLDEN)
    return store


def test_a_release_is_current_and_labels_as_it_did(
    store: ModelStore, small_model_folder: Path, labeller: Labeller
) -> None:
    version = store.release(small_model_folder, GOLDEN)
    assert (store.current(), store.versions()) == (version, [version])
    assert store.load(version).label(GOLDEN) == labeller.label(GOLDEN)
    assert store.release(small_model_folder, GOLDEN) == version, "a second time changes nothing"
    assert not list(store.folder.glob("versions/.stage-*"))


def test_versions_come_and_go_back(filled: ModelStore, small_model_folder: Path, tiny_model_folder: Path) -> None:
    small, tiny = load_labeller(small_model_folder).version, load_labeller(tiny_model_folder).version
    assert filled.current() == tiny
    assert filled.versions() == [tiny, small]
    assert filled.rollback() == filled.current() == small
    with pytest.raises(ArtifactMissingError, match="更早"):
        filled.rollback()
    filled.activate(tiny)
    assert filled.current() == tiny
    assert filled.rollback() == small


@pytest.mark.parametrize("version", ["none", "../store", "a/b", "", ".hidden", "x" * 81, "..", "%2e%2e"])
def test_a_version_that_is_not_there_is_refused(filled: ModelStore, version: str) -> None:
    current = filled.current()
    with pytest.raises(ArtifactError):
        filled.load(version)
    with pytest.raises(ArtifactMissingError):
        filled.activate(version)
    assert filled.current() == current


def test_an_empty_store_says_what_to_do(store: ModelStore) -> None:
    with pytest.raises(ArtifactMissingError, match="policy-train release"):
        store.current()
    assert store.versions() == []


@pytest.mark.parametrize("content", [b"", b"\n", b"../../etc\n", b"\xff\xfe"])
def test_a_broken_pointer_is_told(filled: ModelStore, content: bytes) -> None:
    filled.pointer.write_bytes(content)
    with pytest.raises(ArtifactError):
        filled.current()


def _edit_record(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "release.json"
        record = json.loads(path.read_bytes())
        change(record)
        path.chmod(0o644)
        path.write_text(json.dumps(record), encoding="utf-8")

    return edit


def _flip(name: str) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        path = folder / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)

    return flip


@pytest.mark.parametrize(
    "damage",
    [
        _flip("model/pipeline.joblib"),
        _flip("model/manifest.json"),
        _flip("release.json"),
        _edit_record(lambda record: record.update(golden=[])),
        _edit_record(lambda record: record.pop("sha256")),
        lambda folder: (folder / "release.json").unlink(),
        lambda folder: (folder / "model" / "lexicon.json").unlink(),
        shutil.rmtree,
    ],
)
def test_a_damaged_version_is_refused(filled: ModelStore, damage: Callable[[Path], None]) -> None:
    version = filled.current()
    damage(filled.folder / "versions" / version)
    with pytest.raises(ArtifactError):
        filled.load(version)


def test_another_model_in_its_place_is_refused(filled: ModelStore) -> None:
    new, old = filled.versions()
    folder = filled.folder / "versions"
    shutil.rmtree(folder / new)
    shutil.copytree(folder / old, folder / new)
    with pytest.raises(ArtifactError):
        filled.load(new)
    shutil.rmtree(folder / new)
    (folder / new).symlink_to(folder / old, target_is_directory=True)
    with pytest.raises(ArtifactError):
        filled.load(new)


def test_a_release_of_a_damaged_model_changes_nothing(filled: ModelStore, tmp_path: Path) -> None:
    current = filled.current()
    with pytest.raises(ArtifactError):
        filled.release(tmp_path / "none", GOLDEN)
    assert (filled.current(), len(filled.versions())) == (current, 2)


_RELEASE = "import sys; from pathlib import Path; from model.store import ModelStore; ModelStore(Path(sys.argv[1])).release(Path(sys.argv[2]), ['专利'])"


def test_a_release_that_is_killed_leaves_the_store_whole(filled: ModelStore, small_model_folder: Path) -> None:
    current = filled.current()
    for number in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", _RELEASE, str(filled.folder), str(small_model_folder)], stderr=subprocess.DEVNULL
        )
        try:
            process.wait(0.2 + 0.15 * number)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert filled.load(filled.current()).version in filled.versions()
        filled.activate(current)
    (filled.folder / "versions" / ".stage-left").mkdir()
    filled.release(small_model_folder, GOLDEN)
    assert not list(filled.folder.glob("versions/.stage-*")), "what was left is swept"
