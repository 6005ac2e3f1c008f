"""The model that is served, and how another takes its place while requests go on.

A request takes the served model once and keeps it: swapping is one assignment of an immutable object. The next model is loaded
and checked beside the served one; what fails there changes nothing.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from model.artifact import LAYOUT, load_labeller
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Labeller
from model.store import GoldenLabel, ModelStore, check_golden

_PROBES = (
    "设立科技信贷风险补偿资金池，建设科技企业孵化器，引进高层次人才。",
    "修缮农村公路三十公里。",
    "",
    "🙂\U00020000",
)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as requests get it, whole and unchanging."""

    labeller: Labeller
    since: datetime

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.labeller.version


class ModelSource(Protocol):
    """Where models come from."""

    def mark(self) -> object:
        """What changes when another model is to be served; cheap to ask. None where nothing can be said just now."""

    def load(self) -> Labeller:
        """The model that is to be served.

        Raises:
            ArtifactError: it is not there, or not as it should be.
        """


class FolderSource:
    """One model folder, which training replaces as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mark(self) -> object:
        """See `ModelSource`."""
        return file_mark(self._folder / LAYOUT.manifest)  # between two models there is none: the one in memory goes on

    def load(self) -> Labeller:
        """See `ModelSource`."""
        return load_labeller(self._folder)


class StoreSource:
    """A store, whose pointer names the model."""

    def __init__(self, store: ModelStore) -> None:
        self.store = store

    def mark(self) -> object:
        """See `ModelSource`."""
        return file_mark(self.store.pointer)

    def load(self) -> Labeller:
        """See `ModelSource`."""
        return self.store.load(self.store.current())


def file_mark(path: Path) -> object:
    """What changes when the file at `path` is replaced; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@dataclass(frozen=True, slots=True)
class Swap:
    """That another model is served, or was refused (`fault` says why, and the one before goes on)."""

    before: ServedModel
    after: ServedModel
    fault: str | None = None


class ModelRegistry:
    """The served model and its source. Safe to share between threads."""

    def __init__(
        self, labeller: Labeller, source: ModelSource | None = None, tell: Callable[[Swap], None] = lambda _swap: None
    ) -> None:
        """Serve `labeller` until `source`, if any, has another.

        Args:
            labeller: what to begin with.
            source: where it came from, and where others come from.
            tell: called after each swap, and after each that was refused.
        """
        self.current = ServedModel(labeller, datetime.now(UTC))
        self.fault: str | None = None
        self.tell = tell
        self._source = source
        self._mark = source.mark() if source else None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, source: ModelSource) -> "ModelRegistry":
        """Serve what `source` has.

        Raises:
            ArtifactError: it is not there, or not as it should be.
        """
        labeller = source.load()
        check_labeller(labeller)
        return cls(labeller, source)

    def versions(self) -> list[str]:
        """The versions that can be served, the latest release first."""
        return self._source.store.versions() if isinstance(self._source, StoreSource) else [self.current.version]

    def has_changed(self) -> bool:
        """Whether the source may have another model than when it was last asked. Cheap."""
        mark = self._source.mark() if self._source else None
        return mark is not None and mark != self._mark

    def reload(self) -> bool:
        """Load what the source has, check it, and serve it; whether that went well. The old model goes on where it did not."""
        if self._source is None:
            return True
        with self._lock:
            mark = self._source.mark()
            try:
                labeller = self._source.load()
                check_labeller(labeller)
            except ArtifactError as error:
                self._refuse(str(error))
                return False
            finally:
                self._mark = mark or self._mark  # no second try until something changes
            self._serve(labeller)
            return True

    def activate(self, version: str) -> None:
        """Serve `version` of the store from now on, here and in every process that watches the store.

        Raises:
            ArtifactMissingError: there is no store, or no such version in it.
            ArtifactError: the model is not as it should be; it is not made current, and the old one goes on.
            OSError: the store cannot be written.
        """
        if not isinstance(self._source, StoreSource):
            raise ArtifactMissingError("服务不是从模型库启动的（--store），不能切换版本。")
        with self._lock:
            try:
                labeller = self._source.store.load(version)
                check_labeller(labeller)
            except ArtifactMissingError:
                raise
            except ArtifactError as error:
                self._refuse(str(error))
                raise
            self._source.store.activate(version)
            self._mark = self._source.mark()
            self._serve(labeller)

    def _serve(self, labeller: Labeller) -> None:
        self.fault = None
        before = self.current
        if labeller.version != before.version:
            self.current = ServedModel(labeller, datetime.now(UTC))
            self.tell(Swap(before, self.current))

    def _refuse(self, fault: str) -> None:
        self.fault = fault
        self.tell(Swap(self.current, self.current, fault))


def check_labeller(labeller: Labeller, probes: Sequence[str] = _PROBES) -> None:
    """Have `labeller` label a few texts, together and one by one.

    Raises:
        ArtifactError: it fails, gives what is no probability, or does not agree with itself.
    """
    try:
        together = labeller.label(probes)
    except Exception as error:
        raise ArtifactError(f"模型 {labeller.version} 装入后标注失败（{type(error).__name__}），不予启用。") from error
    scores = [score for label in together for score in label.scores.values()]
    if not labeller.themes or not all(0 <= score <= 1 for score in scores):  # NaN is not, either
        raise ArtifactError(f"模型 {labeller.version} 给出的不是概率，不予启用。")
    for text, label in zip(probes, together, strict=True):
        check_golden(labeller, [GoldenLabel(text, label.themes, label.scores)])
