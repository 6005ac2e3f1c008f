"""A bound on request bodies that counts the bytes as they come, whatever the client declares."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem_response


class BodyLimit:
    """ASGI middleware: answers 413 once a request body is larger than `largest_body` bytes; nothing past that is read."""

    def __init__(self, app: ASGIApp, largest_body: int) -> None:
        self._app = app
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and float(declared) > self._largest_body:  # int() fails beyond 4,300 digits
            await self._refuse(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._largest_body:
                await self._refuse(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"请求正文最多 {self._largest_body // 1024} KiB；请分批发送。"
        await problem_response(413, "too-large", "请求过大", detail)(scope, receive, send)
