"""The model on a worker of a cluster: loaded once a process, and surely the one that the driver means."""

import os
from pathlib import Path

from model.artifact import MODEL_VARIABLE, default_model_folder, load_labeller
from model.errors import ArtifactError
from model.labeller import Labeller

_LOADED: dict[str, Labeller] = {}


class ModelMismatchError(ArtifactError):
    """A worker has another model than the one that the job is of."""


def labeller_here(folder: str | None, version: str | None) -> Labeller:
    """The labeller of this process.

    Args:
        folder: where the model lies on every worker; None is what this machine uses without being asked.
        version: what it must be; None takes any.

    Raises:
        ArtifactError: there is no model, or it is damaged.
        ModelMismatchError: it has another version.
    """
    place = folder or os.environ.get(MODEL_VARIABLE) or str(default_model_folder())
    labeller = _LOADED.get(place)
    if labeller is None or version not in (None, labeller.version):  # it may have been trained anew since
        labeller = _LOADED[place] = load_labeller(Path(place))
    if version not in (None, labeller.version):
        raise ModelMismatchError(
            f"工作进程的模型是 {labeller.version}（{place}），这次运行用的是 {version}；请在各台机器上装同一个模型，或用 --model 指定共享的模型文件夹。"
        )
    return labeller
