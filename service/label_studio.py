"""Label Studio's side of a machine-learning backend: predictions for its tasks, and its annotations into the feedback store.

The project's labelling interface has `Choices` with `choice="multiple"` over a `Text`; a choice means a theme by its id or by its Chinese
or English name, and is answered by the name that the project gives it.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from model.errors import TextError
from model.label import Label
from model.labeller import Theme
from model.text import check_text
from service.api_types import EXAMPLE_TEXT, request_body
from service.documents import LONGEST_PARAGRAPH
from service.feedback_routes import keep
from service.feedback_store import Correction
from service.json_answer import json_answer
from service.json_body import read_json
from service.labelling import label_batch
from service.parts import ServiceParts
from service.problems import ProblemError, ProblemKind, problem_responses

_MOST_TASKS = 1_000
_LONGEST_CONFIG = 200_000
_EXAMPLE_CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="themes" toName="text" choice="multiple">'
    '<Choice value="科技金融"/><Choice value="人才"/></Choices></View>'
)
_ANNOTATED = frozenset({"ANNOTATION_CREATED", "ANNOTATION_UPDATED"})


class _Loose(BaseModel):
    """Label Studio sends more than is read here, and more with each release."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Task(_Loose):
    """A task: its data hold the text."""

    id: int | str | None = None
    data: dict[str, Any] = Field(examples=[{"text": EXAMPLE_TEXT}])


class PredictRequest(_Loose):
    """Tasks to predict."""

    tasks: list[Task] = Field(max_length=_MOST_TASKS)
    label_config: str | None = Field(default=None, max_length=_LONGEST_CONFIG, examples=[_EXAMPLE_CONFIG])


class SetupRequest(_Loose):
    """That a project connects."""

    label_schema: str | None = Field(
        default=None, alias="schema", max_length=_LONGEST_CONFIG, examples=[_EXAMPLE_CONFIG]
    )


class Annotation(_Loose):
    """What a person said of a task."""

    id: int | None = None
    result: list[dict[str, Any]] = Field(default_factory=list, max_length=1_000)
    updated_at: str | None = Field(default=None, max_length=64)


class Project(_Loose):
    """Where the task belongs."""

    id: int | None = None
    label_config: str | None = Field(default=None, max_length=_LONGEST_CONFIG)


class WebhookRequest(_Loose):
    """That something happened in a project."""

    action: str = Field(max_length=64, examples=["ANNOTATION_CREATED"])
    annotation: Annotation | None = None
    task: Task | None = None
    project: Project | None = None


class Prediction(BaseModel):
    """What the model says of a task, as Label Studio imports it."""

    model_version: str
    score: float = Field(description="把握：最没把握的那个主题上有多确定；没有正文时为 0")
    result: list[dict[str, Any]]


class PredictResponse(BaseModel):
    """A prediction for each task, in order."""

    results: list[Prediction]


class SetupResponse(BaseModel):
    """Which model will answer."""

    model_version: str


class BackendHealth(BaseModel):
    """That the backend lives."""

    status: str = Field(examples=["UP"])
    model_class: str


class WebhookResponse(BaseModel):
    """What became of the event."""

    status: str = Field(examples=["kept", "ignored"])
    id: int | None = None


@dataclass(frozen=True, slots=True)
class _Interface:
    """How a project's labelling interface names things.

    Attributes:
        from_name: the name of its choices.
        to_name: the name of its text.
        field: of a task's data, where the text is.
        choices: by theme id, what a choice is called there.
    """

    from_name: str
    to_name: str
    field: str
    choices: Mapping[str, str]


