"""Another model takes the served one's place while requests go on; what fails its check changes nothing."""

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from model.artifact import load_labeller
from model.errors import ArtifactError, ArtifactMissingError
from model.label import Label
from model.labeller import Labeller
from model.store import ModelStore
from service.api_keys import Role, entry_line, new_key
from service.app import create_app
from service.model_registry import FolderSource, ModelRegistry, StoreSource, Swap, check_labeller
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
TEXTS = ["设立科技信贷风险补偿资金池。", "新建孵化器三家。", "引进博士二十名。"]
ADMIN, ADMIN_DIGEST = new_key()
KEYS = entry_line("boss", Role.ADMIN, ADMIN_DIGEST)


@pytest.fixture
def store(tmp_path: Path, small_model_folder: Path, tiny_model_folder: Path) -> ModelStore:
    """A store with two models; the small one is current."""
    store = ModelStore(tmp_path / "store")
    store.release(tiny_model_folder, TEXTS)
    store.release(small_model_folder, TEXTS)
    return store


def damage(store: ModelStore, version: str) -> None:
    path = store.folder / "versions" / version / "model" / "pipeline.joblib"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5])


def test_a_release_is_taken_up_and_a_rollback_too(store: ModelStore) -> None:
    small, tiny = store.versions()
    swaps: list[Swap] = []
    registry = ModelRegistry.of(StoreSource(store))
    registry.tell = swaps.append
    assert registry.current.version == small
    assert not registry.has_changed()
    store.activate(tiny)
    assert registry.has_changed()
    assert registry.reload()
    assert registry.current.version == tiny
    assert not registry.has_changed()
    assert store.rollback() == small
    assert registry.reload()
    assert registry.current.version == small
    assert [(swap.before.version, swap.after.version, swap.fault) for swap in swaps] == [
        (small, tiny, None),
        (tiny, small, None),
    ]


def test_a_broken_model_is_refused_and_the_old_one_goes_on(store: ModelStore) -> None:
    small, tiny = store.versions()
    registry = ModelRegistry.of(StoreSource(store))
    damage(store, tiny)
    store.activate(tiny)
    assert not registry.reload()
    assert registry.current.version == small
    assert registry.fault
    assert not registry.has_changed(), "it is not tried again and again"
    with pytest.raises(ArtifactError):
        registry.activate(tiny)
    store.rollback()
    assert registry.reload()
    assert registry.fault is None


def test_a_model_folder_that_training_replaces_is_taken_up(
    tmp_path: Path, small_model_folder: Path, tiny_model_folder: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small_model_folder, folder)
    registry = ModelRegistry(load_labeller(folder), FolderSource(folder))
    before = registry.current.version
    folder.rename(tmp_path / "away")
    assert not registry.has_changed(), "between two models the one in memory goes on"
    shutil.copytree(tiny_model_folder, folder)
    assert registry.has_changed()
    assert registry.reload()
    assert registry.current.version != before


class Odd:
    """A labeller that is not what it should be."""

    def __init__(self, real: Labeller, change: Callable[[Label], Label]) -> None:
        self._real = real
        self._change = change
        self.themes = real.themes
        self.card = real.card
        self.version = real.version

    def label(self, texts: list[str], *, evidence: bool = True, threads: int = 1) -> list[Label]:
        return [self._change(label) for label in self._real.label(texts, evidence=evidence, threads=threads)]


_TURN = itertools.count()


def _raise(_label: Label) -> Label:
    raise RuntimeError


@pytest.mark.parametrize(
    "change",
    [
        lambda label: replace(label, scores={**label.scores, "talent": 1.5}),
        lambda label: replace(label, scores={**label.scores, "talent": float("nan")}),
        lambda label: replace(label, themes=(str(next(_TURN)),)),
        _raise,
    ],
    ids=["no probability", "NaN", "moody", "raises"],
)
def test_a_model_that_does_not_label_is_found_out(labeller: Labeller, change: Callable[[Label], Label]) -> None:
    check_labeller(labeller)
    odd: Any = Odd(labeller, change)
    with pytest.raises(ArtifactError):
        check_labeller(odd)


def test_without_a_store_no_version_can_be_asked_for(labeller: Labeller) -> None:
    registry = ModelRegistry(labeller)
    assert registry.versions() == [labeller.version]
    with pytest.raises(ArtifactMissingError):
        registry.activate(labeller.version)


def test_models_are_swapped_over_http(serve: Serve, store: ModelStore) -> None:
    small, tiny = store.versions()
    registry = ModelRegistry.of(StoreSource(store))
    headers = {"x-api-key": ADMIN}
    with serve(create_app(registry, Settings(api_keys=KEYS))) as client:
        client.headers.update(headers)
        listed = client.get("/v1/models").json()["models"]
        assert listed == [{"version": small, "active": True}, {"version": tiny, "active": False}]
        assert client.post(f"/v1/models/{tiny}/activate").json()["models"][1]["active"]
        assert client.get("/v1/model").json()["version"] == tiny == store.current()
        assert client.post("/v1/models/none/activate").json()["type"].endswith(":unknown-model")
        for path in ("..%2f..", "%252e%252e", "a%2fb", "%00"):
            assert client.post(f"/v1/models/{path}/activate").status_code in {404, 422}
        damage(store, small)
        refused = client.post(f"/v1/models/{small}/activate")
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "model-refused")
        ready = client.get("/readyz").json()
        assert (ready["status"], ready["model"]) == ("ok", tiny)
        assert ready["fault"]
        assert store.current() == tiny
        metrics = client.get("/metrics").text
        assert 'model_reloads_total{outcome="taken"} 1.0' in metrics
        assert 'model_reloads_total{outcome="refused"} 1.0' in metrics
        path = registry.current.labeller.card["path"]
        assert f'model_info{{path="{path}",version="{tiny}"}} 1.0' in metrics
        assert f'model_info{{path="{path}",version="{small}"}} 0.0' in metrics


def test_no_request_fails_while_models_are_swapped(serve: Serve, store: ModelStore) -> None:
    versions = store.versions()
    expected = {
        version: [json.loads(json.dumps(label.as_record())) for label in store.load(version).label(TEXTS)]
        for version in versions
    }
    assert expected[versions[0]] != expected[versions[1]]
    registry = ModelRegistry.of(StoreSource(store))
    body = {"paragraphs": [{"id": number, "text": text} for number, text in enumerate(TEXTS)]}
    done = threading.Event()
    seen = set()

    def ask(client: httpx.Client) -> int:
        count = 0
        while not done.is_set():
            answer = client.post("/v1/label", json=body)
            assert answer.status_code == 200
            told = answer.json()
            labels = [{name: value for name, value in row.items() if name != "id"} for row in told["results"]]
            assert labels == expected[told["model"]], "labels are those of the model that is named"
            assert answer.headers["x-policy-themes-model"] == told["model"]
            seen.add(told["model"])
            count += 1
        return count

    with serve(create_app(registry, Settings())) as client, ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, client) for _ in range(4)]
        try:
            for version in itertools.islice(itertools.cycle(reversed(versions)), 8):
                store.activate(version)
                assert registry.reload()
                time.sleep(0.05)
        finally:
            done.set()
        assert all(future.result() > 0 for future in asking)
    assert seen == set(versions)
