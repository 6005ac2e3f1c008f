"""Who may ask: with keys on nobody without one gets more than health; other sites' pages and hasty callers are turned away."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from model.labeller import Labeller
from service.api_keys import Role, entry_line, new_key
from service.app import create_app
from service.health_routes import HEALTH_PATHS
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
USER, USER_DIGEST = new_key()
ADMIN, ADMIN_DIGEST = new_key()
KEYS = f"{entry_line('page', Role.USER, USER_DIGEST)},{entry_line('boss', Role.ADMIN, ADMIN_DIGEST)}"


@pytest.fixture(scope="module")
def locked(serve: Serve, labeller: Labeller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with keys on."""
    feedback = tmp_path_factory.mktemp("locked") / "feedback.sqlite3"
    with serve(create_app(labeller, Settings(api_keys=KEYS, feedback=feedback))) as client:
        yield client


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


def test_with_keys_on_nothing_but_health_answers_without_one(locked: httpx.Client) -> None:
    paths = locked.get("/openapi.json", headers={"x-api-key": USER}).json()["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in operations:
            response = locked.request(method, path.format(name="policy-themes", version="1"))
            if path in HEALTH_PATHS:
                assert response.status_code == 200, path
                continue
            assert response.status_code == 401, (method, path)
            assert "Bearer" in response.headers["www-authenticate"]
            assert response.headers["content-type"] == "application/problem+json"
            asked += 1
    assert asked >= 15
    for path in (
        "/",
        "/docs",
        "/openapi.json",
        "/static-offline-docs/swagger-ui.css",
        "/nowhere",
        "/healthz/",
        "//healthz",
    ):
        assert locked.get(path).status_code == 401, path


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {USER}"},
        {"authorization": f"bearer {USER}"},
        {"authorization": basic(USER)},
        {"x-api-key": USER},
    ],
)
def test_a_key_opens_in_any_of_its_forms(locked: httpx.Client, headers: dict[str, str]) -> None:
    assert locked.get("/v1/model", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {USER[:-1]}"},
        {"authorization": f"Bearer {USER_DIGEST}"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic /w=="},
        {"authorization": USER},
        {"x-api-key": ""},
        {"x-forwarded-for": "127.0.0.1", "x-original-url": "/healthz", "host": "localhost/healthz"},
    ],
)
def test_no_other_header_opens(locked: httpx.Client, headers: dict[str, str]) -> None:
    assert locked.get("/v1/model", headers=headers).status_code == 401


def test_only_an_admin_takes_out_corrections_and_takes_up_models(locked: httpx.Client) -> None:
    for method, path in (("GET", "/v1/feedback/export"), ("POST", "/v1/models/1.0/activate")):
        assert locked.request(method, path, headers={"x-api-key": USER}).status_code == 403
        assert locked.request(method, path, headers={"x-api-key": ADMIN}).status_code in {200, 404}


def test_without_keys_nobody_takes_up_models(client: httpx.Client) -> None:
    response = client.post("/v1/models/1.0/activate")
    assert response.status_code == 403
    assert response.json()["type"].endswith(":forbidden")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "none"}, 201),
        ({"origin": "OWN"}, 201),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, 403),
    ],
)
def test_another_sites_page_cannot_act_here(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    own = f"http://{client.base_url.netloc.decode()}"
    sent = {name: own if value == "OWN" else value for name, value in headers.items()}
    body = {"text": "一段", "themes": [], "model": "1", "predicted": []}
    response = client.post("/v1/feedback", json=body, headers=sent)
    assert response.status_code == status
    if status == 403:
        assert response.json()["type"].endswith(":cross-site")


def test_other_origins_are_let_in_only_where_they_are_named(serve: Serve, labeller: Labeller, tmp_path: Path) -> None:
    named = {"origin": "https://good.example", "sec-fetch-site": "cross-site"}
    settings = Settings(cors_origins=("https://good.example",), feedback=tmp_path / "f.sqlite3")
    body = {"paragraphs": [{"id": 1, "text": "专利"}]}
    with serve(create_app(labeller, settings)) as client:
        answer = client.post("/v1/label", json=body, headers=named)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://good.example"
        evil = client.post("/v1/label", json=body, headers={"origin": "https://evil.example"})
        assert evil.status_code == 403
        assert "access-control-allow-origin" not in evil.headers
        preflight = {**named, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        assert client.options("/v1/label", headers=preflight).status_code == 200


def test_by_default_no_other_origin_may_read(client: httpx.Client) -> None:
    response = client.get("/v1/themes", headers={"origin": "https://a.example"})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_only_named_hosts_are_answered(serve: Serve, labeller: Labeller) -> None:
    with serve(create_app(labeller, Settings(hosts=("themes.example",)))) as client:
        assert client.get("/v1/themes", headers={"host": "themes.example:8000"}).status_code == 200
        for host in ("evil.example", "themes.example.evil", ""):
            assert client.get("/v1/themes", headers={"host": host}).status_code == 400
        assert client.get("/healthz").status_code == 200


def test_a_hasty_caller_is_told_when_to_come_again(serve: Serve, labeller: Labeller) -> None:
    with serve(create_app(labeller, Settings(rate_limit=3, api_keys=KEYS))) as client:
        statuses = [client.get("/v1/themes", headers={"x-api-key": USER}) for _ in range(4)]
        assert [response.status_code for response in statuses] == [200, 200, 200, 429]
        assert 1 <= int(statuses[-1].headers["retry-after"]) <= 20
        assert client.get("/v1/themes", headers={"x-api-key": ADMIN}).status_code == 200
        assert client.get("/healthz").status_code == 200
