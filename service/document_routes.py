"""`/v1/documents`: a whole file in, its blocks in order and its labelled paragraphs out."""

from collections.abc import Callable, Iterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from model.errors import PolicyThemesError
from service.api_types import DocumentRequest, DocumentResponse, request_body
from service.document_answer import DocumentAnswer
from service.document_labelling import label_document
from service.documents import DocumentBlock, ReadOptions, Refusal, UnsupportedFileError, read_blocks, text_blocks
from service.json_answer import JSON, MODEL_HEADER
from service.json_body import read_json
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses
from service.uploads import received_upload

_MULTIPART = "multipart/form-data"
_UPLOAD_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "文件；按内容和扩展名识别格式"},
        "text_column": {"type": "string", "maxLength": 256, "description": "表格：正文所在的列"},
    },
    "additionalProperties": False,
}
_BY_REFUSAL = {
    "unreadable": ProblemKind.UNREADABLE_DOCUMENT,
    "needs_ocr": ProblemKind.NEEDS_OCR,
    "unsupported": ProblemKind.UNSUPPORTED_DOCUMENT,
    "too_large": ProblemKind.TOO_LARGE,
    "encrypted": ProblemKind.ENCRYPTED_DOCUMENT,
    "empty": ProblemKind.EMPTY_DOCUMENT,
    "bad_row": ProblemKind.UNREADABLE_DOCUMENT,
}

_Read = Callable[[], Iterator[DocumentBlock | Refusal]]


def document_routes(parts: ServiceParts) -> APIRouter:
    """The routes that label whole documents."""
    router = APIRouter(tags=["标注"])

    @router.post(
        "/v1/documents",
        summary="标注一份文件",
        response_model=DocumentResponse,
        responses=problem_responses(
            ProblemKind.UNREADABLE_BODY, ProblemKind.INVALID_REQUEST, *_BY_REFUSAL.values(), ProblemKind.INVALID_TEXT
        ),
        openapi_extra=request_body(DocumentRequest, others={_MULTIPART: {"schema": _UPLOAD_SCHEMA}}),
    )
    async def label_one(request: Request) -> Response:
        """上传文件，或以 JSON 送来全文；切分成标题、署名、页面信息和段落，标注其中的段落。

        个别部分读不了时其余照常，原因在 refusals；整份读不了时答 4xx。
        """
        if request.headers.get("content-type", "").lower().startswith(_MULTIPART):
            async with received_upload(request) as upload:
                options = ReadOptions(upload.text_column)
                return await answer(upload.name, lambda: read_blocks(upload.path, upload.name, options))
        document = await read_json(request, DocumentRequest)
        return await answer(document.name, lambda: text_blocks(document.text, document.name))

    async def answer(name: str, read: _Read) -> Response:
        model = parts.model
        filled = DocumentAnswer(model.version)
        try:
            await parts.admission.run(lambda: filled.fill(label_document(told(name, read), name, model.labeller)))
            if filled.empty and filled.refusals:
                raise _problem_of(filled.refusals)
        except BaseException:
            filled.close()
            raise
        return StreamingResponse(closing(filled), headers={MODEL_HEADER: model.version}, media_type=JSON)

    return router


def told(name: str, read: _Read) -> Iterator[DocumentBlock | Refusal]:
    """What `read` yields; what it raises becomes the refusal of the file."""
    try:
        yield from read()
    except UnsupportedFileError as error:
        yield Refusal(name, str(error), kind="unsupported")
    except PolicyThemesError as error:
        yield Refusal(name, str(error))


def closing(answer: DocumentAnswer) -> Iterator[bytes]:
    """The bytes of `answer`, and its end."""
    try:
        yield from answer.chunks()
    finally:
        answer.close()


def _problem_of(refusals: list[Refusal]) -> ProblemError:
    first = refusals[0]
    where = f"第 {first.line} 行：" if first.line else f"第 {first.page} 页：" if first.page else ""
    more = f"（另有 {len(refusals) - 1} 处）" if len(refusals) > 1 else ""
    return ProblemError(_BY_REFUSAL.get(first.kind, ProblemKind.UNREADABLE_DOCUMENT), f"{where}{first.message}{more}")
