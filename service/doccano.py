"""The answer that doccano's auto-labelling takes."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.api_types import EXAMPLE_TEXT, CleanText, Strict, request_body
from service.documents import LONGEST_PARAGRAPH
from service.json_answer import json_answer
from service.json_body import read_json
from service.labelling import label_batch
from service.parts import ServiceParts
from service.problems import ProblemKind, problem_responses


class DoccanoRequest(Strict):
    """What the request template of doccano sends: `{"text": "{{ text }}"}`."""

    text: CleanText = Field(max_length=LONGEST_PARAGRAPH, examples=[EXAMPLE_TEXT])


class DoccanoLabel(BaseModel):
    """A category as doccano takes it."""

    label: str


class LabelNames(StrEnum):
    """Which names doccano's labels have there."""

    ZH = "zh"
    EN = "en"
    ID = "id"


def doccano_routes(parts: ServiceParts) -> APIRouter:
    """The route for doccano."""
    router = APIRouter(tags=["doccano"])

    @router.post(
        "/doccano",
        summary="doccano 自动标注",
        response_model=list[DoccanoLabel],
        responses=problem_responses(ProblemKind.UNREADABLE_BODY, ProblemKind.INVALID_REQUEST),
        openapi_extra=request_body(DoccanoRequest),
    )
    async def doccano(request: Request, names: Annotated[LabelNames, Query()] = LabelNames.ZH) -> Response:
        """在 doccano 的自动标注里选 Custom REST Request，正文 `{"text": "{{ text }}"}`，映射模板 `{{ input | tojson }}`。"""
        asked = await read_json(request, DoccanoRequest)
        model = parts.model
        (label,) = labels = await label_batch([asked.text], model.labeller, parts.admission)
        parts.metrics.labelled(labels, model)
        shown = {
            theme.id: {"zh": theme.name_zh, "en": theme.name_en, "id": theme.id}[names]
            for theme in model.labeller.themes
        }
        return json_answer([{"label": shown[theme]} for theme in label.themes], model.version)

    return router
