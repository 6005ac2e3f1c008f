"""The OpenAPI document: FastAPI's, with the request bodies that the doors read themselves, and without its own error bodies."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from service.api_types import DocumentRequest, FeedbackRequest, LabelRequest
from service.doccano import DoccanoRequest
from service.inference_protocol import InferenceRequest
from service.label_studio import PredictRequest, SetupRequest, WebhookRequest
from service.problems import InferenceProblem, Problem

_READ_BY_OURSELVES = (
    LabelRequest,
    DocumentRequest,
    FeedbackRequest,
    InferenceRequest,
    PredictRequest,
    SetupRequest,
    WebhookRequest,
    DoccanoRequest,
    Problem,
    InferenceProblem,
)
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")


def complete_openapi(app: FastAPI) -> None:
    """Have `app` describe itself whole."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = own()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            _, definitions = models_json_schema(
                [(model, "validation") for model in _READ_BY_OURSELVES], ref_template="#/components/schemas/{model}"
            )
            schemas.update(definitions["$defs"])
            for name in _FASTAPI_ERRORS:
                schemas.pop(name, None)
            for operations in document["paths"].values():
                for operation in operations.values():
                    _drop_unknown(operation["responses"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _drop_unknown(responses: dict[str, Any]) -> None:
    """Take out the answer that FastAPI adds wherever there is a parameter: ours to it are listed, where there can be one."""
    content = responses.get("422", {}).get("content", {}).get("application/json", {})
    if content.get("schema", {}).get("$ref", "").endswith(_FASTAPI_ERRORS):
        del responses["422"]
