"""Errors over HTTP: one shape for all, a sentence in each, and nothing of the rejected text."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.errors import TextError
from service.problems import FieldProblem, ProblemKind, add_problem_handlers, problem_response

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
SECRET = "密文" * 40


class Item(BaseModel):
    """Something with every kind of constraint that the service uses."""

    model_config = ConfigDict(extra="forbid", strict=True)

    word: str = Field(default="甲", min_length=1, max_length=3)
    words: list[str] = Field(default=[], max_length=2)
    pair: tuple[int, int] = (0, 0)
    inner: dict[str, int] = {}

    @model_validator(mode="before")
    @classmethod
    def _own_rule(cls, value: object) -> object:
        if isinstance(value, dict) and "forbidden" in value:
            raise ValueError("自定的规则")
        return value


@pytest.fixture(scope="module")
def client(serve: Serve) -> Iterator[httpx.Client]:
    """A client of a small service that fails in every way."""
    app = FastAPI()
    add_problem_handlers(app)

    @app.post("/items")
    def items(items: Annotated[list[Item], Body(embed=True)]) -> int:
        return len(items)

    @app.get("/text")
    def text() -> None:
        raise TextError("第 3 个字符有误。")

    @app.get("/status/{status}")
    def status(status: int) -> None:
        raise HTTPException(status, SECRET, headers={"Retry-After": "5"})

    with serve(app) as connected:
        yield connected


def problem_of(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem in `response`, checked for what all problems have in common."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:policy-themes:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]
    assert SECRET not in response.text
    return problem


def test_a_problem_has_the_fields_of_the_standard() -> None:
    response = problem_response(ProblemKind.INVALID_REQUEST, "细节", [FieldProblem(where="a", message="b")])
    assert response.status_code == 422
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:policy-themes:problem:invalid-request",
        "title": "请求内容有误",
        "status": 422,
        "detail": "细节",
        "errors": [{"where": "a", "message": "b"}],
    }


@pytest.mark.parametrize(
    ("items", "where", "message"),
    [
        ([{"word": SECRET}], "items[0].word", "过长，最多 3"),
        ([{"word": ""}], "items[0].word", "过短，至少 1"),
        ([{"word": 5}], "items[0].word", "应当是字符串"),
        ([{"word": "\ud800"}], "items[0].word", "含有不成对的代理码，无法保存；请改正来源文本的编码"),
        ([{}, {"words": [SECRET, 5]}], "items[1].words[1]", "应当是字符串"),
        ([{"words": [SECRET] * 3}], "items[0].words", "过长，最多 2"),
        ([{"words": SECRET}], "items[0].words", "应当是列表"),
        ([{"inner": SECRET}], "items[0].inner", "应当是 JSON 对象"),
        ([{"extra": SECRET}], "items[0].extra", "不认识的字段"),
        ([SECRET], "items[0]", "应当是 JSON 对象"),
        ([{"forbidden": SECRET}], "items[0]", "自定的规则"),
        (SECRET, "items", "应当是列表"),
    ],
)
def test_a_fault_is_named_by_its_place(client: httpx.Client, items: object, where: str, message: str) -> None:
    problem = problem_of(client.post("/items", content=_json({"items": items})), 422, "invalid-request")
    assert problem["errors"] == [{"where": where, "message": message}]
    assert problem["detail"] == f"{where}：{message}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture(autouse=True)
def _sends_json(client: httpx.Client) -> None:
    client.headers["content-type"] = "application/json"


def test_a_kind_of_fault_without_words_of_ours_still_has_some(client: httpx.Client) -> None:
    problem = problem_of(client.post("/items", content=_json({"items": [{"pair": SECRET}]})), 422, "invalid-request")
    (fault,) = problem["errors"]
    assert fault["where"] == "items[0].pair"
    assert "tuple" in fault["message"]


def test_a_missing_field_and_a_missing_body_are_named(client: httpx.Client) -> None:
    problem = problem_of(client.post("/items", content=b"{}"), 422, "invalid-request")
    assert problem["errors"] == [{"where": "items", "message": "缺少这个字段"}]
    problem = problem_of(client.post("/items"), 422, "invalid-request")
    assert problem["errors"][0]["message"] == "缺少这个字段"


def test_what_is_no_json_is_named_by_its_place(client: httpx.Client) -> None:
    problem = problem_of(client.post("/items", content=b'{"items": oops}'), 422, "invalid-request")
    assert problem["errors"] == [{"where": "请求正文", "message": "不是有效的 JSON（第 11 个字符处）"}]


def test_many_faults_make_a_short_answer(client: httpx.Client) -> None:
    problem = problem_of(client.post("/items", content=_json({"items": [{"word": 5}] * 1000})), 422, "invalid-request")
    assert len(problem["errors"]) == 20
    assert problem["detail"].count("；") == 4


def test_a_field_name_is_not_a_way_to_send_text_back(client: httpx.Client) -> None:
    response = client.post("/items", content=_json({"items": [{"名" * 10_000: 1}]}))
    (fault,) = problem_of(response, 422, "invalid-request")["errors"]
    assert fault["where"] == f"items[0].{'名' * 64}…"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_body_of_another_kind_is_refused(client: httpx.Client, kind: str | None) -> None:
    del client.headers["content-type"]
    headers = {"content-type": kind} if kind else {}
    response = client.post("/items", content=_json({"items": [{}]}), headers=headers)
    assert "application/json" in problem_of(response, 415, "unsupported-media-type")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"items": "\xff"}', id="not UTF-8"),
        pytest.param('{"items": "密文"}'.encode("gbk"), id="GBK"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"items": ' + b"9" * 5000 + b"}", id="endless number"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(client: httpx.Client, body: bytes) -> None:
    assert "UTF-8" in problem_of(client.post("/items", content=body), 400, "unreadable-body")["detail"]


def test_a_text_that_cannot_be_labelled_is_refused_in_its_own_words(client: httpx.Client) -> None:
    assert problem_of(client.get("/text"), 422, "invalid-text")["detail"] == "第 3 个字符有误。"


def test_other_statuses_are_problems_too(client: httpx.Client) -> None:
    problem_of(client.get("/nowhere"), 404, "not-found")
    response = client.delete("/items")
    problem_of(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    response = client.get("/status/503")
    problem_of(response, 503, "overloaded")
    assert response.headers["retry-after"] == "5"
