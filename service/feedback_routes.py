"""`/v1/feedback`: corrections in, and all of them out again for training."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from model.label import NO_THEME
from model.labeller import Theme
from service.access import require_admin
from service.api_types import FeedbackRequest, FeedbackResponse, request_body
from service.feedback_store import Correction, FeedbackError, FeedbackFullError, KeyReusedError, Receipt
from service.json_answer import json_answer, json_bytes
from service.json_body import read_json
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses

_UNAVAILABLE = (ProblemKind.FEEDBACK_UNAVAILABLE,)
_NDJSON = "application/x-ndjson"


def feedback_routes(parts: ServiceParts) -> APIRouter:
    """The routes of corrections."""
    router = APIRouter(tags=["反馈"])

    @router.post(
        "/v1/feedback",
        status_code=201,
        summary="更正一段的主题",
        response_model=FeedbackResponse,
        responses=problem_responses(
            ProblemKind.UNREADABLE_BODY,
            ProblemKind.KEY_REUSED,
            ProblemKind.INVALID_REQUEST,
            ProblemKind.STORAGE_FULL,
            *_UNAVAILABLE,
        ),
        openapi_extra=request_body(FeedbackRequest),
    )
    async def feedback(request: Request) -> Response:
        """保存在本机的反馈库里，由维护者审核后才用于训练；答 201 时已经写到磁盘。"""
        correction = _correction(await read_json(request, FeedbackRequest), parts.model.labeller.themes)
        receipt = await keep(parts, correction)
        body = {"id": receipt.id, "text_sha256": receipt.text_sha256}
        return json_answer(body, parts.model.version, status=201)

    @router.get(
        "/v1/feedback/export",
        summary="导出全部更正",
        response_class=Response,
        responses={
            200: {"description": "JSON Lines，一行一条更正", "content": {_NDJSON: {"schema": {"type": "string"}}}},
            **problem_responses(ProblemKind.INVALID_REQUEST, *_UNAVAILABLE),
        },
    )
    async def export(
        request: Request, after: Annotated[int, Query(ge=0, le=2**63 - 1, description="只要编号大于它的")] = 0
    ) -> Response:
        """供 policy-train data import 读取；按编号从小到大。设了密钥时需要 admin 角色。"""
        require_admin(request, open_without_keys=True)

        def begin() -> Iterator[dict[str, object]]:
            rows = parts.feedback.rows(after)
            return chain(list(islice(rows, 1)), rows)  # a store that cannot be read is told before anything is sent

        with feedback_problems():
            rows = await parts.feedback_admission.run(begin)
        headers = {"content-disposition": 'attachment; filename="feedback.jsonl"', "cache-control": "no-store"}
        return StreamingResponse((json_bytes(row) + b"\n" for row in rows), media_type=_NDJSON, headers=headers)

    return router


async def keep(parts: ServiceParts, correction: Correction) -> Receipt:
    """Keep `correction`, on a thread of its own.

    Raises:
        ProblemError: it cannot be kept.
    """
    try:
        with feedback_problems():
            receipt = await parts.feedback_admission.run(lambda: parts.feedback.add(correction))
    except ProblemError:
        parts.metrics.feedback("failed")
        raise
    parts.metrics.feedback("kept")
    return receipt


@contextmanager
def feedback_problems() -> Iterator[None]:
    """Turns what the store raises into problems."""
    try:
        yield
    except FeedbackFullError as error:
        raise ProblemError(ProblemKind.STORAGE_FULL, str(error)) from None
    except KeyReusedError as error:
        raise ProblemError(ProblemKind.KEY_REUSED, str(error)) from None
    except FeedbackError as error:
        raise ProblemError(ProblemKind.FEEDBACK_UNAVAILABLE, str(error), {"retry-after": "10"}) from None


def _correction(request: FeedbackRequest, themes: tuple[Theme, ...]) -> Correction:
    known = [theme.id for theme in themes]
    for theme in request.themes:
        if theme not in known:
            raise ProblemError(ProblemKind.INVALID_REQUEST, f"themes：没有主题 {theme}；有 {'、'.join(known)}。")
    if request.primary not in {None, NO_THEME, *request.themes}:
        raise ProblemError(ProblemKind.INVALID_REQUEST, "primary：应当是 themes 中的一个，或 other。")
    return Correction(
        text=request.text,
        themes=tuple(theme for theme in known if theme in request.themes),
        primary=request.primary,
        model=request.model,
        predicted=tuple(request.predicted),
        note=request.note,
        file=request.file,
        paragraph=request.paragraph,
        key=request.key,
    )
