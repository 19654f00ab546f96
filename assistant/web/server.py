"""The HTTP server: patience with slow clients has an end, and so have open streams when a signal stops it."""

import asyncio
import json
import signal
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.web.problems import Problem

# Seconds: for the head of a request; for data that the client does not take; for answers that are being made when the
# server stops, and then for their last event.
_HEAD_SECONDS, _UNTAKEN_SECONDS, _GRACE_SECONDS, _STOP_SECONDS = 30.0, 30, 3.0, 8
_BACKLOG = 2048


def run(web: ASGIApp, host: str, port: int, stop: Callable[[], None]) -> None:
    """Serve `web` until a signal; `stop` is to end what still runs a while after. Exits with 3 when the address cannot
    be had."""
    server = make_server(web, host, port, stop)
    # The server raises the signal that stopped it once more when it is done: a wish that was fulfilled is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)


def make_server(
    web: ASGIApp, host: str, port: int, stop: Callable[[], None], head_seconds: float = _HEAD_SECONDS
) -> uvicorn.Server:
    """A server for `web` that is not started yet. A request's head has to come within `head_seconds`."""
    patience = cast(type[asyncio.Protocol], partial(_Patience, head_seconds=head_seconds))
    config = uvicorn.Config(
        web, host, port, http=patience, ws="none", lifespan="on", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=_STOP_SECONDS, backlog=_BACKLOG,
    )  # fmt: skip
    return _Server(config, stop)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As ever; what is not done in time is stopped, so that its client is told."""
        late = asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._stop)
        await super().shutdown(sockets)
        late.cancel()
        self._stop()


class _Patience(H11Protocol):
    """Closes connections that send their head too slowly or take no data; what is no HTTP gets a problem."""

    def __init__(self, *args: Any, head_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_seconds, self._late = head_seconds, cast(asyncio.TimerHandle | None, None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        accepted = transport.get_extra_info("socket")
        if accepted is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_SECONDS * 1000)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._wait()

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP, where no response has begun."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        body = json.dumps(Problem(400, "This is not a request of HTTP").json(uuid.uuid4().hex)).encode()
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self.transport.close()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(self._head_seconds, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
