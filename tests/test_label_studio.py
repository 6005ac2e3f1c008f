"""Label Studio's backend protocol: predictions that it takes, and annotations that reach the feedback store."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from model.labeller import Labeller
from service.app import create_app
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
CONFIG = """<View>
  <Header value="主题"/>
  <Text name="paragraph" value="$正文"/>
  <Choices name="theme" toName="paragraph" choice="multiple">
    <Choice value="科技金融"/><Choice value="Talent"/><Choice value="incubator" alias="incubator"/><Choice value="其他"/>
  </Choices>
</View>"""


@pytest.fixture
def own(serve: Serve, labeller: Labeller, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with a store of its own."""
    with serve(create_app(labeller, Settings(feedback=tmp_path / "feedback.sqlite3"))) as client:
        yield client


def test_the_backend_says_that_it_is_there(client: httpx.Client, labeller: Labeller) -> None:
    assert client.get("/health").json()["status"] == "UP"
    setup = client.post("/setup", json={"project": "1.17", "schema": CONFIG, "hostname": "http://localhost"})
    assert setup.json() == {"model_version": labeller.version}


def test_tasks_are_predicted_in_the_projects_own_names(client: httpx.Client, labeller: Labeller) -> None:
    tasks = [{"id": 1, "data": {"正文": LOAN}}, {"id": 2, "data": {"正文": "修路。"}}, {"data": {"other": 5}}]
    asked = {"tasks": tasks, "label_config": CONFIG, "project": "1.17", "params": {"context": None}}
    results = client.post("/predict", json=asked).json()["results"]
    assert [one["model_version"] for one in results] == [labeller.version] * 3
    assert results[0]["result"] == [
        {"from_name": "theme", "to_name": "paragraph", "type": "choices", "value": {"choices": ["科技金融"]}}
    ]
    assert results[1]["result"] == results[2]["result"] == []
    assert 0.5 < results[0]["score"] <= 1
    assert results[2]["score"] == 0, "nothing to judge by"


def test_without_a_config_the_usual_names_are_taken(client: httpx.Client) -> None:
    (one,) = client.post("/predict", json={"tasks": [{"data": {"text": LOAN}}]}).json()["results"]
    assert (one["result"][0]["from_name"], one["result"][0]["to_name"]) == ("themes", "text")


def test_the_sdk_takes_the_predictions(client: httpx.Client) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface", reason="pip install -e '.[label-studio]'")
    asked = {"tasks": [{"data": {"正文": LOAN}}], "label_config": CONFIG}
    (prediction,) = client.post("/predict", json=asked).json()["results"]
    config = interface.LabelInterface(CONFIG)
    assert config.validate_prediction(prediction, return_errors=True) == []
    wrong = json.loads(json.dumps(prediction).replace("theme", "thema"))
    assert config.validate_prediction(wrong, return_errors=True)


@pytest.mark.parametrize(
    "config",
    [
        "<View><Choices",
        "文",
        "<View/>",
        '<View><Choices name="a" toName="b"><Choice value="天气"/></Choices></View>',
        '<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><View/>',
    ],
)
def test_a_config_without_themes_is_refused_in_words(client: httpx.Client, config: str) -> None:
    for response in (
        client.post("/predict", json={"tasks": [], "label_config": config}),
        client.post("/setup", json={"schema": config}),
    ):
        assert response.status_code == 422
        assert "label_config" in response.json()["detail"]


def event(
    action: str = "ANNOTATION_CREATED", choices: object = ("Talent", "其他"), **annotation: Any
) -> dict[str, Any]:
    result = {"from_name": "theme", "to_name": "paragraph", "type": "choices", "value": {"choices": choices}}
    other = {"from_name": "note", "to_name": "paragraph", "type": "textarea", "value": {"text": ["好"]}}
    return {
        "action": action,
        "annotation": {"id": 5, "updated_at": "2026-11-22T03:00:00Z", "result": [other, result], **annotation},
        "task": {"id": 9, "data": {"正文": LOAN}, "project": 3},
        "project": {"id": 3, "title": "试", "label_config": CONFIG},
    }


def kept(client: httpx.Client) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.get("/v1/feedback/export").text.splitlines()]


def test_an_annotation_becomes_a_correction(own: httpx.Client, labeller: Labeller) -> None:
    first = own.post("/webhook", json=event())
    assert first.status_code == 201
    assert own.post("/webhook", json=event()).json() == first.json(), "Label Studio sends again what it is unsure of"
    own.post("/webhook", json=event("ANNOTATION_UPDATED", (), updated_at="2026-11-22T04:00:00Z"))
    created, updated = kept(own)
    assert (created["text"], created["themes"], created["predicted"]) == (LOAN, ["talent"], ["tech_finance"])
    assert (created["source"], created["model"]) == ("label-studio", labeller.version)
    assert updated["themes"] == []


@pytest.mark.parametrize(
    "body",
    [
        event("ANNOTATIONS_DELETED"),
        event("START_TRAINING"),
        {"action": "ANNOTATION_CREATED"},
        {**event(), "task": {"data": {}}},
        {**event(), "task": {"data": {"正文": 7}}},
    ],
)
def test_other_events_are_not_kept(own: httpx.Client, body: dict[str, Any]) -> None:
    assert own.post("/webhook", json=body).json()["status"] == "ignored"
    assert kept(own) == []


@pytest.mark.parametrize(
    "body", [{}, [], {"action": 1}, {"action": "x", "task": []}, {**event(), "project": {"id": "3"}}]
)
def test_a_broken_event_is_refused(own: httpx.Client, body: object) -> None:
    assert own.post("/webhook", json=body).status_code == 422


@pytest.mark.parametrize("choices", [None, "Talent", [1, None], {"a": 1}])
def test_odd_choices_are_none(own: httpx.Client, choices: object) -> None:
    assert own.post("/webhook", json=event(choices=choices)).json()["status"] == "kept"
    assert kept(own)[0]["themes"] == []
