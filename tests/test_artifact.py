import hashlib
import io
import json
import pickle
import re
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from model.artifact import FORMAT, LAYOUT, check_replaceable, default_model_folder, load_labeller, save_artifact
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import PATH_VARIABLE, LabelPath
from model.plain import PlainLabeller

FILES = [LAYOUT.manifest, LAYOUT.pipeline, LAYOUT.lexicon]
TEXTS = [
    "引进高层次人才二十名，新建众创空间三家。",
    "开展知识产权质押融资，发放科技贷款。",
    "农村公路改造完成。",
    "推动军民融合深度发展；科技企业孵化器扩容。",
]
Manifest = dict[str, Any]


@pytest.fixture(autouse=True)
def on_the_plain_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpickle for sure; what the fast path reads has tests of its own in `test_compiled.py`."""
    monkeypatch.setenv(PATH_VARIABLE, LabelPath.PLAIN.value)


@pytest.fixture
def folder(small_model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small model that a test may damage."""
    copied = tmp_path / "model"
    shutil.copytree(small_model_folder, copied)
    return copied


@pytest.fixture(scope="module")
def saved(plain_labeller: PlainLabeller, small_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of the small model, saved once more, where a damaged model lay."""
    folder = tmp_path_factory.mktemp("saved") / "模型"
    shutil.copytree(small_model_folder, folder)
    (folder / LAYOUT.pipeline).write_bytes(b"damaged")
    assert save(plain_labeller, folder) == plain_labeller.version
    return folder


def save(plain_labeller: PlainLabeller, folder: Path) -> str:
    return save_artifact(
        folder,
        themes=plain_labeller.themes,
        lexicon=plain_labeller._reader._lexicon,
        pipeline=plain_labeller._pipeline,
        decision=plain_labeller._decision,
        data=plain_labeller.card["data"],
        scores=plain_labeller.card["scores"],
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def as_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def edit_manifest(folder: Path, change: Callable[[Manifest], None]) -> None:
    """Change the manifest as someone would who knows how its checksums are made."""
    path = folder / LAYOUT.manifest
    manifest = json.loads(path.read_bytes())
    del manifest["sha256"]
    change(manifest)
    path.write_bytes(as_bytes({**manifest, "sha256": hashlib.sha256(as_bytes(manifest)).hexdigest()}))


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and make the manifest agree with it."""
    (folder / name).write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit_manifest(folder, lambda manifest: manifest["files"].update({name: entry}))


def refusal(folder: Path) -> str:
    """The sentence with which the folder is refused; a missing model counts as another error."""
    with pytest.raises(ArtifactError) as caught:
        load_labeller(folder)
    assert type(caught.value) is ArtifactError
    message = str(caught.value)
    assert str(folder) in message
    assert message.endswith("。")
    return message


def test_a_model_saved_and_loaded_labels_as_before(plain_labeller: PlainLabeller, saved: Path) -> None:
    again = load_labeller(saved)
    assert again.label(TEXTS) == plain_labeller.label(TEXTS)
    assert again.card == plain_labeller.card
    assert again.themes == plain_labeller.themes
    assert again.version == plain_labeller.version


def test_the_same_parts_give_the_same_bytes(small_model_folder: Path, saved: Path) -> None:
    assert contents(saved) == contents(small_model_folder)


def test_the_folder_is_replaced_whole_and_nothing_is_left_beside_it(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_the_manifest_says_what_is_promised(small_model_folder: Path, small_data: Path) -> None:
    manifest = json.loads((small_model_folder / LAYOUT.manifest).read_text(encoding="utf-8"))
    assert manifest["format"] == FORMAT
    assert manifest["libraries"].keys() == {"jieba", "numpy", "scikit-learn"}
    assert re.fullmatch("[0-9a-f]{64}", manifest["data"]["digest"])
    assert len(manifest["decision"]["thresholds"]) == len(manifest["themes"]) == 5
    assert 0 < manifest["scores"]["cross_validation"]["macro_f1"] <= 1
    for name in (LAYOUT.pipeline, LAYOUT.lexicon):
        content = (small_model_folder / name).read_bytes()
        assert manifest["files"][name] == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert {theme["id"] for theme in manifest["themes"]} == {
        theme["id"] for theme in json.loads((small_data / "themes.json").read_text(encoding="utf-8"))
    }


def test_the_version_changes_with_the_parts(plain_labeller: PlainLabeller, tiny_model_folder: Path) -> None:
    assert load_labeller(tiny_model_folder).version != plain_labeller.version


@pytest.mark.parametrize("names", [["论文.docx"], ["manifest.json", "index.html"], [*FILES, "备注.txt"]])
def test_a_folder_with_other_files_is_never_replaced(
    plain_labeller: PlainLabeller, tmp_path: Path, names: list[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("要紧", encoding="utf-8")
    with pytest.raises(ArtifactError, match="别的文件"):
        save(plain_labeller, folder)
    assert sorted(contents(folder)) == sorted(names)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_is_never_replaced_by_a_model(plain_labeller: PlainLabeller, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("要紧", encoding="utf-8")
    with pytest.raises(ArtifactError, match="是一个文件"):
        save(plain_labeller, tmp_path / "mine")
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "要紧"


def test_a_new_an_empty_and_a_model_folder_may_be_written(folder: Path, tmp_path: Path) -> None:
    check_replaceable(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    (folder / ".DS_Store").write_bytes(b"")
    check_replaceable(folder)


@pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("name", [LAYOUT.pipeline, LAYOUT.lexicon])
def test_one_flipped_bit_in_a_file_is_refused(folder: Path, name: str, place: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    (folder / name).write_bytes(content)
    assert "校验值" in refusal(folder)


def test_one_flipped_bit_anywhere_in_the_manifest_is_refused(folder: Path) -> None:
    path = folder / LAYOUT.manifest
    content = path.read_bytes()
    for position in range(0, len(content), 13):
        for bit in (1, 0x20):
            damaged = bytearray(content)
            damaged[position] ^= bit
            path.write_bytes(damaged)
            refusal(folder)


def test_a_threshold_changed_by_hand_is_refused(folder: Path) -> None:
    path = folder / LAYOUT.manifest
    manifest = json.loads(path.read_bytes())
    manifest["decision"]["thresholds"][0] = 0.99
    path.write_bytes(as_bytes(manifest))
    assert "校验值" in refusal(folder)


@pytest.mark.parametrize("keep", [lambda size: 0, lambda size: size // 2, lambda size: size - 2])
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused(folder: Path, name: str, keep: Callable[[int], int]) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: keep(len(content))])
    assert name in refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_model_is_refused(folder: Path, tiny_model_folder: Path, name: str) -> None:
    shutil.copy(tiny_model_folder / name, folder / name)
    assert "校验值" in refusal(folder)


def test_files_under_each_others_names_are_refused(folder: Path) -> None:
    pipeline, lexicon = folder / LAYOUT.pipeline, folder / LAYOUT.lexicon
    first, second = pipeline.read_bytes(), lexicon.read_bytes()
    pipeline.write_bytes(second)
    lexicon.write_bytes(first)
    assert "校验值" in refusal(folder)


@pytest.mark.parametrize("name", ["extra.joblib", "说明.txt"])
def test_an_added_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    assert name in refusal(folder)


def test_an_added_folder_is_refused(folder: Path) -> None:
    (folder / "more").mkdir()
    assert "more" in refusal(folder)


def test_hidden_files_of_a_desktop_do_no_harm(folder: Path, plain_labeller: PlainLabeller) -> None:
    (folder / ".DS_Store").write_bytes(b"\0")
    assert load_labeller(folder).version == plain_labeller.version


@pytest.mark.parametrize("name", [LAYOUT.pipeline, LAYOUT.lexicon])
def test_a_removed_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)


@pytest.mark.parametrize("name", [LAYOUT.pipeline, LAYOUT.lexicon])
def test_a_folder_in_place_of_a_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name in refusal(folder)


def test_a_manifest_that_is_a_folder_is_refused(folder: Path) -> None:
    (folder / LAYOUT.manifest).unlink()
    (folder / LAYOUT.manifest).mkdir()
    assert "不能读取" in refusal(folder)


@pytest.mark.parametrize("prepare", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("x")])
def test_where_there_is_no_model_the_error_says_so(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "model")
    with pytest.raises(ArtifactMissingError, match=r"没有模型.*policy-train"):
        load_labeller(tmp_path / "model")


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        (b"", "不是有效的 JSON"),
        (b"{", "不是有效的 JSON"),
        (b"\xff\xfe\x00", "不是有效的 JSON"),
        (b"[" * 100_000, "不是有效的 JSON"),
        (b'{"format": ' + b"9" * 5_000 + b"}", "不是有效的 JSON"),
        (b"[]", "不是本软件的模型清单"),
        (b"1", "不是本软件的模型清单"),
        (b'{"name": "web app", "icons": []}', "不是本软件的模型清单"),
        (b'{"format": "1"}', "不是本软件的模型清单"),
        (b'{"format": 1}', "旧格式或不完整"),
        (b'{"format": 0}', "旧格式或不完整"),
        (b'{"format": %d}' % (FORMAT + 1), "模型比软件新"),
    ],
)
def test_a_foreign_or_other_manifest_is_refused(tmp_path: Path, manifest: bytes, what: str) -> None:
    (tmp_path / LAYOUT.manifest).write_bytes(manifest)
    assert what in refusal(tmp_path)


def test_a_model_of_a_newer_format_asks_for_newer_software(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(format=FORMAT + 1))
    message = refusal(folder)
    assert str(FORMAT + 1) in message
    assert "升级" in message


def test_a_model_of_an_older_format_asks_for_training(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(format=FORMAT - 1))
    assert "policy-train" in refusal(folder)


@pytest.mark.parametrize("field", ["version", "themes", "decision", "data", "libraries", "scores", "files"])
def test_a_manifest_without_a_field_is_refused(folder: Path, field: str) -> None:
    def remove(manifest: Manifest) -> None:
        del manifest[field]

    edit_manifest(folder, remove)
    assert "不完整" in refusal(folder)


def test_a_manifest_that_lists_other_files_is_refused(folder: Path) -> None:
    (folder / "more.bin").write_bytes(b"")
    edit_manifest(
        folder,
        lambda manifest: manifest["files"].update({"more.bin": {"sha256": hashlib.sha256().hexdigest(), "bytes": 0}}),
    )
    assert "列出的文件不对" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "version"),
    [("jieba", "0.42.2"), ("scikit-learn", "1.0.0"), ("numpy", "1.26.4"), ("jieba", None), ("scikit-learn", "")],
)
def test_a_model_made_with_other_libraries_is_refused(folder: Path, name: str, version: str | None) -> None:
    def change(manifest: Manifest) -> None:
        del manifest["libraries"][name]
        if version is not None:
            manifest["libraries"][name] = version

    edit_manifest(folder, change)
    message = refusal(folder)
    assert name in message
    assert "policy-train" in message


@pytest.mark.parametrize("name", ["scikit-learn", "numpy"])
def test_another_patch_of_a_library_that_keeps_its_classes_will_do(
    folder: Path, plain_labeller: PlainLabeller, name: str
) -> None:
    def change(manifest: Manifest) -> None:
        manifest["libraries"][name] = ".".join([*manifest["libraries"][name].split(".")[:2], "99"])

    edit_manifest(folder, change)
    assert load_labeller(folder).label(TEXTS) == plain_labeller.label(TEXTS)


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def joblib_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=("zlib", 3))
    return buffer.getvalue()


