"""`/v2`: the Open Inference Protocol, version 2, with its binary extension, so that clients of Triton, KServe and the like can ask here.

A failure has `error`, as the protocol says, in a body that is a problem as everywhere.
"""

import re
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from model.errors import TextError
from model.label import Label
from model.text import check_text
from service.api_types import MOST_PARAGRAPHS, request_body
from service.documents import LONGEST_PARAGRAPH
from service.json_answer import JSON, MODEL_HEADER, json_answer, json_bytes
from service.json_body import parse_json
from service.labelling import expect_room, label_batch
from service.model_registry import ServedModel
from service.parts import ServiceParts
from service.problems import (
    ProblemError,
    ProblemKind,
    field_problems,
    inference_problem_responses,
    sentence_of,
)
from service.tensors import Tensor, TensorError, flat_texts, read_texts

MODEL_NAME = "policy-themes"
INPUT = "text"
_HEADER_LENGTH = "inference-header-content-length"
_BINARY = "application/octet-stream"
_OUTPUTS = {"scores": "FP64", "themes": "BOOL", "primary": "BYTES", "names": "BYTES"}

_LONGEST_SHOWN = 60

_Name = Annotated[str, Path(examples=[MODEL_NAME])]
_Version = Annotated[str, Path(examples=["0.1.0+1a2b3c4d5e"])]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)

    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceInput(_Part):
    """The texts."""

    name: str = Field(examples=[INPUT])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(max_length=2, examples=[[1]])
    data: list[Any] | None = Field(default=None, max_length=MOST_PARAGRAPHS, examples=[["设立科技信贷风险池。"]])


class InferenceOutput(_Part):
    """An output that is wanted."""

    name: str = Field(examples=["scores"])


class InferenceRequest(_Part):
    """An inference request of the protocol."""

    id: str | None = Field(default=None, max_length=256)
    inputs: list[InferenceInput] = Field(min_length=1, max_length=1)
    outputs: list[InferenceOutput] = Field(default_factory=list, max_length=len(_OUTPUTS))


class TensorOut(BaseModel):
    """An output tensor."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class InferenceResponse(BaseModel):
    """An inference response of the protocol."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[TensorOut]


