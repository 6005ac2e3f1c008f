"""The HTTP service: what each address answers, and what it answers to what it cannot take."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from model.labeller import Labeller
from service.api_types import LONGEST_DOCUMENT, MOST_PARAGRAPHS
from service.app import create_app
from service.documents import LONGEST_PARAGRAPH
from service.label_command import main as policy_label
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
SECRET = "不该回显的正文"  # noqa: S105 (no password, text that must not come back)
SENTENCES = [
    LOAN,
    "新认定省级科技企业孵化器三家，在孵企业达到四百户。",
    "全年引进博士二十名，兑现人才安家补贴三百万元。",
    "发明专利授权量增长两成，建成知识产权维权援助中心。",
    "推动军工技术向民用转化，设立军民融合产业园。",
    "修缮农村公路三十公里，改造老旧小区十二个。",
    "全市上下团结一心，圆满完成各项目标任务。",
]


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem in `response`, checked for what all problems have in common."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:policy-themes:problem:")
    assert re.search("[\u4e00-\u9fff]", problem["detail"])
    assert SECRET not in response.text
    return problem


def post(client: httpx.Client, path: str, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers={"content-type": "application/json"})


def test_a_batch_is_labelled_in_its_order(client: httpx.Client, labeller: Labeller) -> None:
    texts = [*SENTENCES, "", "🙂", LOAN]
    ids: list[str | int] = ["a", 1, "1", -2, "段落", "", 0, 1, "a", 10**30]
    paragraphs = [{"id": identity, "text": text} for identity, text in zip(ids, texts, strict=True)]
    answer = post(client, "/v1/label", {"paragraphs": paragraphs}).json()
    assert answer["model"] == labeller.version
    expected = [
        {"id": identity, **label.as_record()} for identity, label in zip(ids, labeller.label(texts), strict=True)
    ]
    assert answer["results"] == expected
    assert answer["results"][0]["themes"] == ["tech_finance"]
    assert answer["results"][7]["themes"] == []
    assert set(answer["results"][7]["scores"].values()) == {0}


def test_evidence_points_at_the_text(client: httpx.Client) -> None:
    text = f"　（一）强化支撑。{LOAN}"
    (result,) = post(client, "/v1/label", {"paragraphs": [{"id": 1, "text": text}]}).json()["results"]
    (evidence,) = [item for item in result["evidence"] if item["theme"] == "tech_finance"]
    assert evidence["text"] == LOAN
    for part in (evidence, *evidence["terms"]):
        assert text[part["start"] : part["end"]] == part["text"]
    assert evidence["terms"]


def test_a_thousand_paragraphs_are_labelled_as_by_the_command(
    client: httpx.Client, small_model_folder: Path, tmp_path: Path
) -> None:
    texts = [f"第{number}号路段完成养护。" for number in range(MOST_PARAGRAPHS)]
    for number in range(0, MOST_PARAGRAPHS, 3):
        texts[number] = SENTENCES[number % len(SENTENCES)] + texts[number] * (number % 4)
    paragraphs = [{"id": number, "text": text} for number, text in enumerate(texts)]
    over_http = post(client, "/v1/label", {"paragraphs": paragraphs}).json()["results"]
    lines = "".join(json.dumps(paragraph, ensure_ascii=False) + "\n" for paragraph in paragraphs)
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert policy_label([str(tmp_path / "in.jsonl"), "-o", str(out), "--model", str(small_model_folder)]) == 0
    by_command = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(by_command) == MOST_PARAGRAPHS
    assert over_http == [{key: value for key, value in row.items() if key != "text"} for row in by_command]
    assert len({str(result["themes"]) for result in over_http}) >= 5, "the batch is not all alike"


def test_requests_at_the_same_time_do_not_mix(client: httpx.Client) -> None:
    def ask(text: str) -> Any:
        return post(client, "/v1/label", {"paragraphs": [{"id": text, "text": text}]}).json()["results"]

    alone = {text: ask(text) for text in SENTENCES}
    with ThreadPoolExecutor(8) as pool:
        for text, results in zip(SENTENCES * 8, pool.map(ask, SENTENCES * 8), strict=True):
            assert results == alone[text]


def test_a_document_is_cut_and_its_paragraphs_labelled(client: httpx.Client, labeller: Labeller) -> None:
    text = f"某市科技工作总结\r\n\r\n一、强化金融支撑\r\n{LOAN[:14]}\r\n{LOAN[14:]}\r\n来源：本网\r\n二、其他\r\n{SENTENCES[5]}"
    answer = post(client, "/v1/documents", {"text": text, "name": "总结.txt"}).json()
    assert answer["model"] == labeller.version
    first, second = answer["results"]
    place = {"file": "总结.txt", "paragraph": 1, "lines": [4, 5], "headings": ["某市科技工作总结", "一、强化金融支撑"]}
    assert first == {**place, "text": LOAN, **labeller.label([LOAN])[0].as_record()}
    assert (second["paragraph"], second["lines"]) == (2, [8, 8])
    assert second["headings"][-1] == "二、其他"


def test_a_document_without_paragraphs_has_no_results(client: httpx.Client) -> None:
    for text in ("一、工作目标", " \n\u3000\n", "\ufeff"):
        response = post(client, "/v1/documents", {"text": text})
        assert (response.status_code, response.json()["results"]) == (200, [])


def test_an_over_long_paragraph_is_refused_by_its_line_and_the_rest_is_labelled(client: httpx.Client) -> None:
    long = SECRET * (LONGEST_PARAGRAPH // len(SECRET) + 1)
    answer = post(client, "/v1/documents", {"text": f"一、目标\n{LOAN}\n{long}"}).json()
    assert [row["text"] for row in answer["results"]] == [LOAN]
    (refusal,) = answer["refusals"]
    assert (refusal["line"], refusal["kind"]) == (3, "too_large")
    assert str(LONGEST_PARAGRAPH) in refusal["message"]
    problem = problem_of(post(client, "/v1/documents", {"text": long}), 413)
    assert "第 1 行" in problem["detail"]


def test_the_themes_and_the_model_are_told(client: httpx.Client, labeller: Labeller) -> None:
    themes = client.get("/v1/themes").json()["themes"]
    assert [theme["id"] for theme in themes] == [theme.id for theme in labeller.themes]
    assert all(theme["name_zh"] and theme["name_en"] and theme["definition"] for theme in themes)
    model = client.get("/v1/model").json()
    assert model == labeller.card
    assert set(model["thresholds"]) == set(model["themes"]) == {theme["id"] for theme in themes}
    assert model["data"]["sentences"] > 0
    assert "cross_validation" in model["scores"]


def test_health_and_readiness(client: httpx.Client, labeller: Labeller) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json() == {"status": "ok", "model": labeller.version}


def test_the_docs_pages_need_nothing_from_outside(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    addresses = re.findall(r"(?:src|href)=[\"']([^\"']+)|url: [\"']([^\"']+)", page.text)
    local = [first or second for first, second in addresses]
    assert "/openapi.json" in local
    assert sum(address.endswith((".js", ".css")) for address in local) >= 2
    for address in local:
        assert client.get(address).status_code == 200
        if address.endswith(".css"):
            assert not re.search(r"@import|url\([\"']?(?:https?:)?//", client.get(address).text)
    assert client.get("/redoc").status_code == 404, "ReDoc fetches a logo from outside"


def test_openapi_has_chinese_examples_that_work(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    schemas = schema["components"]["schemas"]
    paragraph = {name: field["examples"][0] for name, field in schemas["ParagraphIn"]["properties"].items()}
    assert re.search("[\u4e00-\u9fff]{10}", paragraph["text"])
    assert post(client, "/v1/label", {"paragraphs": [paragraph]}).json()["results"][0]["themes"]
    assert schemas["ParagraphIn"]["properties"]["text"]["pattern"] == r"^[^\u0000]*$", "the schema says what is refused"
    document = schemas["DocumentRequest"]["properties"]["text"]["examples"][0]
    assert post(client, "/v1/documents", {"text": document}).json()["results"]
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert re.search("[\u4e00-\u9fff]", operation["summary"]), path


def test_openapi_names_every_refusal(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    for path in ("/v1/label", "/v1/documents"):
        responses = schema["paths"][path]["post"]["responses"]
        assert responses.keys() >= {"200", "400", "401", "403", "408", "413", "415", "422", "429", "503"}
        for status in responses.keys() - {"200"}:
            assert responses[status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
    assert schema["components"]["schemas"]["Problem"]["properties"].keys() == {
        "type",
        "title",
        "status",
        "detail",
        "errors",
        "columns",
    }


def _label_body(**fields: object) -> dict[str, object]:
    return {"paragraphs": [{"id": "好", "text": LOAN}, {"id": "1", "text": SECRET, **fields}]}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        pytest.param(_label_body(text=SECRET + "\ud800"), "paragraphs[1].text", id="lone surrogate in text"),
        pytest.param(_label_body(id="\udc00"), "paragraphs[1].id", id="lone surrogate in id"),
        pytest.param(_label_body(extra="\ud800"), "paragraphs[1].extra", id="lone surrogate in unknown field"),
        pytest.param(_label_body(**{"\ud800": 1}), "paragraphs[1]", id="lone surrogate in a name"),
        pytest.param({"paragraphs": "\ud800"}, "paragraphs", id="lone surrogate in wrong type"),
        pytest.param({**_label_body(), "\ud800": 1}, "请求正文", id="lone surrogate at the top"),
        pytest.param(_label_body(text=f"{SECRET}\0"), "paragraphs[1].text", id="NUL in text"),
        pytest.param(_label_body(id=f"{SECRET}\0"), "paragraphs[1].id", id="NUL in id"),
        pytest.param(_label_body(title=SECRET), "paragraphs[1].title", id="unknown field"),
        pytest.param({**_label_body(), "model": SECRET}, "model", id="unknown field at the top"),
        pytest.param(_label_body(text=None), "paragraphs[1].text", id="null text"),
        pytest.param(_label_body(text=[SECRET]), "paragraphs[1].text", id="list as text"),
        pytest.param(_label_body(text=12), "paragraphs[1].text", id="number as text"),
        pytest.param(_label_body(text=float("nan")), "paragraphs[1].text", id="NaN as text"),
        pytest.param(_label_body(id=float("inf")), "paragraphs[1].id", id="Infinity as id"),
        pytest.param(_label_body(id=1.0), "paragraphs[1].id", id="float id"),
        pytest.param(_label_body(id=True), "paragraphs[1].id", id="boolean id"),
        pytest.param(_label_body(id=None), "paragraphs[1].id", id="null id"),
        pytest.param(_label_body(id={"a": SECRET}), "paragraphs[1].id", id="object id"),
        pytest.param(_label_body(id="x" * 257), "paragraphs[1].id", id="long id"),
        pytest.param(_label_body(text="甲" * (LONGEST_PARAGRAPH + 1)), "paragraphs[1].text", id="long text"),
        pytest.param({"paragraphs": [{"id": 1}]}, "paragraphs[0].text", id="no text"),
        pytest.param({"paragraphs": [{"text": SECRET}]}, "paragraphs[0].id", id="no id"),
        pytest.param({"paragraphs": [SECRET]}, "paragraphs[0]", id="string as paragraph"),
        pytest.param({"paragraphs": [None]}, "paragraphs[0]", id="null as paragraph"),
        pytest.param({"paragraphs": [float("nan")]}, "paragraphs[0]", id="NaN as paragraph"),
        pytest.param({"paragraphs": {"0": SECRET}}, "paragraphs", id="object as list"),
        pytest.param({"paragraphs": None}, "paragraphs", id="null as list"),
        pytest.param({"paragraphs": float("-inf")}, "paragraphs", id="-Infinity as list"),
        pytest.param({"paragraphs": []}, "paragraphs", id="0 paragraphs"),
        pytest.param(
            {"paragraphs": [{"id": 1, "text": SECRET}] * (MOST_PARAGRAPHS + 1)}, "paragraphs", id="1,001 paragraphs"
        ),
        pytest.param({}, "paragraphs", id="nothing"),
        pytest.param([SECRET], "请求正文", id="list"),
        pytest.param(SECRET, "请求正文", id="string"),
        pytest.param(b"null", "请求正文", id="null"),
        pytest.param(b"", "请求正文", id="empty body"),
        pytest.param(f"{SECRET}".encode(), "请求正文", id="no JSON"),
        pytest.param(b'{"paragraphs": ' + b"[" * 900 + b"]" * 900 + b"}", "paragraphs[0]", id="deep"),
    ],
)
def test_a_wrong_batch_is_refused_by_its_place(client: httpx.Client, body: object, where: str) -> None:
    problem = problem_of(post(client, "/v1/label", body), 422)
    assert [fault["where"] for fault in problem["errors"]] == [where]
    assert problem["detail"].startswith(where)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        pytest.param({"text": f"{SECRET}\n\ud800"}, "text", id="lone surrogate"),
        pytest.param({"text": f"{SECRET}\0"}, "text", id="NUL"),
        pytest.param({"text": LOAN, "name": "\ud800"}, "name", id="lone surrogate in name"),
        pytest.param({"text": LOAN, "name": "\0"}, "name", id="NUL in name"),
        pytest.param({"text": LOAN, "name": "x" * 257}, "name", id="long name"),
        pytest.param({"text": ""}, "text", id="empty"),
        pytest.param({"text": "\n" * (LONGEST_DOCUMENT + 1)}, "text", id="long text"),
        pytest.param({"text": [SECRET]}, "text", id="list as text"),
        pytest.param({"name": SECRET}, "text", id="no text"),
        pytest.param({"text": LOAN, "id": SECRET}, "id", id="unknown field"),
    ],
)
def test_a_wrong_document_is_refused_by_its_place(client: httpx.Client, body: object, where: str) -> None:
    problem = problem_of(post(client, "/v1/documents", body), 422)
    assert [fault["where"] for fault in problem["errors"]] == [where]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"paragraphs": [{"id": 1, "text": "\xff"}]}', id="invalid UTF-8"),
        pytest.param(json.dumps(_label_body(), ensure_ascii=False).encode("gb18030"), id="GB18030"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        pytest.param(b'{"paragraphs": [{"text": "", "id": ' + b"9" * 5000 + b"}]}", id="endless number"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/label", "/v1/documents"])
def test_a_body_that_cannot_be_read_is_refused(client: httpx.Client, path: str, body: bytes) -> None:
    problem_of(post(client, path, body), 400)


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "application/x-www-form-urlencoded", None])
def test_a_body_of_another_kind_is_refused(client: httpx.Client, kind: str | None) -> None:
    body = json.dumps(_label_body()).encode()
    response = client.post("/v1/label", content=body, headers={"content-type": kind} if kind else {})
    assert "Content-Type" in problem_of(response, 415)["detail"]


def test_wrong_addresses_and_methods_are_problems(client: httpx.Client) -> None:
    problem_of(client.get("/v1/nothing"), 404)
    problem_of(client.get("/static-offline-docs/../../secret"), 404)
    problem_of(client.get("/v1/label"), 405)
    problem_of(client.post("/v1/themes"), 405)


def test_a_body_over_the_limit_is_refused_declared_or_not(serve: Serve, labeller: Labeller) -> None:
    limit = 1024 * 1024
    small = json.dumps({"paragraphs": [{"id": 1, "text": LOAN}]}).encode()
    with serve(create_app(labeller, Settings(body_mib=1))) as client:
        headers = {"content-type": "application/json"}
        for size, status in ((limit, 200), (limit + 1, 413)):
            body = small + b" " * (size - len(small))
            declared = client.post("/v1/label", content=body, headers=headers)
            chunked = client.post("/v1/label", content=iter([body[:100], body[100:]]), headers=headers)
            for response in (declared, chunked):
                if status == 200:
                    assert response.status_code == 200
                else:
                    assert "1024 KiB" in problem_of(response, 413)["detail"]


def test_the_service_answers_after_all_that(client: httpx.Client) -> None:
    assert post(client, "/v1/label", _label_body()).status_code == 200


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_paragraphs = st.fixed_dictionaries({"id": st.text() | st.integers() | _json_values, "text": st.text() | _json_values})


@given(
    path=st.sampled_from(["/v1/label", "/v1/documents"]),
    body=st.fixed_dictionaries({"paragraphs": st.lists(_paragraphs, max_size=3)})
    | st.fixed_dictionaries({"text": st.text()}, optional={"name": st.text()})
    | _json_values,
)
@settings(max_examples=300)
def test_any_json_is_answered_or_refused_in_words(client: httpx.Client, path: str, body: object) -> None:
    response = post(client, path, body)
    if response.status_code == 200:
        assert isinstance(body, dict)
        if path == "/v1/label":
            assert [row["id"] for row in response.json()["results"]] == [row["id"] for row in body["paragraphs"]]
    else:
        problem_of(response, response.status_code)
        assert response.status_code in {400, 422}
