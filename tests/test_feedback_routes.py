"""Corrections over HTTP."""

import hashlib
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
TEXT = "设立科技信贷风险补偿资金池。"


@pytest.fixture
def own(serve: Serve, labeller: Labeller, tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with a store of its own."""
    with serve(create_app(labeller, Settings(feedback=tmp_path / "feedback.sqlite3"))) as client:
        yield client


def correction(**fields: object) -> dict[str, Any]:
    return {"text": TEXT, "themes": ["tech_finance"], "model": "0.1.0+a", "predicted": ["talent"], **fields}


def exported(client: httpx.Client, **query: int) -> list[dict[str, Any]]:
    response = client.get("/v1/feedback/export", params=query)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert "attachment" in response.headers["content-disposition"]
    return [json.loads(line) for line in response.text.split("\n") if line]


def test_a_correction_is_answered_and_exported(own: httpx.Client) -> None:
    assert exported(own) == []
    sent = correction(primary="tech_finance", file="甲.docx", paragraph=2, note="不是人才", key="k1")
    first = own.post("/v1/feedback", json=sent)
    assert first.status_code == 201
    receipt = first.json()
    assert receipt["text_sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert own.post("/v1/feedback", json=sent).json() == receipt, "sent again with its key"
    second = own.post("/v1/feedback", json=correction(themes=[], primary="other")).json()
    rows = exported(own)
    assert [row["id"] for row in rows] == [receipt["id"], second["id"]]
    assert {name: rows[0][name] for name in sent if name != "key"} == {
        name: value for name, value in sent.items() if name != "key"
    }
    assert (rows[1]["themes"], rows[1]["primary"]) == ([], "other")
    assert [row["id"] for row in exported(own, after=receipt["id"])] == [second["id"]]


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"themes": ["weather"]}, 422, "invalid-request"),
        ({"themes": "tech_finance"}, 422, "invalid-request"),
        ({"primary": "talent"}, 422, "invalid-request"),
        ({"text": ""}, 422, "invalid-request"),
        ({"text": "\ud800"}, 422, "invalid-request"),
        ({"text": "文" * 20_001}, 422, "invalid-request"),
        ({"model": "<script>"}, 422, "invalid-request"),
        ({"paragraph": 0}, 422, "invalid-request"),
        ({"note": "长" * 2001}, 422, "invalid-request"),
        ({"other": 1}, 422, "invalid-request"),
        ({"key": ""}, 422, "invalid-request"),
    ],
)
def test_a_wrong_correction_is_refused(own: httpx.Client, fields: dict[str, Any], status: int, kind: str) -> None:
    response = own.post(
        "/v1/feedback", content=json.dumps(correction(**fields)), headers={"content-type": "application/json"}
    )
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (status, kind)
    assert exported(own) == []


def test_a_key_for_something_else_is_a_conflict(own: httpx.Client) -> None:
    assert own.post("/v1/feedback", json=correction(key="k")).status_code == 201
    response = own.post("/v1/feedback", json=correction(key="k", themes=[]))
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (409, "key-reused")


def test_a_broken_store_stops_corrections_and_nothing_else(serve: Serve, labeller: Labeller, tmp_path: Path) -> None:
    broken = tmp_path / "feedback.sqlite3"
    broken.write_bytes(b"garbage" * 1000)
    with serve(create_app(labeller, Settings(feedback=broken))) as client:
        for response in (client.post("/v1/feedback", json=correction()), client.get("/v1/feedback/export")):
            assert response.status_code == 503
            assert "retry-after" in response.headers
            assert response.json()["type"].endswith(":feedback-unavailable")
        assert client.post("/v1/label", json={"paragraphs": [{"id": 1, "text": TEXT}]}).status_code == 200
        assert client.get("/readyz").status_code == 200
        broken.unlink()
        assert client.post("/v1/feedback", json=correction()).status_code == 201, "it recovers without a restart"


def test_a_full_store_is_told(serve: Serve, labeller: Labeller, tmp_path: Path) -> None:
    settings = Settings(feedback=tmp_path / "feedback.sqlite3", feedback_mib=1)
    with serve(create_app(labeller, settings)) as client:
        statuses = [
            client.post("/v1/feedback", json=correction(text="文" * 20_000, note=str(number))).status_code
            for number in range(25)
        ]
        assert set(statuses) == {201, 507}
        assert statuses == sorted(statuses)
        assert len(exported(client)) == statuses.count(201)
