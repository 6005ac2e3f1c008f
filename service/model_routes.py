"""`/v1/themes`, `/v1/model`, `/v1/models`: what labels here, and what else could."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from service.api_types import ModelResponse, ModelsResponse, ThemesResponse
from service.json_answer import json_answer
from service.parts import ServiceParts
from service.problems import problem_responses


def model_routes(parts: ServiceParts) -> APIRouter:
    """The routes that tell of the model."""
    router = APIRouter(tags=["模型"])

    @router.get("/v1/themes", summary="主题及其定义", response_model=ThemesResponse, responses=problem_responses())
    async def themes() -> Response:
        """每个主题的编号、名称和定义。"""
        model = parts.model
        return json_answer({"themes": [asdict(theme) for theme in model.labeller.themes]}, model.version)

    @router.get(
        "/v1/model", summary="模型的版本、数据和成绩", response_model=ModelResponse, responses=problem_responses()
    )
    async def model() -> Response:
        """正在使用的模型。"""
        model = parts.model
        return json_answer(model.labeller.card, model.version)

    @router.get("/v1/models", summary="可用的模型", response_model=ModelsResponse, responses=problem_responses())
    async def models() -> Response:
        """模型库里的版本；没有模型库时只有正在使用的一个。"""
        active = parts.model.version
        entries = [{"version": version, "active": version == active} for version in parts.models.versions()]
        return json_answer({"models": entries}, active)

    return router
