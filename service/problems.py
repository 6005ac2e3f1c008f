"""Errors over HTTP: problem details (RFC 9457) with a sentence for a person and a stable `type` for a program."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from model.errors import TextError

PROBLEM_JSON = "application/problem+json"
_TYPE_PREFIX = "urn:policy-themes:problem:"
_HTTP_TITLES = {
    404: ("not-found", "没有这个地址"),
    405: ("method-not-allowed", "这个地址不接受此方法"),
    413: ("too-large", "请求过大"),
    415: ("unsupported-media-type", "不支持的内容类型"),
}


class FieldProblem(BaseModel):
    """One thing that is wrong, and where."""

    where: str = Field(description="出错的位置", examples=["paragraphs[0].text"])
    message: str = Field(description="出了什么错", examples=["缺少这个字段"])


class Problem(BaseModel):
    """Problem details as RFC 9457 describes them."""

    type: str = Field(examples=["urn:policy-themes:problem:invalid-request"])
    title: str = Field(examples=["请求内容有误"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["paragraphs[0].text：缺少这个字段"])
    errors: list[FieldProblem] = Field(default_factory=list)


def problem_response(
    status: int, kind: str, title: str, detail: str, errors: Sequence[FieldProblem] = ()
) -> JSONResponse:
    """A response whose body is a `Problem`."""
    problem = Problem(type=_TYPE_PREFIX + kind, title=title, status=status, detail=detail, errors=list(errors))
    return JSONResponse(problem.model_dump(), status_code=status, media_type=PROBLEM_JSON)


_MESSAGES = {
    "missing": "缺少这个字段",
    "extra_forbidden": "不认识的字段",
    "string_type": "应当是字符串",
    "list_type": "应当是列表",
    "model_attributes_type": "应当是 JSON 对象",
    "dict_type": "应当是 JSON 对象",
    "string_unicode": "含有不成对的代理码，无法保存；请改正来源文本的编码",
}
_MOST_ERRORS = 20  # listed in one answer
_LONGEST_NAME = 64  # of a field, as an answer repeats it


def _message(error: dict[str, Any]) -> str:
    known = _MESSAGES.get(error["type"])
    if known is not None:
        return known
    limits = error.get("ctx", {})
    match error["type"]:
        case "too_long" | "string_too_long":
            return f"过长，最多 {limits['max_length']}"
        case "too_short" | "string_too_short":
            return f"过短，至少 {limits['min_length']}"
        case "json_invalid":
            return f"不是有效的 JSON（第 {error['loc'][-1] + 1} 个字符处）"
        case "value_error":
            return str(limits["error"])
    return str(error["msg"])


def _where(error: dict[str, Any]) -> str:
    """A path such as paragraphs[3].text from pydantic's tuple, without its first part (body, query)."""
    path = ""
    if error["type"] != "json_invalid":  # there the tuple holds an offset in the body
        for part in error["loc"][1:]:
            path += f"[{part}]" if isinstance(part, int) else f".{_shortened(part)}"
    return path.lstrip(".") or "请求正文"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem body; none of them repeats the rejected text."""

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        if isinstance(error.body, bytes):  # FastAPI parses a body only where it is declared as JSON
            return problem_response(415, *_HTTP_TITLES[415], "请求头 Content-Type 应当是 application/json。")
        items = error.errors()[:_MOST_ERRORS]
        errors = [FieldProblem(where=_where(item), message=_message(item)) for item in items]
        detail = "；".join(f"{item.where}：{item.message}" for item in errors[:5])
        return problem_response(422, "invalid-request", "请求内容有误", detail, errors)

    @app.exception_handler(TextError)
    def bad_text(_request: Request, error: TextError) -> JSONResponse:
        return problem_response(422, "invalid-text", "文本无法处理", str(error))

    @app.exception_handler(HTTPException)
    def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # the body is not UTF-8 or not to be parsed at all
            return problem_response(400, "unreadable-body", "请求正文无法读取", "正文应当是 UTF-8 编码的 JSON。")
        kind, title = _HTTP_TITLES.get(error.status_code, ("http-error", "请求未能完成"))
        response = problem_response(error.status_code, kind, title, title)
        response.headers.update(error.headers or {})
        return response
