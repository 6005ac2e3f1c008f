"""A trained labeller on disk: a folder with the pipeline, its lexicon, both compiled, and a manifest, checked before anything is unpickled.

What only the plain path needs (joblib, scikit-learn, jieba) is imported where it is used, so that the fast path starts without it.
"""

import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.compiled import CompiledModelError, open_compiled, source_digest
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Decision, Labeller, LabelPath, Theme, active_path
from model.lexicon import Lexicon, Term
from model.whole_file import replace_file

if TYPE_CHECKING:
    from model.pipeline import Pipeline

FORMAT = 2
"""Number of the format on disk.

To change it: raise the number, say in `CHANGELOG.md` what users do, and keep refusing other numbers here. Models are retrained in
two minutes, so that there is no code for reading old ones.
"""

MODEL_VARIABLE = "POLICY_THEMES_MODEL"


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the files in a model folder."""

    manifest: str = "manifest.json"
    pipeline: str = "pipeline.joblib"
    lexicon: str = "lexicon.json"
    compiled: str = "compiled.bin"


LAYOUT = Layout()
_PARTS = (LAYOUT.pipeline, LAYOUT.lexicon)

# A pickled pipeline is only sure to mean the same under the libraries that wrote it: jieba segments by its exact release, the others
# keep their classes within a minor release (scikit-learn's guide on model persistence promises nothing beyond the very same version).
_LIBRARIES = {"jieba": 3, "scikit-learn": 2, "numpy": 1}  # how many parts of the version must agree


def default_model_folder() -> Path:
    """Where the default model of this installation lies: beside its libraries, so that two installations never share one.

    Where that place is not writable (an installation by the system), the user's data folder.
    """
    beside = Path(sys.prefix, "share", "policy-themes", "model")
    if beside.exists() or os.access(sys.prefix, os.W_OK):
        return beside
    import platformdirs  # noqa: PLC0415 (seldom needed)

    return Path(platformdirs.user_data_dir("policy-themes")) / _installed_version("policy-themes") / "model"


def save_artifact(
    folder: Path,
    *,
    themes: Iterable[Theme],
    lexicon: Lexicon,
    pipeline: "Pipeline",
    decision: Decision,
    data: Mapping[str, Any],
    scores: Mapping[str, Any],
) -> str:
    """Write a model folder, replacing one that is there; returns the model's version.

    The same parts give the same bytes. The folder takes its name only once it is whole.

    Args:
        folder: where to write.
        themes: in the order of the pipeline's classifiers.
        lexicon: the terms that the pipeline was trained with.
        pipeline: the fitted parts.
        decision: thresholds and the like.
        data: what it was trained on (digest, sizes), as JSON values.
        scores: how it did in cross-validation, as JSON values.

    Raises:
        ArtifactError: something else than a model stands at `folder`.
        OSError: the folder cannot be written.
    """
    import joblib  # noqa: PLC0415 (see above)

    from model.compiling import compile_model  # noqa: PLC0415 (see above)

    check_replaceable(folder)
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 3))
    contents = {
        LAYOUT.pipeline: buffer.getvalue(),
        LAYOUT.lexicon: _json_bytes([[term.text, *term.concepts] for term in lexicon.terms]),
    }
    labels_by = b"".join([*contents.values(), _json_bytes(asdict(decision))])
    version = f"{_installed_version('policy-themes')}+{_sha256(labels_by)[:10]}"
    manifest = {
        "format": FORMAT,
        "version": version,
        "themes": [asdict(theme) for theme in themes],
        "decision": asdict(decision),
        "data": dict(data),
        "libraries": {name: _installed_version(name) for name in _LIBRARIES},
        "scores": dict(scores),
        "files": _described(contents),
    }
    contents[LAYOUT.compiled] = compile_model(pipeline, lexicon, decision, source_digest(manifest, _PARTS))
    manifest["files"] = _described(contents)
    contents[LAYOUT.manifest] = _json_bytes({**manifest, "sha256": _sha256(_json_bytes(manifest))})
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in contents.items():
            with (stage / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        stage.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
            folder.replace(old)
            stage.replace(folder)
            shutil.rmtree(old)
        else:
            stage.replace(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return version


def check_replaceable(folder: Path) -> None:
    """Refuse a `folder` that saving would take from its owner: one with other files than a model's, or no folder at all.

    Raises:
        ArtifactError: something else than a model stands there.
        OSError: the folder cannot be read.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ArtifactError(f"{folder} 是一个文件，不能在这里保存模型；请另选一个文件夹。")
    others = sorted(_visible_names(folder) - set(asdict(LAYOUT).values()))
    if others:
        raise ArtifactError(f"{folder} 里有别的文件（{others[0]}），保存模型会覆盖它们；请另选一个文件夹。")


def load_labeller(folder: Path) -> Labeller:
    """Load a model folder, checking it whole before anything in it is unpickled.

    On the fast path only the compiled model stays in memory. Where it is missing, damaged, or made by another Python or release, it
    is made anew from the other files, and put beside them if the folder can be written.

    Raises:
        ArtifactMissingError: there is no model at `folder`.
        ArtifactError: the folder is damaged, foreign, of another format or made with other libraries; the message says what to do.
    """
    manifest = _read_manifest(folder)
    contents = _read_checked(folder, manifest["files"])
    path = active_path()
    themes = [Theme(**theme) for theme in manifest["themes"]]
    card = _card(manifest, path)
    if path is LabelPath.FAST:
        from model.fast import FastLabeller  # noqa: PLC0415 (the core may not be there)

        try:
            source = source_digest(manifest, _PARTS)
            return FastLabeller(themes, open_compiled(folder / LAYOUT.compiled, source), card)
        except CompiledModelError:
            return FastLabeller(themes, _compile_anew(folder, manifest, contents), card)
    from model.plain import PlainLabeller  # noqa: PLC0415 (see above)

    pipeline = _read_pipeline(folder, manifest, contents)
    return PlainLabeller(themes, _read_lexicon(contents), pipeline, _read_decision(manifest), card)


