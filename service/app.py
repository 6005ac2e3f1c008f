"""The HTTP service: its doors, and what stands before all of them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from model.labeller import Labeller
from service.access import Access
from service.api_document import complete_openapi
from service.body_limit import BodyBounds, BodyLimit
from service.doccano import doccano_routes
from service.document_routes import document_routes
from service.feedback_routes import feedback_routes
from service.health_routes import HEALTH_PATHS, health_routes
from service.inference_protocol import inference_routes
from service.json_answer import MODEL_HEADER
from service.label_routes import label_routes
from service.label_studio import label_studio_routes
from service.model_registry import ModelRegistry
from service.model_routes import model_routes
from service.parts import ServiceParts
from service.problems import add_problem_handlers
from service.rate_limit import RateLimit
from service.request_log import REQUEST_ID_HEADER, RequestLog
from service.security_headers import SecurityHeaders
from service.settings import Settings
from service.web_page import PAGE_PATHS, page_routes


def create_app(
    models: ModelRegistry | Labeller,
    settings: Settings | None = None,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The service around a labeller, or around `models` that may change while it runs.

    Args:
        models: what labels; safe to share between requests.
        settings: its limits and places; those of the environment where none are given.
        lifespan: what goes on beside the requests, such as looking for new models.

    Raises:
        ApiKeyError: the keys in `settings` are not as they should be.
    """
    settings = settings or Settings()
    registry = models if isinstance(models, ModelRegistry) else ModelRegistry(models)
    parts = ServiceParts.of(registry, settings)
    app: FastAPI = FastAPIOffline(
        lifespan=lifespan,
        redoc_url=None,  # it fetches a logo from outside
        title="policy-themes",
        version=registry.current.version,
        description="给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合；可有多个，也可没有。",
    )
    app.state.parts = parts
    add_problem_handlers(app)
    for routes in (
        label_routes,
        document_routes,
        feedback_routes,
        model_routes,
        inference_routes,
        label_studio_routes,
        doccano_routes,
        health_routes,
        page_routes,
    ):
        app.include_router(routes(parts))
    complete_openapi(app)

    bounds = BodyBounds(
        largest=settings.body_mib << 20,
        largest_upload=settings.upload_mib << 20,
        largest_stream=settings.stream_mib << 20,
        most_held=settings.buffered_mib << 20,
        seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
    )
    app.add_middleware(BodyLimit, bounds=bounds)
    app.add_middleware(
        Access,
        keys=parts.keys,
        rate=RateLimit(settings.rate_limit / settings.workers),
        open_paths=HEALTH_PATHS | PAGE_PATHS,  # the page asks for a key itself
        origins=frozenset(settings.cors_origins),
        hosts=frozenset(settings.hosts),
    )
    app.add_middleware(SecurityHeaders)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
            expose_headers=[MODEL_HEADER, REQUEST_ID_HEADER, "retry-after"],
        )
    app.add_middleware(RequestLog, metrics=parts.metrics)  # the last one added stands before all others
    return app
