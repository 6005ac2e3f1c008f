"""`/v1/documents` with files: all forms of the answer, and bad files refused in words."""

import csv
import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet
import pytest
from docx import Document
from fastapi import FastAPI

from model.labeller import Labeller
from service.app import create_app
from service.label_command import main as policy_label
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
ROAD = "修缮农村公路三十公里，改造老旧小区十二个。"
TEXT = f"一、强化金融支撑\n{LOAN}\n来源：本网\n二、其他\n{ROAD}\n"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def own(serve: Serve, labeller: Labeller) -> Iterator[httpx.Client]:
    """A service that takes uploads of one MiB."""
    app = create_app(labeller, Settings(upload_mib=1))
    with serve(app) as client:
        yield client
    app.state.parts.close()


def upload(client: httpx.Client, name: str, content: bytes, accept: str = "*/*", **fields: str) -> httpx.Response:
    return client.post("/v1/documents", files={"file": (name, content)}, data=fields, headers={"accept": accept})


def word(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_a_text_file_comes_back_in_its_order(own: httpx.Client, labeller: Labeller) -> None:
    response = upload(own, "总结.txt", TEXT.encode("gb18030"))
    answer = response.json()
    assert answer["model"] == labeller.version == response.headers["x-policy-themes-model"]
    assert [row["text"] for row in answer["results"]] == [LOAN, ROAD]
    assert answer["results"][0] == {
        "file": "总结.txt",
        "paragraph": 1,
        "lines": [2, 2],
        "headings": ["一、强化金融支撑"],
        "text": LOAN,
        **json.loads(json.dumps(labeller.label([LOAN])[0].as_record())),
    }
    kinds = [(block["kind"], block.get("text", block.get("result"))) for block in answer["blocks"]]
    assert kinds == [
        ("heading", "一、强化金融支撑"),
        ("paragraph", 0),
        ("furniture", "来源：本网"),
        ("heading", "二、其他"),
        ("paragraph", 1),
    ]
    assert answer["blocks"][2]["lines"] == [3, 3]
    assert answer["refusals"] == []


def test_the_same_file_gives_the_same_bytes(own: httpx.Client) -> None:
    for accept in ("application/json", "text/csv", "application/x-ndjson"):
        first, second = (upload(own, "总结.txt", TEXT.encode(), accept).content for _ in range(2))
        assert first == second


def test_a_word_file_is_read(own: httpx.Client) -> None:
    answer = upload(own, "总结.docx", word("一、强化金融支撑", LOAN)).json()
    assert [row["text"] for row in answer["results"]] == [LOAN]
    assert answer["results"][0]["headings"] == ["一、强化金融支撑"]


def test_a_table_is_read_by_its_column(own: httpx.Client) -> None:
    table = f"编号,甲,乙\n1,{LOAN},{ROAD}\n".encode()
    row = upload(own, "表.csv", table, text_column="乙").json()["results"][0]
    assert (row["text"], row["row"], row["columns"]) == (ROAD, 2, {"编号": "1", "甲": LOAN})


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_a_table_whose_text_is_not_known_tells_its_columns(own: httpx.Client, accept: str) -> None:
    table = f"编号,甲,乙\n1,{LOAN},{ROAD}\n".encode()
    response = upload(own, "表.csv", table, accept)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:policy-themes:problem:unknown-text-column",
        "title": "看不出正文在哪一列",
        "status": 422,
        "detail": "有几列都可能是正文；这里的列是：编号、甲、乙。请选出正文所在的列（text_column）。",
        "errors": [],
        "columns": ["甲", "乙", "编号"],
    }
    for name in response.json()["columns"]:
        assert upload(own, "表.csv", table, accept, text_column=name).status_code == 200
    assert "没有名为“丙”的列" in upload(own, "表.csv", table, accept, text_column="丙").json()["detail"]
    assert "columns" not in upload(own, "空.csv", b"", accept).json()


