"""The HTTP service: carries paragraphs and documents to the labeller and labels back."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi_offline import FastAPIOffline

from model.errors import TextError
from model.labeller import Labeller
from service.api_types import (
    DocumentRequest,
    DocumentResponse,
    LabelRequest,
    LabelResponse,
    ModelResponse,
    Status,
    ThemesResponse,
)
from service.body_limit import BodyLimit
from service.documents import InputParagraph, Refusal, document_paragraphs
from service.labelling import label_paragraphs
from service.problems import PROBLEM_JSON, Problem, add_problem_handlers
from service.web_page import page_router

LARGEST_BODY = 16 * 1024 * 1024  # bytes; a thousand paragraphs of ordinary length are under one MiB

_PROBLEM_CONTENT = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description, "content": _PROBLEM_CONTENT}
    for status, description in {
        400: "请求正文无法读取",
        413: "请求过大",
        415: "不支持的内容类型",
        422: "请求内容有误",
    }.items()
}


def create_app(labeller: Labeller, *, largest_body: int = LARGEST_BODY) -> FastAPI:
    """The service around `labeller`.

    Args:
        labeller: the model to serve; safe to share between requests.
        largest_body: bytes of a request body above which the answer is 413.
    """
    app: FastAPI = FastAPIOffline(
        redoc_url=None,  # it fetches a logo from outside
        title="policy-themes",
        version=labeller.version,
        description="给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合；可有多个，也可没有。",
    )
    app.add_middleware(BodyLimit, largest_body=largest_body)
    add_problem_handlers(app)

    @app.post("/v1/label", summary="标注一批段落", responses=_PROBLEMS)
    def label(request: Annotated[LabelRequest, Body()]) -> LabelResponse:
        """最多 1,000 段；按请求的顺序返回。"""
        paragraphs = (InputParagraph(paragraph.text, {"id": paragraph.id}) for paragraph in request.paragraphs)
        rows = list(label_paragraphs(paragraphs, labeller))
        return LabelResponse.model_validate({"model": labeller.version, "results": rows})

    @app.post("/v1/documents", summary="标注一份文件的全文", responses=_PROBLEMS)
    def label_document(request: Annotated[DocumentRequest, Body()]) -> DocumentResponse:
        """把全文切分成标题、署名、页面信息和段落，标注其中的段落。"""
        paragraphs = []
        for item in document_paragraphs(request.text, request.name):
            if isinstance(item, Refusal):
                raise TextError(f"第 {item.line} 行：{item.message}")
            paragraphs.append(item)
        rows = list(label_paragraphs(paragraphs, labeller))
        return DocumentResponse.model_validate({"model": labeller.version, "results": rows})

    @app.get("/v1/themes", summary="主题及其定义")
    def themes() -> ThemesResponse:
        """每个主题的编号、名称和定义。"""
        return ThemesResponse.model_validate({"themes": [asdict(theme) for theme in labeller.themes]})

    @app.get("/v1/model", summary="模型的版本、数据和成绩")
    def model() -> ModelResponse:
        """正在使用的模型。"""
        return ModelResponse.model_validate(labeller.card)

    @app.get("/healthz", summary="服务是否存活")
    def healthz() -> Status:
        """进程能应答即为 ok。"""
        return Status(status="ok")

    @app.get("/readyz", summary="服务是否可用")
    def readyz() -> Status:
        """模型已装入，可以标注。"""
        return Status(status="ok", model=labeller.version)

    app.include_router(page_router(lambda: [theme.id for theme in labeller.themes]))
    return app
