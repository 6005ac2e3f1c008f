import shutil
from pathlib import Path

import pytest

from model.artifact import LAYOUT, load_labeller
from model.compiled import CompiledModelError, open_compiled, pack
from model.errors import ArtifactError
from model.fast import FastLabeller
from model.labeller import PATH_VARIABLE, core_is_built

SOURCE = bytes(range(32))
TEXTS = ["设立科技信贷风险补偿资金池。", "引进高层次人才，授权发明专利。", ""]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "compiled.bin"
    path.write_bytes(pack({"first": b"abc", "second": bytes(1000)}, SOURCE))
    return path


def test_what_was_packed_opens(packed: Path) -> None:
    memory = open_compiled(packed, SOURCE)
    assert memory[:] == packed.read_bytes()
    assert memory.find(b"abc") % 64 == 0


def test_the_same_sections_give_the_same_bytes() -> None:
    assert pack({"a": b"1"}, SOURCE) == pack({"a": b"1"}, SOURCE)


def test_any_changed_byte_is_noticed(packed: Path) -> None:
    content = packed.read_bytes()
    unused = {*range(24, 32), *range(96, 128)}
    for place in sorted(set(range(len(content))) - unused):
        packed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        if 12 <= place < 16:
            continue  # the number of sections, which the core checks against the sections it needs
        with pytest.raises(CompiledModelError):
            open_compiled(packed, SOURCE)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300])
def test_a_file_that_was_cut_off_is_noticed(packed: Path, size: int) -> None:
    packed.write_bytes(packed.read_bytes()[:size])
    with pytest.raises(CompiledModelError):
        open_compiled(packed, SOURCE)


def test_a_file_that_is_missing_or_made_from_something_else_is_noticed(packed: Path) -> None:
    with pytest.raises(CompiledModelError):
        open_compiled(packed.with_name("none"), SOURCE)
    with pytest.raises(CompiledModelError):
        open_compiled(packed, bytes(32))


@pytest.fixture
def folder(small_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not core_is_built():
        pytest.skip("no core here")
    monkeypatch.delenv(PATH_VARIABLE, raising=False)
    return Path(shutil.copytree(small_model_folder, tmp_path / "model"))


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_compiled_model_that_does_not_fit_is_made_anew(folder: Path, damage: str) -> None:
    path = folder / LAYOUT.compiled
    whole = path.read_bytes()
    expected = load_labeller(folder).label(TEXTS)
    path.unlink()
    if damage == "changed":
        path.write_bytes(whole[:5000] + b"\xff" + whole[5001:])
    assert load_labeller(folder).label(TEXTS) == expected
    assert path.read_bytes() == whole, "the same parts give the same bytes"


def test_where_the_folder_cannot_be_written_the_compiled_model_stays_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_labeller(folder).label(TEXTS)
    (folder / LAYOUT.compiled).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("model.artifact.tempfile.mkstemp", refuse)
    assert load_labeller(folder).label(TEXTS) == expected
    assert not (folder / LAYOUT.compiled).exists()


def test_only_making_it_anew_needs_the_libraries_that_the_model_was_made_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_labeller(folder).label(TEXTS)
    monkeypatch.setattr("model.artifact._installed_version", lambda _name: "0.0.1")
    assert load_labeller(folder).label(TEXTS) == expected
    (folder / LAYOUT.compiled).unlink()
    with pytest.raises(ArtifactError, match=r"jieba .* 0\.0\.1"):
        load_labeller(folder)


def test_the_core_refuses_what_is_no_compiled_model(folder: Path) -> None:
    labeller = load_labeller(folder)
    assert isinstance(labeller, FastLabeller)
    for content in (b"", b"x" * 200, pack({"nodes": b""}, SOURCE)):
        with pytest.raises(ValueError, match="compiled model"):
            FastLabeller(labeller.themes, content, {})
    whole = (folder / LAYOUT.compiled).read_bytes()
    with pytest.raises(ValueError, match="themes"):
        FastLabeller(labeller.themes[:2], whole, {})
