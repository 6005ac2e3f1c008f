"""A trained model into a store, from which services take it up while they run."""

from pathlib import Path

from model.store import ModelStore
from training.dataset import Dataset

_GOLDEN_TEXTS = 20
_ODD_TEXTS = ("", "🙂", "２０２６年全市ＧＤＰ增长６％。")


def golden_texts(dataset: Dataset) -> list[str]:
    """Texts by which a service checks that a model labels as it did here: some from all over the data, and a few odd ones."""
    paragraphs = [paragraph.text for paragraph in dataset.paragraphs]
    step = max(len(paragraphs) // _GOLDEN_TEXTS, 1)
    return [*paragraphs[::step][:_GOLDEN_TEXTS], *_ODD_TEXTS]


def release(model_folder: Path, store_folder: Path, dataset: Dataset) -> str:
    """Publish the model in `model_folder` to the store and make it current; returns its version.

    Raises:
        ArtifactError: the model is damaged, or another one has its version.
        OSError: the store cannot be written.
    """
    return ModelStore(store_folder).release(model_folder, golden_texts(dataset))