def label_studio_routes(parts: ServiceParts) -> APIRouter:
    """The routes that Label Studio calls."""
    router = APIRouter(tags=["Label Studio"])
    problems = problem_responses(ProblemKind.UNREADABLE_BODY, ProblemKind.INVALID_REQUEST)

    @router.get("/health", summary="Label Studio：是否存活", responses=problem_responses())
    async def health() -> BackendHealth:
        """进程能应答即为 UP。"""
        return BackendHealth(status="UP", model_class="policy-themes")

    @router.post(
        "/setup",
        summary="Label Studio：连接项目",
        response_model=SetupResponse,
        responses=problems,
        openapi_extra=request_body(SetupRequest),
    )
    async def setup(request: Request) -> Response:
        """检查标注界面里有没有认得的主题；答模型版本。"""
        asked = await read_json(request, SetupRequest)
        model = parts.model
        _interface(asked.label_schema, model.labeller.themes)
        return json_answer({"model_version": model.version}, model.version)

    @router.post(
        "/predict",
        summary="Label Studio：预标注",
        response_model=PredictResponse,
        responses=problems,
        openapi_extra=request_body(PredictRequest),
    )
    async def predict(request: Request) -> Response:
        """标注界面用 `Choices`（choice="multiple"）；选项可写主题的编号、中文名或英文名。"""
        asked = await read_json(request, PredictRequest)
        model = parts.model
        interface = _interface(asked.label_config, model.labeller.themes)
        texts = [_text(task, interface) for task in asked.tasks]
        labels = await label_batch([text or "" for text in texts], model.labeller, parts.admission)
        parts.metrics.labelled(labels, model)
        results = [
            _prediction(label, interface, model.version, is_there=text is not None)
            for text, label in zip(texts, labels, strict=True)
        ]
        return json_answer({"results": results}, model.version)

    @router.post(
        "/webhook",
        status_code=201,
        summary="Label Studio：标注事件",
        response_model=WebhookResponse,
        responses=problem_responses(
            ProblemKind.UNREADABLE_BODY,
            ProblemKind.INVALID_REQUEST,
            ProblemKind.KEY_REUSED,
            ProblemKind.STORAGE_FULL,
            ProblemKind.FEEDBACK_UNAVAILABLE,
        ),
        openapi_extra=request_body(WebhookRequest),
    )
    async def webhook(request: Request) -> Response:
        """新建和修改的标注存进反馈库；其他事件不理会。同一条标注的同一次修改只记一次。"""
        event = await read_json(request, WebhookRequest)
        model = parts.model
        project = event.project or Project()
        interface = _interface(project.label_config, model.labeller.themes)
        text = _text(event.task, interface) if event.task else None
        if event.action not in _ANNOTATED or event.annotation is None or not text:
            return json_answer({"status": "ignored", "id": None}, model.version, status=201)
        (label,) = await label_batch([text], model.labeller, parts.admission)
        given = set(_chosen(event.annotation, interface))
        annotation = event.annotation
        key = (
            f"label-studio/{project.id}/{annotation.id}/{annotation.updated_at}" if annotation.id is not None else None
        )
        correction = Correction(
            text=text,
            themes=tuple(theme.id for theme in model.labeller.themes if theme.id in given),
            primary=None,
            model=model.version,
            predicted=label.themes,
            source="label-studio",
            key=key,
        )
        receipt = await keep(parts, correction)
        return json_answer({"status": "kept", "id": receipt.id}, model.version, status=201)

    return router


def _interface(config: str | None, themes: Sequence[Theme]) -> _Interface:
    """What `config` says; without one, what the examples of Label Studio call things.

    Raises:
        ProblemError: it is no XML, or no choice in it is a theme.
    """
    names = {name.casefold(): theme.id for theme in themes for name in (theme.name_en, theme.name_zh, theme.id)}
    if not config:
        return _Interface("themes", "text", "text", {theme.id: theme.name_zh for theme in themes})
    if "<!" in config.replace("<!--", ""):  # declarations can make a small text endless; Label Studio needs none
        raise ProblemError(ProblemKind.INVALID_REQUEST, "label_config：不应有 DOCTYPE 或 ENTITY 声明。")
    try:
        root = ET.fromstring(config)  # noqa: S314 (no declarations, see above)
    except (ET.ParseError, ValueError, RecursionError):
        raise ProblemError(ProblemKind.INVALID_REQUEST, "label_config：不是有效的 XML。") from None
    for choices in root.iter("Choices"):
        found = {}
        for choice in choices.iter("Choice"):
            value = choice.get("value", "")
            theme = names.get(choice.get("alias", value).casefold()) or names.get(value.casefold())
            if theme is not None:
                found[theme] = choice.get("alias", value)
        if found:
            to_name = choices.get("toName", "text")
            text = next((tag for tag in root.iter() if tag.get("name") == to_name), None)
            field = (text.get("value", "") if text is not None else "").lstrip("$") or "text"
            return _Interface(choices.get("name", "themes"), to_name, field, found)
    listed = "、".join(theme.name_zh for theme in themes)
    raise ProblemError(ProblemKind.INVALID_REQUEST, f"label_config：没有一个 Choices 的选项是主题；主题有 {listed}。")


def _text(task: Task, interface: _Interface) -> str | None:
    """The text of a task, or None where it has none that can be labelled."""
    text = task.data.get(interface.field)
    if not isinstance(text, str) or len(text) > LONGEST_PARAGRAPH:
        return None
    try:
        check_text(text)
    except TextError:
        return None
    return text


def _prediction(label: Label, interface: _Interface, version: str, *, is_there: bool) -> dict[str, Any]:
    chosen = [interface.choices[theme] for theme in label.themes if theme in interface.choices]
    result = {
        "from_name": interface.from_name,
        "to_name": interface.to_name,
        "type": "choices",
        "value": {"choices": chosen},
    }
    certainty = min(max(score, 1 - score) for score in label.scores.values())
    return {
        "model_version": version,
        "score": round(certainty, 6) if is_there else 0.0,
        "result": [result] if chosen else [],
    }


def _chosen(annotation: Annotation, interface: _Interface) -> list[str]:
    """The ids of the themes that a person chose."""
    themes = {choice: theme for theme, choice in interface.choices.items()}
    found = []
    for item in annotation.result:
        value = item.get("value")
        if item.get("from_name") == interface.from_name and isinstance(value, dict):
            choices = value.get("choices")
            found += [themes[one] for one in choices if one in themes] if isinstance(choices, list) else []
    return found