class TensorMetadata(BaseModel):
    """What a tensor is called, and of what kind it is."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What the protocol tells of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What the protocol tells of a server."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """Whether the server lives."""

    live: bool


class Ready(BaseModel):
    """Whether a server or a model is ready."""

    ready: bool


def inference_routes(parts: ServiceParts) -> APIRouter:
    """The routes of the protocol."""
    router = APIRouter(prefix="/v2", tags=["Open Inference Protocol v2"])
    known = inference_problem_responses(ProblemKind.UNKNOWN_MODEL)

    @router.get("", summary="服务", response_model=ServerMetadata, responses=inference_problem_responses())
    async def server() -> Response:
        """名称、版本和支持的扩展。"""
        told = {"name": MODEL_NAME, "version": installed_version(MODEL_NAME), "extensions": ["binary_tensor_data"]}
        return json_answer(told, parts.model.version)

    @router.get("/health/live", summary="服务是否存活", responses=inference_problem_responses())
    async def live() -> Live:
        """进程能应答即为真。"""
        return Live(live=True)

    @router.get("/health/ready", summary="服务是否可用", responses=inference_problem_responses(ProblemKind.NOT_READY))
    async def ready() -> Ready:
        """与 /readyz 相同。"""
        if parts.draining:
            raise ProblemError(ProblemKind.NOT_READY, "服务即将停止，不再接受新的请求。")
        return Ready(ready=True)

    @router.get("/models/{name}", summary="模型的输入和输出", response_model=ModelMetadata, responses=known)
    async def described(name: _Name) -> Response:
        """正在使用的版本。"""
        return _metadata(_model(parts, name))

    @router.get(
        "/models/{name}/versions/{version}",
        summary="某个版本的输入和输出",
        response_model=ModelMetadata,
        responses=known,
    )
    async def version_described(name: _Name, version: _Version) -> Response:
        """只有正在使用的版本。"""
        return _metadata(_model(parts, name, version))

    @router.get("/models/{name}/ready", summary="模型是否可用", responses=known)
    async def model_ready(name: _Name) -> Ready:
        """已装入即为真。"""
        _model(parts, name)
        return Ready(ready=True)

    @router.get("/models/{name}/versions/{version}/ready", summary="某个版本是否可用", responses=known)
    async def version_ready(name: _Name, version: _Version) -> Ready:
        """正在使用即为真。"""
        _model(parts, name, version)
        return Ready(ready=True)

    documented: dict[str, Any] = {
        "response_model": InferenceResponse,
        "responses": {
            200: {"content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}}},
            **inference_problem_responses(ProblemKind.INVALID_INFERENCE, ProblemKind.UNKNOWN_MODEL),
        },
        "openapi_extra": request_body(
            InferenceRequest, others={_BINARY: {"schema": {"type": "string", "format": "binary"}}}
        ),
    }

    @router.post("/models/{name}/infer", summary="推理", **documented)
    async def infer(request: Request, name: _Name) -> Response:
        """输入 text：BYTES [n] 或 [n, 1]。输出 scores：FP64 [n, 主题数]，themes：BOOL [n, 主题数]，primary：BYTES [n]，names：BYTES [主题数]。"""
        return await inferred(request, _model(parts, name))

    @router.post("/models/{name}/versions/{version}/infer", summary="用某个版本推理", **documented)
    async def version_infer(request: Request, name: _Name, version: _Version) -> Response:
        """同上；只有正在使用的版本。"""
        return await inferred(request, _model(parts, name, version))

    async def inferred(request: Request, model: ServedModel) -> Response:
        await expect_room(request.headers.get("content-length"), parts.admission)
        body = await request.body()
        try:
            asked, texts = _read(body, request.headers.get(_HEADER_LENGTH))
            wanted = [output.name for output in asked.outputs] or list(_OUTPUTS)
            for name in wanted:
                if name not in _OUTPUTS:
                    raise TensorError(f"没有输出 {name[:_LONGEST_SHOWN]}；有 {'、'.join(_OUTPUTS)}")
        except TensorError as error:
            raise ProblemError(ProblemKind.INVALID_INFERENCE, f"{error}。") from None
        labels = await label_batch(texts, model.labeller, parts.admission)
        parts.metrics.labelled(labels, model)
        return _answer(asked, wanted, labels, model)

    return router


def _model(parts: ServiceParts, name: str, version: str | None = None) -> ServedModel:
    model = parts.model
    if name != MODEL_NAME:
        raise ProblemError(ProblemKind.UNKNOWN_MODEL, f"没有这个模型；有 {MODEL_NAME}。")
    if version not in {None, model.version}:
        raise ProblemError(ProblemKind.UNKNOWN_MODEL, f"没有使用这个版本；正在使用 {model.version}。")
    return model


def _metadata(model: ServedModel) -> Response:
    count = len(model.labeller.themes)
    shapes = {"scores": [-1, count], "themes": [-1, count], "primary": [-1], "names": [count]}
    outputs = [{"name": name, "datatype": kind, "shape": shapes[name]} for name, kind in _OUTPUTS.items()]
    told = {
        "name": MODEL_NAME,
        "versions": [model.version],
        "platform": "policy_themes",
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": outputs,
    }
    return json_answer(told, model.version)


def _read(body: bytes, header_length: str | None) -> tuple[InferenceRequest, list[str]]:
    """The request, and its texts.

    Raises:
        TensorError: something is not as the protocol says.
    """
    header, content = _split(body, header_length)
    try:
        asked = parse_json(header, InferenceRequest)
    except ProblemError as error:
        raise TensorError(str(error).rstrip("。")) from None
    except RequestValidationError as error:
        raise TensorError(sentence_of(field_problems(error.errors()))) from None
    given = asked.inputs[0]
    if (given.name, given.datatype) != (INPUT, "BYTES"):
        raise TensorError(f"输入应当名为 {INPUT}，类型为 BYTES")
    texts = _texts(given, content)
    if given.shape not in ([len(texts)], [len(texts), 1]):
        raise TensorError(f"shape 应当是 [{len(texts)}] 或 [{len(texts)}, 1]")
    if len(texts) > MOST_PARAGRAPHS:
        raise TensorError(f"一次最多 {MOST_PARAGRAPHS} 段")
    for number, text in enumerate(texts):
        if len(text) > LONGEST_PARAGRAPH:
            raise TensorError(f"data[{number}] 过长，一段最多 {LONGEST_PARAGRAPH} 字")
        try:
            check_text(text)
        except TextError as error:
            raise TensorError(f"data[{number}]：{str(error).rstrip('。')}") from None
    return asked, texts


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    """The object, and the bytes behind it."""
    if header_length is None:
        return body, b""
    if re.fullmatch("[0-9]{1,12}", header_length) is None or int(header_length) > len(body):
        raise TensorError("Inference-Header-Content-Length 不对")
    length = int(header_length)
    return body[:length], body[length:]


def _texts(given: InferenceInput, content: bytes) -> list[str]:
    """The elements of the input, from the object or from the bytes behind it."""
    size = given.parameters.get("binary_data_size")
    if size is not None:
        if size != len(content) or isinstance(size, bool):
            raise TensorError("binary_data_size 与二进制数据的长度不符")
        return read_texts(content)
    if given.data is None or content:
        raise TensorError("输入没有 data，或另有不属于它的二进制数据")
    return list(flat_texts(given.data))


def _answer(asked: InferenceRequest, wanted: Sequence[str], labels: Sequence[Label], model: ServedModel) -> Response:
    tensors = _tensors(labels, [theme.id for theme in model.labeller.themes])
    in_general = asked.parameters.get("binary_data_output")
    chosen = {output.name: output.parameters.get("binary_data", in_general) for output in asked.outputs}
    outputs: list[dict[str, Any]] = []
    behind = []
    for name in wanted:
        if chosen.get(name, in_general) is True:
            described, content = tensors[name].as_binary()
            outputs.append(described)
            behind.append(content)
        else:
            outputs.append(tensors[name].as_json())
    answer = {"model_name": MODEL_NAME, "model_version": model.version, "outputs": outputs}
    if asked.id is not None:
        answer["id"] = asked.id
    header = json_bytes(answer)
    headers = {MODEL_HEADER: model.version}
    if not behind:
        return Response(header, headers=headers, media_type=JSON)
    headers[_HEADER_LENGTH] = str(len(header))
    return Response(header + b"".join(behind), headers=headers, media_type=_BINARY)


def _tensors(labels: Sequence[Label], themes: Sequence[str]) -> dict[str, Tensor]:
    shape = (len(labels), len(themes))
    given = [theme in label.themes for label in labels for theme in themes]
    return {
        "scores": Tensor("scores", "FP64", shape, [label.scores[theme] for label in labels for theme in themes]),
        "themes": Tensor("themes", "BOOL", shape, given),
        "primary": Tensor("primary", "BYTES", (len(labels),), [label.primary for label in labels]),
        "names": Tensor("names", "BYTES", (len(themes),), list(themes)),
    }
