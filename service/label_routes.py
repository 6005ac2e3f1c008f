"""`/v1/label`: paragraphs in, labels out, as one batch or line by line."""

from collections.abc import Callable
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service.api_types import LabelRequest, LabelResponse, ParagraphIn, request_body
from service.documents import LONGEST_PARAGRAPH
from service.json_answer import MODEL_HEADER, json_answer, json_bytes
from service.json_body import parse_json, read_json
from service.labelling import BATCH_PARAGRAPHS, expect_room, label_batch
from service.model_registry import ServedModel
from service.ndjson import NDJSON, LongLineError, StreamedAnswer, batches_of_lines
from service.parts import ServiceParts
from service.problems import (
    Problem,
    ProblemError,
    ProblemKind,
    field_problems,
    problem_of,
    problem_responses,
    sentence_of,
)

_LONGEST_LINE = 8 * LONGEST_PARAGRAPH  # bytes: each character escaped, and room for the id
_LINES = {"schema": {"type": "string", "description": '一行一个段落：{"id", "text"}'}}


def label_routes(parts: ServiceParts) -> APIRouter:
    """The routes that label paragraphs."""
    router = APIRouter(tags=["标注"])

    @router.post(
        "/v1/label",
        summary="标注一批段落",
        response_model=LabelResponse,
        responses={
            200: {"content": {NDJSON: {"schema": {"type": "string", "description": "一行一个结果"}}}},
            **problem_responses(ProblemKind.UNREADABLE_BODY, ProblemKind.INVALID_REQUEST),
        },
        openapi_extra=request_body(LabelRequest, others={NDJSON: _LINES}),
    )
    async def label(request: Request) -> Response:
        """最多 1,000 段；按请求的顺序返回。

        更多的段落以 application/x-ndjson 逐行送来：边收边标注边返回，一行一个结果；有错的一行在它的位置上返回
        `{"line", "problem"}`，其余照常。
        """
        if request.headers.get("content-type", "").lower().startswith(NDJSON):
            return await stream(request)
        await expect_room(request.headers.get("content-length"), parts.admission)
        batch = await read_json(request, LabelRequest)
        model = parts.model
        labels = await label_batch([paragraph.text for paragraph in batch.paragraphs], model.labeller, parts.admission)
        parts.metrics.labelled(labels, model)
        results = [
            {"id": paragraph.id, **label.as_record()} for paragraph, label in zip(batch.paragraphs, labels, strict=True)
        ]
        return json_answer({"model": model.version, "results": results}, model.version)

    async def stream(request: Request) -> Response:
        model = parts.model
        await parts.streams.enter()

        async def produce(write: Callable[[bytes], None]) -> None:
            number = 0
            try:
                with suppress(ClientDisconnect):
                    async for lines in batches_of_lines(request.stream(), BATCH_PARAGRAPHS, _LONGEST_LINE):
                        write(await _labelled_lines(lines, number, model, parts))
                        number += len(lines)
            except LongLineError:
                problem = problem_of(ProblemKind.TOO_LARGE, f"这一行超过 {_LONGEST_LINE} 字节；其后的没有处理。")
                write(_line_problem(number + 1, problem))
            except ProblemError as error:  # the body goes too far, when the answer has begun
                write(_line_problem(number + 1, problem_of(error.kind, str(error))))
            finally:
                parts.streams.leave()

        return StreamedAnswer(produce, {MODEL_HEADER: model.version}, parts.settings.body_seconds)

    return router


async def _labelled_lines(lines: list[bytes], before: int, model: ServedModel, parts: ServiceParts) -> bytes:
    """The answer to `lines`, of which the first is line `before` + 1: one line each but for blank ones."""
    paragraphs: list[ParagraphIn | Problem] = []
    numbers = []
    for number, line in enumerate(lines, before + 1):
        if line.strip():
            numbers.append(number)
            paragraphs.append(_paragraph(line))
    texts = [item.text for item in paragraphs if isinstance(item, ParagraphIn)]
    labels = await label_batch(texts, model.labeller, parts.admission, patient=True)
    parts.metrics.labelled(labels, model)
    parts.metrics.refused(len(paragraphs) - len(texts))
    waiting = iter(labels)
    answer = bytearray()
    for number, item in zip(numbers, paragraphs, strict=True):
        if isinstance(item, Problem):
            answer += _line_problem(number, item)
        else:
            answer += json_bytes({"id": item.id, **next(waiting).as_record()}) + b"\n"
    return bytes(answer)


def _paragraph(line: bytes) -> ParagraphIn | Problem:
    try:
        return parse_json(line, ParagraphIn)
    except ProblemError as error:
        return problem_of(error.kind, str(error))
    except RequestValidationError as error:
        errors = field_problems(error.errors())
        return problem_of(ProblemKind.INVALID_REQUEST, sentence_of(errors), errors)


def _line_problem(line: int, problem: Problem) -> bytes:
    return json_bytes({"line": line, "problem": problem.record()}) + b"\n"
