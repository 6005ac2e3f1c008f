"""A trained labeller on disk: a folder with the pipeline, its lexicon and a manifest that is checked before anything is unpickled."""

import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import joblib
import platformdirs
from joblib.numpy_pickle import NumpyUnpickler

from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Decision, Labeller, Theme
from model.lexicon import Lexicon, Term
from model.pipeline import Pipeline

FORMAT = 1
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


LAYOUT = Layout()

# A pickled pipeline is only sure to mean the same under the libraries that wrote it: jieba segments by its exact release, the others
# keep their classes within a minor release (scikit-learn's guide on model persistence promises nothing beyond the very same version).
_LIBRARIES = {"jieba": 3, "scikit-learn": 2, "numpy": 1}  # how many parts of the version must agree


# All that a pickled pipeline may name; a file that names anything else is refused before it could call it.
_PICKLED_NAMES = {
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "model.features.concept_names",
    "model.features.word_names",
    "model.pipeline.Pipeline",
    "numpy.dtype",
    "numpy.float64",
    "numpy.ndarray",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.pipeline.FeatureUnion",
}


def default_model_folder() -> Path:
    """Where the default model of this installation lies: beside its libraries, so that two installations never share one.

    Where that place is not writable (an installation by the system), the user's data folder.
    """
    beside = Path(sys.prefix, "share", "policy-themes", "model")
    if beside.exists() or os.access(sys.prefix, os.W_OK):
        return beside
    return Path(platformdirs.user_data_dir("policy-themes")) / installed_version("policy-themes") / "model"


def save_artifact(
    folder: Path,
    *,
    themes: Iterable[Theme],
    lexicon: Lexicon,
    pipeline: Pipeline,
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
    check_replaceable(folder)
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 3))
    contents = {
        LAYOUT.pipeline: buffer.getvalue(),
        LAYOUT.lexicon: _json_bytes([[term.text, *term.concepts] for term in lexicon.terms]),
    }
    version = f"{installed_version('policy-themes')}+{_sha256(b''.join(contents.values()))[:10]}"
    manifest = {
        "format": FORMAT,
        "version": version,
        "themes": [asdict(theme) for theme in themes],
        "decision": asdict(decision),
        "data": dict(data),
        "libraries": {name: installed_version(name) for name in _LIBRARIES},
        "scores": dict(scores),
        "files": {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in contents.items()},
    }
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

    Raises:
        ArtifactMissingError: there is no model at `folder`.
        ArtifactError: the folder is damaged, foreign, of another format or made with other libraries; the message says what to do.
    """
    manifest = _read_manifest(folder)
    contents = _read_checked(folder, manifest["files"])
    _check_libraries(folder, manifest["libraries"])
    try:
        pipeline = _unpickle(contents[LAYOUT.pipeline])
    except Exception:
        raise ArtifactError(f"{folder} 里的 {LAYOUT.pipeline} 不是本软件的模型；{_RETRAIN}") from None
    decision = manifest["decision"]
    return Labeller(
        themes=[Theme(**theme) for theme in manifest["themes"]],
        lexicon=Lexicon(Term(text, tuple(concepts)) for text, *concepts in json.loads(contents[LAYOUT.lexicon])),
        pipeline=pipeline,
        decision=Decision(
            thresholds=tuple(decision["thresholds"]),
            review_bands=tuple((low, high) for low, high in decision["review_bands"]),
            primary_share=decision["primary_share"],
            announced_share=decision["announced_share"],
        ),
        card={
            "version": manifest["version"],
            "themes": [theme["id"] for theme in manifest["themes"]],
            "thresholds": {
                theme["id"]: threshold
                for theme, threshold in zip(manifest["themes"], decision["thresholds"], strict=True)
            },
            "data": manifest["data"],
            "libraries": manifest["libraries"],
            "scores": manifest["scores"],
        },
    )


_RETRAIN = "请运行 policy-train 重新训练，或换用完好的模型文件夹。"
_MANIFEST_FIELDS = {"format", "version", "themes", "decision", "data", "libraries", "scores", "files", "sha256"}


class _PipelineUnpickler(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
    """Unpickles what a pipeline is made of and nothing else: the checksums of a crafted folder fit its crafted files."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in _PICKLED_NAMES:
            raise UnpicklingError(f"{module}.{name} has no place in a pipeline")
        return super().find_class(module, name)


def _unpickle(content: bytes) -> Pipeline:
    """The pipeline in `content`, as `joblib.dump` wrote it; anything that is wrong with it raises."""
    pipeline = _PipelineUnpickler("", io.BytesIO(zlib.decompress(content)), ensure_native_byte_order=True).load()
    if not isinstance(pipeline, Pipeline):
        raise UnpicklingError(f"a {type(pipeline).__name__} is no pipeline")
    return pipeline


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
    """The files of a model folder, read once, each as the manifest says."""
    if files.keys() != {LAYOUT.pipeline, LAYOUT.lexicon}:
        raise ArtifactError(f"{folder} 的清单列出的文件不对；{_RETRAIN}")
    others = sorted(_visible_names(folder) - {LAYOUT.manifest, *files})
    if others:
        raise ArtifactError(f"{folder} 里多出了不属于模型的文件（{others[0]}），可能被改动过；请移走它，或{_RETRAIN}")
    contents = {}
    for name, expected in files.items():
        path = folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArtifactError(f"模型缺少文件或不能读取：{path}（{error.strerror}）；{_RETRAIN}") from None
        if len(content) != expected["bytes"] or _sha256(content) != expected["sha256"]:
            raise ArtifactError(f"{path} 与清单记录的校验值不符，文件已损坏或被改动；{_RETRAIN}")
        contents[name] = content
    return contents


def _check_libraries(folder: Path, libraries: dict[str, str]) -> None:
    for name, parts in _LIBRARIES.items():
        saved, present = libraries.get(name, "未知"), installed_version(name)
        if saved.split(".")[:parts] != present.split(".")[:parts]:
            raise ArtifactError(f"{folder} 是用 {name} {saved} 训练的，本机装的是 {present}，结果可能不同；{_RETRAIN}")


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
