"""Errors over HTTP: problem details (RFC 9457) with a sentence for a person and a stable `type` for a program."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from model.errors import PolicyThemesError, TextError

PROBLEM_JSON = "application/problem+json"
_INFERENCE_PATHS = "/v2/"
_TYPE_PREFIX = "urn:policy-themes:problem:"


class ProblemKind(Enum):
    """Every kind of problem: the end of its `type`, which never changes, its status, and its title."""

    UNREADABLE_BODY = ("unreadable-body", 400, "请求正文无法读取")
    INVALID_INFERENCE = ("invalid-inference", 400, "推理请求有误")
    UNKNOWN_HOST = ("unknown-host", 400, "不是这个服务的名称")
    UNAUTHENTICATED = ("unauthenticated", 401, "需要密钥")
    FORBIDDEN = ("forbidden", 403, "这个密钥不能做此操作")
    CROSS_SITE = ("cross-site", 403, "不接受来自其他网站的请求")
    NOT_FOUND = ("not-found", 404, "没有这个地址")
    UNKNOWN_MODEL = ("unknown-model", 404, "没有这个模型")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "这个地址不接受此方法")
    NOT_ACCEPTABLE = ("not-acceptable", 406, "给不出所要的格式")
    TOO_SLOW = ("too-slow", 408, "请求正文传得太慢")
    KEY_REUSED = ("key-reused", 409, "这个幂等键已用于别的内容")
    MODEL_REFUSED = ("model-refused", 409, "这个模型不能启用")
    TOO_LARGE = ("too-large", 413, "请求过大")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported-media-type", 415, "不支持的内容类型")
    UNSUPPORTED_DOCUMENT = ("unsupported-document", 415, "读不了这种文件")
    INVALID_REQUEST = ("invalid-request", 422, "请求内容有误")
    INVALID_TEXT = ("invalid-text", 422, "文本无法处理")
    UNREADABLE_DOCUMENT = ("unreadable-document", 422, "文件无法读取")
    ENCRYPTED_DOCUMENT = ("encrypted-document", 422, "文件加了密")
    EMPTY_DOCUMENT = ("empty-document", 422, "文件是空的")
    UNKNOWN_TEXT_COLUMN = ("unknown-text-column", 422, "看不出正文在哪一列")
    NEEDS_OCR = ("needs-ocr", 422, "文件里没有文字层")
    TOO_MANY_REQUESTS = ("too-many-requests", 429, "请求过于频繁")
    OVERLOADED = ("overloaded", 503, "服务正忙")
    FEEDBACK_UNAVAILABLE = ("feedback-unavailable", 503, "反馈暂时存不了")
    NOT_READY = ("not-ready", 503, "服务不可用")
    STORAGE_FULL = ("storage-full", 507, "磁盘已满")
    INTERNAL = ("internal", 500, "服务内部出错")

    def __init__(self, type_end: str, status: int, title: str) -> None:
        self.type = _TYPE_PREFIX + type_end
        self.status = status
        self.title = title


class ProblemError(PolicyThemesError):
    """Ends a request with a problem; raised by what knows that it is serving HTTP."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        headers: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = headers
        self.columns = columns


class FieldProblem(BaseModel):
    """One thing that is wrong, and where."""

    where: str = Field(description="出错的位置", examples=["paragraphs[0].text"])
    message: str = Field(description="出了什么错", examples=["缺少这个字段"])


class Problem(BaseModel):
    """Problem details as RFC 9457 describes them."""

    type: str = Field(examples=[ProblemKind.INVALID_REQUEST.type])
    title: str = Field(examples=[ProblemKind.INVALID_REQUEST.title])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["paragraphs[0].text：缺少这个字段"])
    errors: list[FieldProblem] = Field(default_factory=list)
    columns: list[str] | None = Field(
        default=None,
        description="只有 unknown-text-column 有：表格里可以选作正文的列，可能性大的在前；选出一个，以 text_column 再送一次",
        examples=[["主要措施", "责任单位"]],
    )

    def record(self) -> dict[str, Any]:
        """Its members as JSON values; what another kind of problem has is left out."""
        return self.model_dump(exclude_none=True)


class InferenceProblem(Problem):
    """The same under `/v2`, with what the Open Inference Protocol calls for."""

    error: str = Field(description="与 detail 相同")


def problem_of(
    kind: ProblemKind, detail: str, errors: Sequence[FieldProblem] = (), columns: Sequence[str] | None = None
) -> Problem:
    """A `Problem` of a kind."""
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=list(errors),
        columns=None if columns is None else list(columns),
    )


def problem_response(
    kind: ProblemKind,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    path: str = "",
    columns: Sequence[str] | None = None,
) -> JSONResponse:
    """A response whose body is a `Problem`; under `/v2`, to which `path` may belong, an `InferenceProblem`."""
    body = problem_of(kind, detail, errors, columns).record()
    if path.startswith(_INFERENCE_PATHS):
        body["error"] = detail
    return JSONResponse(body, status_code=kind.status, headers=headers, media_type=PROBLEM_JSON)


def answer_to(problem: ProblemError, path: str) -> JSONResponse:
    """The response to a request of `path` that ended with `problem`."""
    return problem_response(problem.kind, str(problem), headers=problem.headers, path=path, columns=problem.columns)


