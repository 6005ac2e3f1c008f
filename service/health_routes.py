"""`/healthz`, `/readyz`, `/metrics`: whether the process lives, whether it should be sent requests, and how it does."""

from fastapi import APIRouter
from starlette.responses import Response

from service.api_types import Status
from service.json_answer import json_answer
from service.metrics import CONTENT_TYPE
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses

HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/health", "/v2/health/live", "/v2/health/ready"})
"""Addresses that answer whoever asks: with no key, past every limit."""


def health_routes(parts: ServiceParts) -> APIRouter:
    """The routes for supervisors and load balancers."""
    router = APIRouter(tags=["运行"])

    @router.get("/healthz", summary="服务是否存活", responses=problem_responses())
    async def healthz() -> Status:
        """进程能应答即为 ok。"""
        return Status(status="ok")

    @router.get(
        "/readyz", summary="服务是否可用", response_model=Status, responses=problem_responses(ProblemKind.NOT_READY)
    )
    async def readyz() -> Response:
        """模型已装入，可以标注；即将停止时为 503。换模型没有成功时仍为 ok，fault 说明原因。"""
        if parts.draining:
            raise ProblemError(ProblemKind.NOT_READY, "服务即将停止，不再接受新的请求。")
        status = {"status": "ok", "model": parts.model.version}
        if parts.models.fault is not None:
            status["fault"] = parts.models.fault
        return json_answer(status, parts.model.version)

    @router.get(
        "/metrics",
        summary="Prometheus 指标",
        response_class=Response,
        responses={
            200: {"description": "Prometheus 文本格式", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **problem_responses(),
        },
    )
    async def metrics() -> Response:
        """请求、耗时、段落、主题、换模型的次数，所用的模型；多个进程合在一起。"""
        return Response(parts.metrics.exposition(parts.admission.waiting), media_type=CONTENT_TYPE)

    return router
