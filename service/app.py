"""The HTTP service: its doors, and what stands before all of them."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from model.labeller import Labeller
from service.api_document import complete_openapi
from service.body_limit import BodyBounds, BodyLimit
from service.document_routes import document_routes
from service.feedback_routes import feedback_routes
from service.health_routes import health_routes
from service.label_routes import label_routes
from service.model_registry import ModelRegistry
from service.model_routes import model_routes
from service.parts import ServiceParts
from service.problems import add_problem_handlers
from service.settings import Settings
from service.web_page import page_routes


def create_app(models: ModelRegistry | Labeller, settings: Settings | None = None) -> FastAPI:
    """The service around a labeller, or around `models` that may change while it runs.

    Args:
        models: what labels; safe to share between requests.
        settings: its limits and places; those of the environment where none are given.
    """
    settings = settings or Settings()
    registry = models if isinstance(models, ModelRegistry) else ModelRegistry(models)
    parts = ServiceParts.of(registry, settings)
    app: FastAPI = FastAPIOffline(
        redoc_url=None,  # it fetches a logo from outside
        title="policy-themes",
        version=registry.current.version,
        description="给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合；可有多个，也可没有。",
    )
    app.state.parts = parts
    add_problem_handlers(app)
    for routes in (label_routes, document_routes, feedback_routes, model_routes, health_routes, page_routes):
        app.include_router(routes(parts))
    complete_openapi(app)

    bounds = BodyBounds(
        largest=settings.largest_body,
        largest_upload=settings.largest_upload,
        most_held=settings.buffered_mib << 20,
        seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
    )
    app.add_middleware(BodyLimit, bounds=bounds)
    return app