def test_the_columns_of_a_table_in_an_archive_are_told(own: httpx.Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("甲.txt", TEXT)
        archive.writestr("乙.csv", f"甲,乙\n{LOAN},{ROAD}\n")
    (refusal,) = upload(own, "全部.zip", buffer.getvalue()).json()["refusals"]
    assert (refusal["kind"], refusal["columns"]) == ("unknown_text_column", ["甲", "乙"])
    assert refusal["message"].endswith("请选出正文所在的列（text_column）。")


def test_rows_of_json_keep_their_fields(own: httpx.Client) -> None:
    lines = json.dumps({"id": 7, "text": LOAN, "year": 2026}).encode() + b"\noops\n"
    answer = upload(own, "段落.jsonl", lines).json()
    (row,) = answer["results"]
    assert (row["id"], row["year"], row["themes"]) == (7, 2026, ["tech_finance"])
    (refusal,) = answer["refusals"]
    assert (refusal["line"], refusal["kind"]) == (2, "bad_row")


def test_an_archive_is_read_member_by_member(own: httpx.Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("甲.txt", TEXT)
        archive.writestr("乙.docx", b"broken")
        archive.writestr("丙/丁.docx", word(LOAN))
    answer = upload(own, "全部.zip", buffer.getvalue()).json()
    assert {row["file"] for row in answer["results"]} == {"全部.zip/甲.txt", "全部.zip/丙/丁.docx"}
    assert [refusal["file"] for refusal in answer["refusals"]] == ["全部.zip/乙.docx"]


def test_rows_are_those_of_the_command(own: httpx.Client, small_model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "总结.txt").write_text(TEXT, encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert policy_label([str(tmp_path / "总结.txt"), "-o", str(out), "--model", str(small_model_folder)]) == 0
    by_command = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    over_http = [
        json.loads(line) for line in upload(own, "总结.txt", TEXT.encode(), "application/x-ndjson").text.splitlines()
    ]
    assert [{**row, "file": None} for row in by_command] == [{**row, "file": None} for row in over_http]
    assert over_http == upload(own, "总结.txt", TEXT.encode()).json()["results"]


def _workbook(content: bytes) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl does not know every extension of the format
        book = openpyxl.load_workbook(io.BytesIO(content))
    return [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell]


def _csv(content: bytes) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]


def _parquet(content: bytes) -> list[str]:
    table: Any = pyarrow.parquet.read_table(io.BytesIO(content))
    return [str(value) for column in table.columns for value in column.to_pylist()]


@pytest.mark.parametrize(
    ("accept", "ending", "texts"),
    [
        (XLSX, ".xlsx", _workbook),
        ("text/csv", ".csv", _csv),
        ("application/vnd.apache.parquet", ".parquet", _parquet),
        ("text/html", ".html", lambda content: [part for part in (LOAN, ROAD) if part in content.decode()]),
    ],
)
def test_other_forms_of_the_answer(
    own: httpx.Client, accept: str, ending: str, texts: Callable[[bytes], list[str]]
) -> None:
    response = upload(own, "总结.txt", TEXT.encode(), accept)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(accept)
    assert f"result{ending}" in response.headers["content-disposition"]
    assert "attachment" in response.headers["content-disposition"]
    if accept != "text/html":
        assert {LOAN, ROAD} <= set(texts(response.content))
    assert texts(response.content)


def test_a_form_that_is_not_offered_is_refused(own: httpx.Client) -> None:
    assert upload(own, "a.txt", b"x", "image/png").status_code == 406


@pytest.mark.parametrize(
    ("name", "content", "status", "kind"),
    [
        ("空.txt", b"", 422, "empty-document"),
        ("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, 415, "unsupported-document"),
        ("文.wps", b"x" * 100, 415, "unsupported-document"),
        ("图.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, 422, "needs-ocr"),
        ("坏.docx", b"PK\x03\x04broken", 422, "unreadable-document"),
        ("坏.pdf", b"%PDF-1.4 broken", 422, "unreadable-document"),
        ("半.docx", word(LOAN)[:-200], 422, "unreadable-document"),
        ("混.txt", "文字".encode() + "文字".encode("gbk") + b"\xff", 422, "unreadable-document"),
        ("列.csv", b"a,b\n1,2\n", 422, "unknown-text-column"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_the_next_is_served(
    own: httpx.Client, name: str, content: bytes, status: int, kind: str
) -> None:
    response = upload(own, name, content)
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (status, kind), response.text
    assert response.json()["detail"].endswith(("。", "）"))
    assert upload(own, "好.txt", TEXT.encode()).status_code == 200


def test_a_file_over_the_limit_is_refused_declared_or_not(own: httpx.Client) -> None:
    big = {"file": ("大.txt", b"x" * (1024 * 1024))}
    request = own.build_request("POST", "/v1/documents", files=big)
    body = request.read()
    headers = {"content-type": request.headers["content-type"]}
    for content in (body, iter([body[:300_000], body[300_000:]])):
        response = own.post("/v1/documents", content=content, headers=headers)
        assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (413, "too-large")


@pytest.mark.parametrize(
    "name",
    [
        "../../x.txt",
        "..\\..\\x.txt",
        "/etc/x.txt",
        "C:\\x.txt",
        "a\u202etxt.txt",
        "名" * 300 + ".txt",
        "<img onerror=1>.txt",
    ],
)
def test_a_name_is_shown_and_never_followed(own: httpx.Client, name: str) -> None:
    answer = upload(own, name, TEXT.encode()).json()
    shown = answer["results"][0]["file"]
    assert not set(shown) & set("/\\\u202e")
    assert len(shown) <= 256


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"no parts at all", "multipart/form-data; boundary=b", 400),
        (b"--b\r\n", "multipart/form-data", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="text_column"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            422,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            422,
        ),
        (b"a=" * 1000, "application/x-www-form-urlencoded", 415),
        (b"text", "text/plain", 415),
    ],
)
def test_a_broken_form_is_refused(own: httpx.Client, body: bytes, kind: str, status: int) -> None:
    response = own.post("/v1/documents", content=body, headers={"content-type": kind})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_a_form_of_many_parts_is_refused(own: httpx.Client) -> None:
    many = [("file", (f"{number}.txt", b"x")) for number in range(3)]
    assert own.post("/v1/documents", files=many).status_code == 400
    parts = [("text_column", (None, "x"))] * 5000
    assert own.post("/v1/documents", files=[*parts, ("file", ("a.txt", b"x"))]).status_code == 400
    response = own.post("/v1/documents", files={"file": ("a.txt", TEXT.encode()), "other": (None, "x")})
    assert response.status_code == 422


def test_no_file_is_left_behind(own: httpx.Client) -> None:
    def left() -> set[str]:
        return {path.name for path in Path(tempfile.gettempdir()).glob("policy-themes-*") if "metrics" not in path.name}

    before = left()
    for accept in ("application/json", XLSX):
        upload(own, "总结.txt", TEXT.encode(), accept)
        upload(own, "坏.docx", b"PK\x03\x04broken", accept)
    assert left() <= before