def _compile_anew(folder: Path, manifest: dict[str, Any], contents: dict[str, bytes]) -> mmap | bytes:
    """The compiled model, mapped from the file that is put into `folder`, or in this process's own memory where none can be."""
    from model.compiling import compile_model  # noqa: PLC0415 (see above)

    source = source_digest(manifest, _PARTS)
    pipeline = _read_pipeline(folder, manifest, contents)
    compiled = compile_model(pipeline, _read_lexicon(contents), _read_decision(manifest), source)
    try:
        replace_file(folder / LAYOUT.compiled, compiled)
        return open_compiled(folder / LAYOUT.compiled, source)
    except (OSError, CompiledModelError):
        return compiled


def _read_pipeline(folder: Path, manifest: dict[str, Any], contents: dict[str, bytes]) -> "Pipeline":
    from model.unpickling import unpickle_pipeline  # noqa: PLC0415 (see above)

    _check_libraries(folder, manifest["libraries"])
    try:
        return unpickle_pipeline(contents[LAYOUT.pipeline])
    except Exception:
        raise ArtifactError(f"{folder} 里的 {LAYOUT.pipeline} 不是本软件的模型；{_RETRAIN}") from None


def _read_lexicon(contents: dict[str, bytes]) -> Lexicon:
    return Lexicon(Term(text, tuple(concepts)) for text, *concepts in json.loads(contents[LAYOUT.lexicon]))


def _read_decision(manifest: dict[str, Any]) -> Decision:
    decision = manifest["decision"]
    return Decision(
        thresholds=tuple(decision["thresholds"]),
        review_bands=tuple((low, high) for low, high in decision["review_bands"]),
        primary_share=decision["primary_share"],
        announced_share=decision["announced_share"],
    )


def _card(manifest: dict[str, Any], path: LabelPath) -> dict[str, Any]:
    themes = [theme["id"] for theme in manifest["themes"]]
    return {
        "version": manifest["version"],
        "path": path.value,
        "themes": themes,
        "thresholds": dict(zip(themes, manifest["decision"]["thresholds"], strict=True)),
        "data": manifest["data"],
        "libraries": manifest["libraries"],
        "scores": manifest["scores"],
    }


_RETRAIN = "请运行 policy-train 重新训练，或换用完好的模型文件夹。"
_MANIFEST_FIELDS = {"format", "version", "themes", "decision", "data", "libraries", "scores", "files", "sha256"}


def _visible_names(folder: Path) -> set[str]:
    """Names in `folder`, but for the hidden ones that desktops leave everywhere (.DS_Store)."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / LAYOUT.manifest
    try:
        manifest = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactMissingError(f"{folder} 里没有模型（缺少 {LAYOUT.manifest}）；{_RETRAIN}") from None
    except OSError as error:
        raise ArtifactError(f"不能读取 {path}（{error.strerror}）；请检查权限。") from None
    except (ValueError, RecursionError):
        raise ArtifactError(f"{path} 已损坏，不是有效的 JSON；{_RETRAIN}") from None
    number = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(number, int):
        raise ArtifactError(f"{path} 不是本软件的模型清单；{_RETRAIN}")
    if number > FORMAT:
        raise ArtifactError(
            f"{folder} 的模型格式是 {number}，本软件只认得 {FORMAT}：模型比软件新，请升级 policy-themes，或运行 policy-train 重新训练。"
        )
    if number < FORMAT or not manifest.keys() >= _MANIFEST_FIELDS:
        raise ArtifactError(f"{folder} 的模型是旧格式或不完整；{_RETRAIN}")
    checked: dict[str, Any] = manifest
    if checked.pop("sha256") != _sha256(_json_bytes(checked)):
        raise ArtifactError(f"{path} 与它自己的校验值不符，文件已损坏或被改动；{_RETRAIN}")
    return checked


def _read_checked(folder: Path, files: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """The parts of a model, read once, each as the manifest says; the compiled model is checked by its own header when it is used."""
    if files.keys() - {LAYOUT.compiled} != set(_PARTS):
        raise ArtifactError(f"{folder} 的清单列出的文件不对；{_RETRAIN}")
    others = sorted(_visible_names(folder) - {LAYOUT.manifest, *files})
    if others:
        raise ArtifactError(f"{folder} 里多出了不属于模型的文件（{others[0]}），可能被改动过；请移走它，或{_RETRAIN}")
    contents = {}
    for name in _PARTS:
        path, expected = folder / name, files[name]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArtifactError(f"模型缺少文件或不能读取：{path}（{error.strerror}）；{_RETRAIN}") from None
        if len(content) != expected["bytes"] or _sha256(content) != expected["sha256"]:
            raise ArtifactError(f"{path} 与清单记录的校验值不符，文件已损坏或被改动；{_RETRAIN}")
        contents[name] = content
    return contents


def _check_libraries(folder: Path, libraries: dict[str, str]) -> None:
    """Whether jieba, numpy and scikit-learn are those that the parts were made with; the compiled model needs none of them."""
    for name, parts in _LIBRARIES.items():
        saved, present = libraries.get(name, "未知"), _installed_version(name)
        if saved.split(".")[:parts] != present.split(".")[:parts]:
            raise ArtifactError(f"{folder} 是用 {name} {saved} 训练的，本机装的是 {present}，结果可能不同；{_RETRAIN}")


def _installed_version(name: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 (a tenth of the way to the first label, which does not need it)

    return version(name)


def _described(contents: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in contents.items()}


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