def crafted(canary: Path, kind: str) -> bytes:
    """A file that makes `canary` when it is unpickled."""
    payload = Calls(Path.touch, canary)
    match kind:
        case "call":
            return joblib_bytes(payload)
        case "call inside an array of objects":
            return joblib_bytes({"coef_": np.array([payload, None], dtype=object)})
        case "call by way of builtins":
            return joblib_bytes(Calls(eval, f"__import__('pathlib').Path({str(canary)!r}).touch()"))
        case "plain pickle":
            return pickle.dumps(payload)
        case _:
            return zlib.compress(pickle.dumps(payload, protocol=0))


KINDS = ["call", "call inside an array of objects", "call by way of builtins", "plain pickle", "protocol 0"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_crafted_pickle_never_runs(folder: Path, tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    content = crafted(canary, kind)
    joblib.load(io.BytesIO(content))
    assert canary.exists(), "unpickled without a check, the file runs"
    canary.unlink()
    (folder / LAYOUT.pipeline).write_bytes(content)
    assert "校验值" in refusal(folder)
    replace_file(folder, LAYOUT.pipeline, content)
    assert "不是本软件的模型" in refusal(folder)
    assert not canary.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        zlib.compress(b""),
        zlib.compress(b"cos\nsystem\n."),
        joblib_bytes({"a": 1}),
        joblib_bytes(np.zeros(3)),
    ],
)
def test_a_pickle_of_something_else_is_refused(folder: Path, content: bytes) -> None:
    replace_file(folder, LAYOUT.pipeline, content)
    assert "不是本软件的模型" in refusal(folder)


def test_the_default_model_lies_beside_the_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert default_model_folder() == tmp_path / "share" / "policy-themes" / "model"


def test_where_libraries_are_not_writable_the_default_model_lies_with_the_users_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert (tmp_path / "data" / "policy-themes") in default_model_folder().parents
