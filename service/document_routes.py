"""`/v1/documents`: a whole file in, its blocks in order and its labelled paragraphs out."""

from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from service.accepted_type import choose_type
from service.api_types import DocumentRequest, DocumentResponse, request_body
from service.document_answer import DocumentAnswer
from service.document_file import FILE_SUFFIXES, DocumentFile
from service.document_labelling import label_document
from service.documents import DocumentBlock, ReadOptions, Refusal
from service.json_answer import JSON, MODEL_HEADER
from service.json_body import read_json
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses
from service.readers.plain_text import text_blocks
from service.run import OutputError, Run
from service.uploads import received_upload

_MULTIPART = "multipart/form-data"
_UPLOAD_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "文件；按内容和扩展名识别格式"},
        "text_column": {"type": "string", "maxLength": 256, "description": "表格：正文所在的列；不填则自动辨认"},
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
    "unknown_text_column": ProblemKind.UNKNOWN_TEXT_COLUMN,
}

_OFFERED = (JSON, *FILE_SUFFIXES)
_FILE_SCHEMA = {"type": "string", "format": "binary"}


def document_routes(parts: ServiceParts) -> APIRouter:
    """The routes that label whole documents."""
    router = APIRouter(tags=["标注"])

    @router.post(
        "/v1/documents",
        summary="标注一份文件",
        response_model=DocumentResponse,
        responses={
            200: {"content": {media_type: {"schema": _FILE_SCHEMA} for media_type in FILE_SUFFIXES}},
            **problem_responses(
                ProblemKind.UNREADABLE_BODY,
                ProblemKind.NOT_ACCEPTABLE,
                ProblemKind.INVALID_REQUEST,
                ProblemKind.INVALID_TEXT,
                ProblemKind.STORAGE_FULL,
                *_BY_REFUSAL.values(),
            ),
        },
        openapi_extra=request_body(DocumentRequest, others={_MULTIPART: {"schema": _UPLOAD_SCHEMA}}),
    )
    async def label_one(request: Request) -> Response:
        """上传文件，或以 JSON 送来全文；切分成标题、署名、页面信息和段落，标注其中的段落。

        个别部分读不了时其余照常，原因在 refusals；整份读不了时答 4xx。看不出表格的正文在哪一列时答 unknown-text-column，
        可选的列在 columns 里；选出一个，以 text_column 再送一次。按 Accept 也可以要工作簿、网页报告、CSV、Parquet 或逐行的 JSON。
        """
        media_type = choose_type(request.headers.get("accept", ""), _OFFERED)
        if media_type is None:
            raise ProblemError(ProblemKind.NOT_ACCEPTABLE, f"Accept 可以是：{'、'.join(_OFFERED)}。")
        if request.headers.get("content-type", "").lower().startswith(_MULTIPART):
            async with received_upload(request) as upload:
                options = ReadOptions(upload.text_column)
                items = parts.readers.read(upload.path, upload.name, options)
                return await answer(upload.name, items, media_type)
        document = await read_json(request, DocumentRequest)
        return await answer(document.name, text_blocks(document.text, document.name), media_type)

    async def answer(name: str, items: Iterator[DocumentBlock | Refusal], media_type: str) -> Response:
        model = parts.model
        filled = (
            DocumentAnswer(model.version) if media_type == JSON else DocumentFile(Run.of(model.labeller), media_type)
        )
        try:
            await parts.admission.run(lambda: filled.fill(label_document(items, model, parts.metrics)))
            if filled.empty and filled.refusals:
                raise _problem_of(filled.refusals)
            headers = {MODEL_HEADER: model.version, **filled.headers(name)}
        except OutputError as error:
            filled.close()
            raise ProblemError(ProblemKind.STORAGE_FULL, str(error)) from None
        except BaseException:
            filled.close()
            raise
        return StreamingResponse(closing(filled), headers=headers, media_type=media_type)

    return router


def closing(answer: DocumentAnswer | DocumentFile) -> Iterator[bytes]:
    """The bytes of `answer`, and its end."""
    try:
        yield from answer.chunks()
    finally:
        answer.close()


def _problem_of(refusals: list[Refusal]) -> ProblemError:
    first = refusals[0]
    where = f"第 {first.line} 行：" if first.line else f"第 {first.page} 页：" if first.page else ""
    more = f"（另有 {len(refusals) - 1} 处）" if len(refusals) > 1 else ""
    kind = _BY_REFUSAL.get(first.kind, ProblemKind.UNREADABLE_DOCUMENT)
    columns = first.columns if kind is ProblemKind.UNKNOWN_TEXT_COLUMN else None
    return ProblemError(kind, f"{where}{first.message}{more}", columns=columns)
