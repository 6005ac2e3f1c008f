"""Logs and figures: each request once, and never a word of a document."""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from model.labeller import Labeller
from service.app import create_app
from service.logs import JsonLines, TextLines, set_up_logs
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
SECRET = "不该出现在日志里的正文"  # noqa: S105 (no password)


def fields_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in caplog.records if hasattr(record, "fields")]


def test_each_request_is_a_line_without_its_text(
    serve: Serve, labeller: Labeller, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "policy_themes")
    with serve(create_app(labeller, Settings(feedback=tmp_path / "f.sqlite3"))) as client:
        body = {"paragraphs": [{"id": SECRET, "text": SECRET}]}
        answer = client.post("/v1/label", json=body, headers={"x-request-id": "mine-1"})
        assert answer.headers["x-request-id"] == "mine-1"
        client.post("/v1/label", json={"paragraphs": SECRET}, headers={"x-request-id": f"bad id {'x' * 90}"})
        client.post("/v1/documents", json={"text": SECRET, "name": SECRET})
        client.post("/v1/documents", files={"file": (f"{SECRET}.docx", SECRET.encode())})
        client.post("/v1/feedback", json={"text": SECRET, "themes": [], "model": "1", "predicted": [], "note": SECRET})
        client.get(f"/{SECRET}?q={SECRET}")
        metrics = client.get("/metrics").text
    lines = fields_of(caplog)
    assert [(line["route"], line["status"]) for line in lines[:6]] == [
        ("/v1/label", 200),
        ("/v1/label", 422),
        ("/v1/documents", 200),
        ("/v1/documents", 422),
        ("/v1/feedback", 201),
        ("unmatched", 404),
    ]
    assert lines[0]["id"] == "mine-1"
    assert lines[1]["id"] != lines[2]["id"]
    assert all(line["ms"] >= 0 and line["received"] >= 0 for line in lines)
    written = "\n".join(form.format(record) for form in (JsonLines(), TextLines()) for record in caplog.records)
    for text in (written, metrics):
        assert SECRET not in text
        assert json.dumps(SECRET)[1:-1] not in text
    assert 'requests_total{method="GET",route="unmatched",status="404"} 1.0' in metrics
    assert 'paragraphs_total{outcome="labelled"} 1.0' in metrics
    assert 'feedback_total{outcome="kept"} 1.0' in metrics
    assert f'labels_total{{model="{labeller.version}",theme="none"}} 1.0' in metrics


def test_labels_of_the_figures_are_bounded(serve: Serve, labeller: Labeller) -> None:
    with serve(create_app(labeller, Settings())) as client:
        before = len(client.get("/metrics").text.splitlines())
        for number in range(50):
            client.get(f"/nowhere/{number}")
            client.request(f"METHOD{number}", "/v1/label")
            client.get(f"/v2/models/{number}")
        assert len(client.get("/metrics").text.splitlines()) < before + 80


def test_a_failure_of_ours_is_a_problem_and_leaves_only_places_in_the_log(
    serve: Serve, labeller: Labeller, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(labeller, Settings())

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError(SECRET)

    with serve(app) as client:
        response = client.get("/fail")
        assert client.get("/healthz").status_code == 200
    assert response.status_code == 500
    assert response.json()["type"].endswith(":internal")
    assert SECRET not in response.text
    (record,) = [record for record in caplog.records if record.exc_info]
    line = json.loads(JsonLines().format(record))
    assert line["failure"][0] == "RuntimeError"
    assert any("test_request_log.py" in place for place in line["failure"])
    assert SECRET not in JsonLines().format(record) + TextLines().format(record)
    assert response.headers["x-request-id"] == line["id"]


def test_logs_are_json_where_no_person_reads(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("policy_themes.trial")
    try:
        for form, expected in (("auto", True), ("json", True), ("text", False)):
            set_up_logs(form)  # type: ignore[arg-type]
            logger.info("hello %s", "there")
            line = capsys.readouterr().err.strip()
            assert ("hello there" in line, line.startswith("{")) == (True, expected)
    finally:
        for name in ("policy_themes", "uvicorn", "uvicorn.error"):
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    assert sys.stderr
