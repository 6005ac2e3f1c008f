"""The model that is served, and how another takes its place while requests go on.

A request takes the served model once and keeps it: swapping is one assignment of an immutable object. The next model is loaded
and checked beside the served one; what fails there changes nothing.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from model.artifact import LAYOUT, load_labeller
from model.errors import ArtifactError
from model.labeller import Labeller

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
        """The model that is to be served, checked.

        Raises:
            ArtifactError: it is not there, or not as it should be.
        """


class FolderSource:
    """One model folder, which training replaces as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mark(self) -> object:
        """See `ModelSource`: time, size and place of the manifest."""
        try:
            status = (self._folder / LAYOUT.manifest).stat()
        except OSError:
            return None  # between two models, or gone: the one in memory goes on
        return status.st_mtime_ns, status.st_size, status.st_ino

    def load(self) -> Labeller:
        """See `ModelSource`."""
        return load_labeller(self._folder)


class ModelRegistry:
    """The served model and its source. Safe to share between threads."""

    def __init__(self, labeller: Labeller, source: ModelSource | None = None) -> None:
        """Serve `labeller` until `source`, if any, has another."""
        self.current = ServedModel(labeller, datetime.now(UTC))
        self.source = source
        self.fault: str | None = None
        self.reloads = 0
        self.failures = 0
        self._mark = source.mark() if source else None
        self._lock = threading.Lock()

    def look(self) -> bool:
        """Take up a new model if there is one; whether there was. Cheap where there is none."""
        if self.source is None:
            return False
        mark = self.source.mark()
        if mark is None or mark == self._mark:
            return False
        return self.reload()

    def reload(self) -> bool:
        """Load what the source has, check it, and serve it; whether that went well. The old model goes on where it did not."""
        if self.source is None:
            return False
        with self._lock:
            mark = self.source.mark()
            try:
                labeller = self.source.load()
                check_labeller(labeller)
            except ArtifactError as error:
                self.fault = str(error)
                self.failures += 1
                self._mark = mark or self._mark  # no second try until something changes
                return False
            self._mark = mark or self._mark
            self.serve(labeller)
            return True

    def versions(self) -> list[str]:
        """The versions that can be served, the newest first."""
        return [self.current.version]

    def serve(self, labeller: Labeller) -> None:
        """Serve `labeller`, which was checked, from now on."""
        self.fault = None
        if labeller.version != self.current.version:
            self.current = ServedModel(labeller, datetime.now(UTC))
            self.reloads += 1


def check_labeller(labeller: Labeller, probes: Sequence[str] = _PROBES) -> None:
    """Have `labeller` label a few texts, twice, one by one and together.

    Raises:
        ArtifactError: it fails, gives what is no probability, or does not agree with itself.
    """
    try:
        together = labeller.label(probes)
        alone = [label for text in probes for label in labeller.label([text])]
    except Exception as error:
        raise ArtifactError(f"模型 {labeller.version} 装入后标注失败（{type(error).__name__}），不予启用。") from error
    scores = [score for label in together for score in label.scores.values()]
    if together != alone or not labeller.themes or not all(math.isfinite(one) and 0 <= one <= 1 for one in scores):
        raise ArtifactError(f"模型 {labeller.version} 没有通过装入后的自检，不予启用。")
