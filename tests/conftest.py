"""A tiny real model, trained once a session from a part of the repository's data."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import settings

from model.artifact import load_labeller
from model.labeller import PATH_VARIABLE, Labeller, LabelPath
from model.plain import PlainLabeller
from service.app import create_app
from service.settings import Settings
from training.train import train

# The same examples on every run and machine, and no failure because a machine was busy.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

REPOSITORY = Path(__file__).resolve().parent.parent
SENTENCES_A_FILE = 60
PARAGRAPHS_A_FILE = 20
TINY_FILE = 15
TINY_LEXICON = 600


def _copy_first_lines(source: Path, target: Path, count: int) -> set[str]:
    """Copy the first `count` records; returns the documents that they belong to."""
    lines = source.read_text(encoding="utf-8").splitlines()[:count]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {json.loads(line)["document"] for line in lines}


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the first records of each file of `datasets/`."""
    folder = tmp_path_factory.mktemp("data")
    source = REPOSITORY / "datasets"
    documents: set[str] = set()
    for subfolder, count in (("sentences", SENTENCES_A_FILE), ("paragraphs", PARAGRAPHS_A_FILE)):
        for path in sorted((source / subfolder).glob("*.jsonl")):
            documents |= _copy_first_lines(path, folder / subfolder / path.name, count)
    rows = (source / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if json.loads(row)["id"] in documents]
    (folder / "documents.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    for name in ("themes.json", "lexicon.tsv"):
        shutil.copy(source / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def tiny_data(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with still less of everything, just enough to train from."""
    folder = tmp_path_factory.mktemp("tiny") / "data"
    shutil.copytree(small_data, folder)
    for path in [*folder.glob("*/*.jsonl"), folder / "lexicon.tsv"]:
        lines = path.read_text(encoding="utf-8").splitlines()[: TINY_LEXICON if path.suffix == ".tsv" else TINY_FILE]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small_model_folder(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder trained from `small_data`."""
    folder = tmp_path_factory.mktemp("models") / "model"
    train(small_data, folder, lambda _done: None)
    return folder


@pytest.fixture(scope="session")
def tiny_model_folder(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder trained from `tiny_data`; saving takes its time, so that tests share what they can."""
    folder = tmp_path_factory.mktemp("models") / "model"
    train(tiny_data, folder, lambda _done: None)
    return folder


@pytest.fixture(scope="session")
def labeller(small_model_folder: Path) -> Labeller:
    """The labeller of `small_model_folder`."""
    return load_labeller(small_model_folder)


@contextmanager
def _serving(app: FastAPI, *, timeout: float = 60, **options: Any) -> Iterator[httpx.Client]:
    """A client of `app`, which runs behind a real server on a loopback port for as long as the `with`.

    `options` are uvicorn's own.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=timeout, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[httpx.Client]]:
    """Runs an app behind a real server and gives a client of it."""
    return _serving


@pytest.fixture(scope="session")
def client(labeller: Labeller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service around `labeller`."""
    feedback = tmp_path_factory.mktemp("feedback") / "feedback.sqlite3"
    with _serving(create_app(labeller, Settings(feedback=feedback))) as connected:
        yield connected


@pytest.fixture(scope="session")
def plain_labeller(small_model_folder: Path) -> PlainLabeller:
    """The labeller of `small_model_folder` on the plain path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PATH_VARIABLE, LabelPath.PLAIN.value)
        labeller = load_labeller(small_model_folder)
    assert isinstance(labeller, PlainLabeller)
    return labeller
