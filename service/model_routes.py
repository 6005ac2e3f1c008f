"""`/v1/themes`, `/v1/model`, `/v1/models`: what labels here, and what else could."""

from dataclasses import asdict
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from model.errors import ArtifactError, ArtifactMissingError
from model.store import VERSION_PATTERN
from service.access import require_admin
from service.api_types import ModelResponse, ModelsResponse, ThemesResponse
from service.json_answer import json_answer
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses


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
        return listed()

    @router.post(
        "/v1/models/{version}/activate",
        summary="换用模型库里的另一个版本",
        response_model=ModelsResponse,
        responses=problem_responses(
            ProblemKind.UNKNOWN_MODEL, ProblemKind.MODEL_REFUSED, ProblemKind.INVALID_REQUEST, ProblemKind.STORAGE_FULL
        ),
    )
    async def activate(
        request: Request, version: Annotated[str, Path(pattern=f"^{VERSION_PATTERN}$", examples=["0.1.0+1a2b3c4d5e"])]
    ) -> Response:
        """先装入并自检，通过了才换，其间请求照常；没有通过时仍用原来的。需要 admin 角色的密钥。"""
        require_admin(request, open_without_keys=False)
        try:
            await anyio.to_thread.run_sync(parts.models.activate, version)
        except ArtifactMissingError as error:
            raise ProblemError(ProblemKind.UNKNOWN_MODEL, str(error)) from None
        except ArtifactError as error:
            raise ProblemError(ProblemKind.MODEL_REFUSED, str(error)) from None
        except OSError as error:
            raise ProblemError(ProblemKind.STORAGE_FULL, f"模型库不能写入（{error.strerror}）。") from None
        return listed()

    def listed() -> Response:
        active = parts.model.version
        entries = [{"version": version, "active": version == active} for version in parts.models.versions()]
        return json_answer({"models": entries}, active)

    return router
