"""A folder of released models, one of them current: what training publishes into, and what a service takes its model from.

A version's folder never changes once it has its name, and the pointer to the current one is replaced in one step. Whoever reads
sees the model before a release or the one after it, whole, wherever the release was broken off.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from model.artifact import LAYOUT, load_labeller
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Labeller
from model.whole_file import replace_file

FORMAT = 1
"""Number of the record's format. To change it: raise it, say in `CHANGELOG.md` that models are to be released anew, refuse others."""

VERSION_PATTERN = r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,79}"


@dataclass(frozen=True, slots=True)
class StoreLayout:
    """Names in a store."""

    current: str = "CURRENT"
    versions: str = "versions"
    model: str = "model"
    record: str = "release.json"
    lock: str = ".lock"
    stage: str = ".stage-"


STORE_LAYOUT = StoreLayout()
_MOST_REMEMBERED = 50  # versions in the pointer, for going back
_TOLERANCE = 1e-9  # between the scores of a release and those of the machine that serves it


@dataclass(frozen=True, slots=True)
class GoldenLabel:
    """A text, and what the model said of it when it was released."""

    text: str
    themes: tuple[str, ...]
    scores: dict[str, float]


class ModelStore:
    """A store on disk. Several processes may read it and write to it at once."""

    def __init__(self, folder: Path) -> None:
        """The store in `folder`, which is made at the first release."""
        self.folder = folder

    @property
    def pointer(self) -> Path:
        """The file that names the current version; whoever wants to know of a change watches it."""
        return self.folder / STORE_LAYOUT.current

    def release(self, model_folder: Path, golden_texts: Sequence[str]) -> str:
        """Copy a trained model into the store and make it current; returns its version.

        Args:
            model_folder: the trained model.
            golden_texts: what the model says of them is kept with it, and whoever serves it must get the same.

        Raises:
            ArtifactError: the model is damaged, or the store holds another one of the same version.
            OSError: the store cannot be written.
        """
        labeller = load_labeller(model_folder)
        version = labeller.version
        _check_version(version)
        versions = self.folder / STORE_LAYOUT.versions
        versions.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._sweep()
            target = versions / version
            if target.exists():
                if self._record(version)["manifest_sha256"] != _digest(model_folder / LAYOUT.manifest):
                    raise ArtifactError(f"模型库里已有另一个版本号同为 {version} 的模型；请先移走它。")
            else:
                stage = Path(tempfile.mkdtemp(prefix=STORE_LAYOUT.stage, dir=versions))
                try:
                    self._fill(stage, model_folder, labeller, golden_texts)
                    stage.chmod(0o755)
                    stage.replace(target)
                finally:
                    shutil.rmtree(stage, ignore_errors=True)
                _sync_folder(versions)
            self._point([version, *(one for one in self._remembered() if one != version)])
        return version

    def activate(self, version: str) -> None:
        """Make `version`, which is in the store, current.

        Raises:
            ArtifactMissingError: it is not in the store.
            OSError: the pointer cannot be written.
        """
        with self._locked():
            if version not in self.versions():
                raise ArtifactMissingError(f"模型库里没有版本 {version}。")
            self._point([version, *(one for one in self._remembered() if one != version)])

    def rollback(self) -> str:
        """Make the version before the current one current again, and forget this one; returns it.

        Raises:
            ArtifactMissingError: there is none before it.
            OSError: the pointer cannot be written.
        """
        with self._locked():
            present = set(self.versions())
            before = [version for version in self._remembered()[1:] if version in present]
            if not before:
                raise ArtifactMissingError(f"{self.folder} 里没有更早的版本可以退回。")
            self._point(before)
        return before[0]

    def current(self) -> str:
        """The version that the pointer names.

        Raises:
            ArtifactMissingError: nothing was released yet.
            ArtifactError: the pointer does not name a version.
        """
        remembered = self._remembered()
        if not remembered:
            raise ArtifactMissingError(f"{self.folder} 里还没有发布过模型；请用 policy-train release 发布一个。")
        return remembered[0]

    def versions(self) -> list[str]:
        """The versions in the store, the latest release first."""
        folder = self.folder / STORE_LAYOUT.versions
        if not folder.is_dir():
            return []
        names = [path.name for path in folder.iterdir() if re.fullmatch(VERSION_PATTERN, path.name)]
        return sorted(names, key=lambda name: (self._released(name), name), reverse=True)

    def load(self, version: str) -> Labeller:
        """The model of `version`, checked: its files, and that it labels as it did when it was released.

        Raises:
            ArtifactMissingError: it is not in the store.
            ArtifactError: it is damaged, or does not label as it did.
        """
        _check_version(version)
        folder = self.folder / STORE_LAYOUT.versions / version
        if not folder.is_dir() or folder.is_symlink():
            raise ArtifactMissingError(f"模型库里没有版本 {version}。")
        record = self._record(version)
        model_folder = folder / STORE_LAYOUT.model
        labeller = load_labeller(model_folder)
        if labeller.version != version or _digest(model_folder / LAYOUT.manifest) != record["manifest_sha256"]:
            raise ArtifactError(f"版本 {version} 的模型与发布记录不符，文件已损坏或被改动；请重新发布。")
        check_golden(labeller, [GoldenLabel(**{**one, "themes": tuple(one["themes"])}) for one in record["golden"]])
        return labeller

    def _locked(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / STORE_LAYOUT.lock)

    def _fill(self, stage: Path, model_folder: Path, labeller: Labeller, golden_texts: Sequence[str]) -> None:
        model = stage / STORE_LAYOUT.model
        model.mkdir()
        for name in asdict(LAYOUT).values():
            if (model_folder / name).exists():
                _write(model / name, (model_folder / name).read_bytes())
        _sync_folder(model)
        labels = labeller.label(golden_texts, evidence=False)
        golden = [
            asdict(GoldenLabel(text, label.themes, label.scores))
            for text, label in zip(golden_texts, labels, strict=True)
        ]
        remembered = self._remembered()
        record = {
            "format": FORMAT,
            "version": labeller.version,
            "parent": remembered[0] if remembered else None,
            "released": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "manifest_sha256": _digest(model / LAYOUT.manifest),
            "golden": golden,
        }
        record["sha256"] = _record_digest(record)
        _write(stage / STORE_LAYOUT.record, (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode())
        _sync_folder(stage)

    def _sweep(self) -> None:
        """Take away what releases that were broken off have left."""
        for path in (self.folder / STORE_LAYOUT.versions).glob(f"{STORE_LAYOUT.stage}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _remembered(self) -> list[str]:
        """The current version and those that were current before it, the latest first."""
        try:
            lines = self.pointer.read_text(encoding="ascii").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError):
            raise ArtifactError(f"不能读取 {self.pointer}；请检查权限，或重新发布。") from None
        versions = [line for line in lines if line]
        for version in versions:
            _check_version(version)
        if not versions:
            raise ArtifactError(f"{self.pointer} 是空的；请重新发布。")
        return versions

    def _point(self, versions: Sequence[str]) -> None:
        lines = "".join(f"{version}\n" for version in versions[:_MOST_REMEMBERED])
        replace_file(self.pointer, lines.encode("ascii"))
        _sync_folder(self.folder)

    def _record(self, version: str) -> dict[str, Any]:
        path = self.folder / STORE_LAYOUT.versions / version / STORE_LAYOUT.record
        try:
            record = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            raise ArtifactError(f"{path} 缺失或已损坏；请重新发布这个版本。") from None
        if not isinstance(record, dict) or record.pop("sha256", None) != _record_digest(record):
            raise ArtifactError(f"{path} 与它自己的校验值不符，文件已损坏或被改动；请重新发布这个版本。")
        if record["format"] != FORMAT or record["version"] != version:
            raise ArtifactError(f"{path} 不是这个版本的发布记录；请重新发布。")
        return record

    def _released(self, version: str) -> str:
        try:
            return str(self._record(version)["released"])
        except (ArtifactError, KeyError):
            return ""


def check_golden(labeller: Labeller, golden: Sequence[GoldenLabel]) -> None:
    """Have `labeller` label the golden texts.

    Raises:
        ArtifactError: it fails, or does not label them as was kept.
    """
    try:
        labels = labeller.label([one.text for one in golden])
    except Exception as error:
        raise ArtifactError(f"模型 {labeller.version} 装入后标注失败（{type(error).__name__}），不予启用。") from error
    for one, label in zip(golden, labels, strict=True):
        same = label.scores.keys() == one.scores.keys() and all(
            abs(label.scores[theme] - score) <= _TOLERANCE for theme, score in one.scores.items()
        )
        if label.themes != one.themes or not same:
            raise ArtifactError(
                f"模型 {labeller.version} 对自检文本的标注与发布时不同，不予启用；请在本机重新训练并发布。"
            )


def _check_version(version: str) -> None:
    if re.fullmatch(VERSION_PATTERN, version) is None:
        raise ArtifactError("模型库的 CURRENT 里有一行不是版本号；请重新发布。")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"不能读取 {path}（{error.strerror}）；请检查权限。") from None


def _record_digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)


def _sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk, where the system can (Windows does so by itself)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
