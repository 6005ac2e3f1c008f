"""From the data folder to a model folder: the whole of a training run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.artifact import check_replaceable, save_artifact
from model.features import FeatureReader
from model.pipeline import Pipeline
from training.cross_validation import FOLDS, choose_decision, fit_calibrators, hold_out, judge
from training.dataset import read_dataset, sizes
from training.fit import fit, read_examples
from training.metrics import Scores

STEPS = 3 + FOLDS


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run made."""

    version: str
    folder: Path
    scores: Scores


def train(data_folder: Path, model_folder: Path, tell: Callable[[str], None]) -> Trained:
    """Train a labeller from `data_folder` and write it to `model_folder`.

    The same data under the same versions of the libraries give byte-identical files.

    Args:
        data_folder: laid out as `datasets/README.md` says.
        model_folder: replaced once the new model is whole.
        tell: called `STEPS` times, with what has just been done.

    Raises:
        ArtifactError: something else than a model stands at `model_folder`; nothing is trained.
        DataError: the data are wrong or too few; nothing is trained.
        OSError: the model folder cannot be written.
    """
    check_replaceable(model_folder)
    model_folder.parent.mkdir(parents=True, exist_ok=True)  # where that fails, it fails before the work and not after
    dataset = read_dataset(data_folder)
    reader = FeatureReader(dataset.lexicon)
    examples = read_examples(dataset, reader)
    tell(f"读入 {len(examples)} 句、{len(dataset.paragraphs)} 段")
    held_out = hold_out(dataset, examples, reader, lambda done: tell(f"交叉验证 {done}/{FOLDS}"))
    calibrators = fit_calibrators(held_out)
    decision = choose_decision(held_out, calibrators, dataset.theme_ids)
    scores = judge(held_out, calibrators, decision, dataset.theme_ids)
    vectoriser, classifiers = fit(examples)
    tell("用全部数据训练")
    version = save_artifact(
        model_folder,
        themes=dataset.themes,
        lexicon=dataset.lexicon,
        pipeline=Pipeline(vectoriser, classifiers, calibrators),
        decision=decision,
        data=sizes(dataset),
        scores={"cross_validation": scores.as_record(), "folds": FOLDS, "split_by": "collection"},
    )
    tell("保存模型")
    return Trained(version, model_folder, scores)
