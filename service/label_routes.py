"""`/v1/label`: paragraphs in, labels out, as one batch or line by line."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api_types import LabelRequest, LabelResponse, request_body
from service.json_answer import json_answer
from service.json_body import read_json
from service.labelling import label_batch
from service.parts import ServiceParts
from service.problems import ProblemKind, problem_responses


def label_routes(parts: ServiceParts) -> APIRouter:
    """The routes that label paragraphs."""
    router = APIRouter(tags=["标注"])

    @router.post(
        "/v1/label",
        summary="标注一批段落",
        response_model=LabelResponse,
        responses=problem_responses(ProblemKind.UNREADABLE_BODY, ProblemKind.INVALID_REQUEST),
        openapi_extra=request_body(LabelRequest),
    )
    async def label(request: Request) -> Response:
        """最多 1,000 段；按请求的顺序返回。"""
        batch = await read_json(request, LabelRequest)
        model = parts.model
        texts = [paragraph.text for paragraph in batch.paragraphs]
        labels = await label_batch(texts, model.labeller, parts.admission)
        results = [
            {"id": paragraph.id, **label.as_record()} for paragraph, label in zip(batch.paragraphs, labels, strict=True)
        ]
        return json_answer({"model": model.version, "results": results}, model.version)

    return router
