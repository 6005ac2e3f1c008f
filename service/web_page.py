"""The page at `/`: its files, held in memory, with headers that let a browser run nothing but them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from service.access import BEARER, has_key
from service.parts import ServiceParts
from service.theme_style import theme_styles

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Everything comes from this server, no script or style stands in the markup, and no script may make markup out of a string.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cache-control": "no-cache",  # kept by the browser, and asked for again: an update shows at once
}
_FOLDER = files("service") / "page"
_NAMES = [item.name for item in _FOLDER.iterdir() if item.name.endswith(tuple(_MEDIA_TYPES))]
_START = "index.html"
_THEMES = "/page/themes.css"
PAGE_PATHS = frozenset({"/", _THEMES, *(f"/page/{name}" for name in _NAMES if name != _START)})
"""Where the page answers. Nothing there is anyone's: who has no key yet sees the page that asks for it."""


@dataclass(frozen=True, slots=True)
class _PageFile:
    content: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "_PageFile":
        media_type = _MEDIA_TYPES[name[name.rindex(".") :]]
        return cls(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    async def answer(self, request: Request) -> Response:
        headers = {**_HEADERS, "etag": self.tag}
        known = request.headers.get("if-none-match", "")
        if self.tag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def page_routes(parts: ServiceParts) -> APIRouter:
    """The routes of the page: `/`, and its files below `/page/`. They say nothing of any document, and of the model how many themes it has."""
    held = {name: _PageFile.of(name, (_FOLDER / name).read_bytes()) for name in _NAMES}
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        if has_key(request, parts.keys):
            return await held[_START].answer(request)
        headers = {**_HEADERS, "cache-control": "no-store", "www-authenticate": BEARER}
        return Response(
            held[_START].content, 401, headers, held[_START].media_type
        )  # it is the page that asks for the key

    @router.api_route(_THEMES, methods=["GET", "HEAD"])
    async def theme_colours(request: Request) -> Response:
        rules = theme_rules([theme.id for theme in parts.model.labeller.themes])
        return await _PageFile.of("themes.css", rules.encode()).answer(request)

    for name, file in held.items():
        if name != _START:
            router.add_api_route(f"/page/{name}", file.answer, methods=["GET", "HEAD"])
    return router


def theme_rules(theme_ids: Sequence[str]) -> str:
    """Style rules that give `.theme-0`, `.theme-1`, … their marker and colours; the dark ones where the page is dark, and never on paper."""
    light, dark = [], []
    for position, style in enumerate(theme_styles(theme_ids).values()):
        rules = "--ink:{0.ink};--tint:{0.tint};--fill:{0.fill}"
        light.append(f'.theme-{position}{{--marker:"{style.marker}";{rules.format(style.light)}}}')
        dark.append(f'[data-colours="dark"] .theme-{position}{{{rules.format(style.dark)}}}')
    return "\n".join((*light, "@media screen{", *dark, "}", ""))
