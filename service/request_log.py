"""One line of log and one count for each request: what was asked and how it went, never a word of any document."""

import logging
import re
import secrets
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access import caller_of
from service.metrics import Metrics
from service.problems import ProblemKind, problem_response

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_UNMATCHED = "unmatched"  # a path that is no route may hold anything

logger = logging.getLogger("policy_themes.requests")


class RequestLog:
    """ASGI middleware around all others: times each request, gives it an id, and answers where all else failed."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        identity = _identity(scope)
        status = received = sent = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity)]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        fault = None
        try:
            await self._app(scope, counted, watched)
        except Exception as error:
            fault = type(error).__name__
            logger.exception("request failed", extra={"fields": {"event": "failure", "id": identity.decode()}})
            if status:
                raise
            detail = "服务内部出错；请把请求编号告诉管理员。"
            await problem_response(ProblemKind.INTERNAL, detail, path=scope["path"])(scope, receive, watched)
        finally:
            seconds = perf_counter() - started
            route = getattr(scope.get("route"), "path", _UNMATCHED)
            self._metrics.request(scope["method"], route, status, seconds)
            if logger.isEnabledFor(logging.INFO):
                caller = caller_of(scope)
                fields = {
                    "event": "request",
                    "id": identity.decode(),
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 3),
                    "received": received,
                    "sent": sent,
                    "key": caller.name if caller else None,
                    "fault": fault,
                }
                logger.info("%s %s %d", scope["method"], route, status, extra={"fields": fields})


def _identity(scope: Scope) -> bytes:
    """The caller's own id for the request, if it may stand in a log; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
