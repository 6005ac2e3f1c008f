"""Headers that tell a browser to do no more with an answer than it was made for."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# Swagger's page starts itself with a script of its own.
_DOCS_POLICY = f"{_POLICY}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class SecurityHeaders:
    """ASGI middleware: adds them to every answer that has none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [*_ALWAYS, (b"content-security-policy", _POLICY.encode())]
        self._docs_headers = [*_ALWAYS, (b"content-security-policy", _DOCS_POLICY.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = self._docs_headers if scope["path"] == "/docs" else self._headers

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(item for item in added if item[0] not in present)]
            await send(message)

        await self._app(scope, receive, guarded)