def problem_responses(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """For the documentation of an address: the problems that it may answer with, beside those that every address may."""
    return _documented(kinds, "Problem")


def inference_problem_responses(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """The same for an address under `/v2`."""
    return _documented(kinds, "InferenceProblem")


def _documented(kinds: Sequence[ProblemKind], schema: str) -> dict[int | str, dict[str, Any]]:
    titles: dict[int, list[str]] = {}
    for kind in (*kinds, *_ANYWHERE):
        titles.setdefault(kind.status, []).append(kind.title)
    content = {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {status: {"description": "；".join(titles[status]), "content": content} for status in sorted(titles)}


# With keys, limits and a queue, any address may say so.
_ANYWHERE = (
    ProblemKind.UNKNOWN_HOST,
    ProblemKind.UNAUTHENTICATED,
    ProblemKind.FORBIDDEN,
    ProblemKind.CROSS_SITE,
    ProblemKind.TOO_SLOW,
    ProblemKind.TOO_LARGE,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.TOO_MANY_REQUESTS,
    ProblemKind.OVERLOADED,
)
_BY_STATUS = {
    400: ProblemKind.UNREADABLE_BODY,
    404: ProblemKind.NOT_FOUND,
    405: ProblemKind.METHOD_NOT_ALLOWED,
    413: ProblemKind.TOO_LARGE,
    415: ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    503: ProblemKind.OVERLOADED,
}
_MESSAGES = {
    "missing": "缺少这个字段",
    "extra_forbidden": "不认识的字段",
    "string_type": "应当是字符串",
    "bool_type": "应当是 true 或 false",
    "int_type": "应当是整数",
    "int_parsing": "应当是整数",
    "list_type": "应当是列表",
    "model_type": "应当是 JSON 对象",
    "model_attributes_type": "应当是 JSON 对象",
    "dict_type": "应当是 JSON 对象",
    "string_unicode": "含有不成对的代理码，无法保存；请改正来源文本的编码",
    "string_pattern_mismatch": "不是这个字段的写法",
}
_MOST_ERRORS = 20  # listed in one answer
_LONGEST_NAME = 64  # of a field, as an answer repeats it


_LIMIT_MESSAGES = {
    "too_long": "过长，最多 {max_length}",
    "string_too_long": "过长，最多 {max_length}",
    "too_short": "过短，至少 {min_length}",
    "string_too_short": "过短，至少 {min_length}",
    "greater_than_equal": "过小，至少 {ge}",
    "less_than_equal": "过大，最多 {le}",
    "value_error": "{error}",
}


def _message(error: dict[str, Any]) -> str:
    kind = error["type"]
    if kind == "json_invalid":
        return f"不是有效的 JSON（第 {error['loc'][-1] + 1} 个字符处）"
    if kind in _LIMIT_MESSAGES:
        return _LIMIT_MESSAGES[kind].format(**error["ctx"])
    return _MESSAGES.get(kind) or str(error["msg"])


def _where(error: dict[str, Any]) -> str:
    """A path such as paragraphs[3].text from pydantic's tuple, without its first part (body, query)."""
    path = ""
    if error["type"] != "json_invalid":  # there the tuple holds an offset in the body
        for part in error["loc"][1:]:
            path += f"[{part}]" if isinstance(part, int) else f".{_shortened(part)}"
    return path.lstrip(".") or "请求正文"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def field_problems(errors: Sequence[Any]) -> list[FieldProblem]:
    """What pydantic found wrong, in words; `errors` as `ValidationError.errors()` gives them, each place beginning with body or query."""
    return [FieldProblem(where=_where(item), message=_message(item)) for item in errors[:_MOST_ERRORS]]


def sentence_of(errors: Sequence[FieldProblem]) -> str:
    """The first of `errors` in one sentence."""
    return "；".join(f"{item.where}：{item.message}" for item in errors[:5])


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem body; none of them repeats the rejected text."""

    @app.exception_handler(ProblemError)
    async def problem(request: Request, error: ProblemError) -> JSONResponse:
        return answer_to(error, request.scope["path"])

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        path = request.scope["path"]
        if isinstance(error.body, bytes):  # FastAPI parses a body only where it is declared as JSON
            detail = "请求头 Content-Type 应当是 application/json。"
            return problem_response(ProblemKind.UNSUPPORTED_MEDIA_TYPE, detail, path=path)
        errors = field_problems(error.errors())
        return problem_response(ProblemKind.INVALID_REQUEST, sentence_of(errors), errors, path=path)

    @app.exception_handler(TextError)
    async def bad_text(request: Request, error: TextError) -> JSONResponse:
        return problem_response(ProblemKind.INVALID_TEXT, str(error), path=request.scope["path"])

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        path = request.scope["path"]
        if error.status_code == 400:  # the body is not UTF-8 or not to be parsed at all
            return problem_response(ProblemKind.UNREADABLE_BODY, "正文应当是 UTF-8 编码的 JSON。", path=path)
        kind = _BY_STATUS.get(error.status_code, ProblemKind.INTERNAL)
        return problem_response(kind, kind.title, headers=error.headers, path=path)
