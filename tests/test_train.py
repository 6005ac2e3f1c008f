import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import ArtifactError, DataError
from model.labeller import Labeller
from model.plain import PlainLabeller
from training.dataset import read_dataset, sizes
from training.train import train

Row = dict[str, Any]


def test_the_model_knows_what_it_was_made_from(labeller: Labeller, small_data: Path) -> None:
    dataset = read_dataset(small_data)
    assert labeller.card["data"] == sizes(dataset)
    assert labeller.themes == dataset.themes
    scores = labeller.card["scores"]["cross_validation"]
    assert scores["themes"].keys() == set(dataset.theme_ids)
    assert sum(row["support"] for row in scores["themes"].values()) == sum(
        len(one.themes) for one in dataset.paragraphs
    )


def test_held_out_scores_are_far_above_chance_and_thresholds_sensible(plain_labeller: PlainLabeller) -> None:
    assert plain_labeller.card["scores"]["cross_validation"]["macro_f1"] > 0.6
    assert plain_labeller.card["scores"]["cross_validation"]["ece"] < 0.1
    thresholds = np.array(list(plain_labeller.card["thresholds"].values()))
    assert ((thresholds > 0) & (thresholds < 1)).all()
    for threshold, (low, high) in zip(thresholds, plain_labeller._decision.review_bands, strict=True):
        assert 0 <= low < threshold < high <= 1


def rewrite(path: Path, change: Callable[[Row], Row | None]) -> None:
    """Pass each record of a file through `change`; None takes it out."""
    rows = [change(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows if row), encoding="utf-8")


def without_theme(row: Row, theme: str) -> Row:
    kept: Row = json.loads(json.dumps(row))
    for one in (kept, *kept.get("sentences", [])):
        one["themes"] = [name for name in one["themes"] if name != theme]
    if kept.get("primary") == theme:
        kept["primary"] = "other"
    return kept


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the tiny data that a test may change."""
    copied = tmp_path / "data"
    shutil.copytree(tiny_data, copied)
    return copied


def refusal(data: Path) -> str:
    """Why training refuses; it leaves nothing behind."""
    with pytest.raises(DataError) as caught:
        train(data, data.parent / "model", lambda _done: None)
    assert [path.name for path in data.parent.iterdir()] == [data.name]
    return str(caught.value)


def test_data_with_a_fault_are_not_trained_on(data: Path) -> None:
    path = sorted((data / "sentences").iterdir())[0]
    rewrite(path, lambda row: {**row, "themes": ["finance"]})
    assert f"{path} 第 1 行，字段 themes" in refusal(data)


@pytest.mark.parametrize("collections", [1, 3])
def test_data_of_too_few_collections_are_refused(data: Path, collections: int) -> None:
    rewrite(data / "documents.jsonl", lambda row: {**row, "collection": f"c{len(row['id']) % collections}"})
    message = refusal(data)
    assert "数据太少" in message
    assert "collection" in message


@pytest.mark.parametrize("folders", [["sentences", "paragraphs"], ["paragraphs"]])
def test_data_without_a_theme_are_refused_by_its_name(data: Path, folders: list[str]) -> None:
    for folder in folders:
        for path in (data / folder).iterdir():
            rewrite(path, lambda row: without_theme(row, "civil_military"))
    message = refusal(data)
    assert "数据太少" in message
    assert "civil_military" in message


def test_a_theme_that_stands_in_one_collection_alone_is_refused(data: Path) -> None:
    homes = {}
    for line in (data / "documents.jsonl").read_text(encoding="utf-8").splitlines():
        homes[json.loads(line)["id"]] = json.loads(line)["collection"]
    kept = next(
        homes[row["document"]]
        for path in sorted((data / "paragraphs").iterdir())
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if "civil_military" in row["themes"]
    )
    for folder in ("sentences", "paragraphs"):
        for path in (data / folder).iterdir():
            rewrite(path, lambda row: row if homes[row["document"]] == kept else without_theme(row, "civil_military"))
    assert "civil_military" in refusal(data)


def test_data_without_a_term_of_the_lexicon_are_refused(data: Path) -> None:
    header = (data / "lexicon.tsv").read_text(encoding="utf-8").splitlines()[0]
    (data / "lexicon.tsv").write_text(f"{header}\n从未出现之词\ttalent\tstrong\t\t\n", encoding="utf-8")
    assert "词典" in refusal(data)


def test_a_folder_with_other_files_is_refused_before_any_work(small_data: Path, tmp_path: Path) -> None:
    (tmp_path / "论文.docx").write_text("要紧", encoding="utf-8")
    told: list[str] = []
    with pytest.raises(ArtifactError, match="论文"):
        train(small_data, tmp_path, told.append)
    assert told == []
    assert [path.name for path in tmp_path.iterdir()] == ["论文.docx"]
