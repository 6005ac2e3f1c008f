"""The HTTP service: carries paragraphs and documents to the labeller and labels back."""

from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from model.errors import TextError
from model.labeller import Labeller
from model.text import check_text
from service.api_types import (
    LONGEST_PARAGRAPH,
    DocumentRequest,
    DocumentResponse,
    LabelRequest,
    LabelResponse,
    ModelResponse,
    Status,
    ThemesResponse,
)
from service.body_limit import BodyLimit
from service.documents import InputParagraph, document_paragraphs
from service.labelling import label_paragraphs
from service.problems import PROBLEM_JSON, Problem, add_problem_handlers

LARGEST_BODY = 16 * 1024 * 1024  # bytes; a thousand paragraphs of ordinary length are under one MiB

_TOO_LARGE = {"model": Problem, "description": "请求过大", "content": {PROBLEM_JSON: {}}}
_INVALID = {"model": Problem, "description": "请求内容有误", "content": {PROBLEM_JSON: {}}}
_UNREADABLE = {"model": Problem, "description": "请求正文无法读取", "content": {PROBLEM_JSON: {}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {400: _UNREADABLE, 413: _TOO_LARGE, 422: _INVALID}


def create_app(labeller: Labeller, *, largest_body: int = LARGEST_BODY) -> FastAPI:
    """The service around `labeller`.

    Args:
        labeller: the model to serve; safe to share between requests.
        largest_body: bytes of a request body above which the answer is 413.
    """
    app: FastAPI = FastAPIOffline(
        title="policy-themes",
        version=labeller.version,
        description="给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合；可有多个，也可没有。",
    )
    app.add_middleware(BodyLimit, largest_body=largest_body)
    add_problem_handlers(app)

    @app.post("/v1/label", summary="标注一批段落", responses=_PROBLEMS)
    def label(request: Annotated[LabelRequest, Body()]) -> LabelResponse:
        """最多 1,000 段；按请求的顺序返回。"""
        for index, paragraph in enumerate(request.paragraphs):
            _check(paragraph.text, f"paragraphs[{index}].text")
            _check(str(paragraph.id), f"paragraphs[{index}].id")
        paragraphs = (InputParagraph(paragraph.text, {"id": paragraph.id}) for paragraph in request.paragraphs)
        rows = list(label_paragraphs(paragraphs, labeller))
        return LabelResponse.model_validate({"model": labeller.version, "results": rows})

    @app.post("/v1/documents", summary="标注一份文件的全文", responses=_PROBLEMS)
    def label_document(request: Annotated[DocumentRequest, Body()]) -> DocumentResponse:
        """把全文切分成标题、署名、页面信息和段落，标注其中的段落。"""
        _check(request.text, "text")
        _check(request.name, "name")
        paragraphs = list(document_paragraphs(request.text, request.name))
        for paragraph in paragraphs:
            if len(paragraph.text) > LONGEST_PARAGRAPH:
                first, last = paragraph.place["lines"]
                raise TextError(
                    f"第 {first}-{last} 行合成的一段有 {len(paragraph.text)} 字，最多 {LONGEST_PARAGRAPH} 字；请分段。"
                )
        rows = list(label_paragraphs(paragraphs, labeller))
        return DocumentResponse.model_validate({"model": labeller.version, "results": rows})

    @app.get("/v1/themes", summary="主题及其定义")
    def themes() -> ThemesResponse:
        """每个主题的编号、名称和定义。"""
        return ThemesResponse.model_validate({"themes": [vars(theme) for theme in labeller.themes]})

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

    @app.get("/", include_in_schema=False)
    def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    return app


def _check(text: str, where: str) -> None:
    try:
        check_text(text)
    except TextError as error:
        raise TextError(f"{where}：{error}") from None
