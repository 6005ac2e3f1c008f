"""Finds the model to serve; where the machine has none yet, has the default one trained, once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from model.artifact import MODEL_VARIABLE, default_model_folder, load_labeller
from model.errors import ArtifactError, ArtifactMissingError
from model.labeller import Labeller, core_is_built


def model_folder(folder: Path | None) -> Path:
    """Where `find_labeller` looks: `folder`, without one that of the environment variable, else the default one."""
    if folder is None and os.environ.get(MODEL_VARIABLE):
        return Path(os.environ[MODEL_VARIABLE])
    return folder or default_model_folder()


def find_labeller(folder: Path | None, tell: Callable[[str], None]) -> Labeller:
    """The labeller in `folder`; without one, that of the environment variable, else the default one, trained first where it is missing.

    Training runs `policy-train` in a process of its own (the service imports nothing of it), behind a lock: of two processes that
    start together one trains and the other waits.

    Args:
        folder: the model folder that the user asked for.
        tell: takes a sentence for the user while work goes on.

    Raises:
        ArtifactError: the model is missing, damaged or foreign, or the default one could not be trained.
    """
    if not core_is_built():
        tell("这台机器上没有编译好的快速内核，改用普通路径：结果相同，速度较慢。")
    if folder is None and os.environ.get(MODEL_VARIABLE):
        folder = Path(os.environ[MODEL_VARIABLE])
    if folder is not None:
        return load_labeller(folder)
    folder = default_model_folder()
    try:
        return load_labeller(folder)
    except ArtifactMissingError:
        pass
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            try:
                return load_labeller(folder)  # another process may have trained it while this one waited
            except ArtifactMissingError:
                tell("这台机器上还没有模型，正在用随软件提供的数据训练默认模型（约一两分钟，只需一次）……")
                _train(folder)
            return load_labeller(folder)
    except OSError as error:
        raise ArtifactError(
            f"不能在 {folder.parent} 保存默认模型（{error.strerror}）；请用 --model 指定模型文件夹。"
        ) from None


def _train(folder: Path) -> None:
    finished = subprocess.run(  # noqa: S603 (our own module, no input of a user's)
        [sys.executable, "-m", "training.command", "train", "--output", str(folder)], stdout=sys.stderr, check=False
    )
    if finished.returncode:
        raise ArtifactError("默认模型训练失败，原因见上；修正后重试，或用 --model 指定已有的模型文件夹。")
