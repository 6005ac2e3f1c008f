"""One process of the service: takes connections, watches for new models, and ends in good order."""

import asyncio
import gc
import logging
import os
import select
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import FrameType

import anyio.to_thread
import uvicorn
from fastapi import FastAPI

from service.connections import guarded_protocol
from service.parts import ServiceParts
from service.settings import Settings

logger = logging.getLogger("policy_themes.server")

_MOST_TURNS = 1000  # of the event loop, for those who go on connecting


class Server(uvicorn.Server):
    """The server beneath, but that it says it is about to end before it stops listening, so that no balancer sends to a closed port."""

    def __init__(
        self, app: FastAPI, settings: Settings, tell_address: Callable[[str], None] = lambda _url: None
    ) -> None:
        """Serve `app`.

        Args:
            app: made by `create_app`.
            settings: where to listen, and for how long to wait for whom.
            tell_address: called with the address once connections are taken.
        """
        parts: ServiceParts = app.state.parts
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=guarded_protocol(settings.idle_seconds, settings.most_connections, lambda: parts.draining),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=round(settings.shutdown_seconds),
        )
        super().__init__(config)
        self._parts = parts
        self._drain_seconds = settings.drain_seconds
        self._tell_address = tell_address
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        gc.freeze()  # what is there now stays to the end
        for server in getattr(self, "servers", []):
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                self._tell_address(f"http://{f'[{host}]' if ':' in host else host}:{port}")
                return

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and end when all that came before is answered."""
        listening = [one for server in self.servers for one in server.sockets]
        for _ in range(_MOST_TURNS):
            if not select.select(listening, [], [], 0)[0]:
                break
            await asyncio.sleep(0)  # who has connected already is taken first: closing the port would cut it off
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end: at once when a person at the terminal says so, or says it twice; else readyz tells first."""
        if sig == signal.SIGTERM and self._drain_seconds and not self._parts.draining and self._loop is not None:
            self._parts.draining = True
            end = super().handle_exit
            self._loop.call_soon_threadsafe(
                lambda: asyncio.get_running_loop().call_later(self._drain_seconds, end, sig, frame)
            )
            return
        self._parts.draining = True
        super().handle_exit(sig, frame)


@asynccontextmanager
async def living(app: FastAPI) -> AsyncIterator[None]:
    """What goes on beside the requests for as long as `app` is served."""
    parts: ServiceParts = app.state.parts
    reload = asyncio.Event()
    watcher = asyncio.create_task(_watch(parts, reload))
    loop = asyncio.get_running_loop()
    if hasattr(signal, "SIGHUP"):
        with suppress(ValueError, RuntimeError):  # only the main thread gets signals
            loop.add_signal_handler(signal.SIGHUP, reload.set)
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        parts.close()


async def _watch(parts: ServiceParts, reload: asyncio.Event) -> None:
    """Take up new models as they come, or when told to; end with the process that started this one."""
    parent = os.getppid()
    while True:
        asked = False
        with suppress(TimeoutError):
            async with asyncio.timeout(parts.settings.reload_seconds):
                await reload.wait()
                reload.clear()
                asked = True
        if parts.settings.workers > 1 and os.getppid() != parent:
            logger.error("the supervising process is gone; ending")
            signal.raise_signal(signal.SIGTERM)
            return
        try:
            if asked or parts.models.has_changed():
                await anyio.to_thread.run_sync(parts.models.reload)
        except Exception:  # a fault here must not end the watching
            logger.exception("looking for a new model failed")
