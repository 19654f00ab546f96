"""The tools over the Model Context Protocol: a route of the web application, and the standard streams."""

import asyncio
import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from starlette.types import Receive, Scope, Send

from assistant.chain import Assistant
from assistant.mcp import Http, make_server, serve_streams
from assistant.web import examples
from assistant.web.guard import replay
from assistant.web.limits import Limits
from assistant.web.problems import MCP, Problem, Refused
from assistant.web.stream import Answering
from assistant.web.tools import INSTRUCTIONS, TITLE, TOOLS, Tools
from index.errors import IndexingError

log = logging.getLogger(__name__)


class Message(BaseModel):
    """One message of JSON-RPC: a request, or without an id a notification. The protocol knows more of it."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [examples.MCP_REQUEST]})

    jsonrpc: str = Field(pattern=r"^2\.0$")
    method: StrictStr
    id: StrictInt | StrictStr = ""
    params: dict[str, Any] | None = None


class _Handed(Response):
    """The response that `http` gives to a request with `body`."""

    def __init__(self, http: Http, body: bytes) -> None:
        super().__init__()
        self._http, self._asked = http, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._http(scope, replay(self._asked, receive), send)


def make_http(assistant: Assistant, answering: Answering) -> Http:
    """The tools, to be served by `install`; the application has to enter `running`."""
    return Http(make_server(TITLE, INSTRUCTIONS, TOOLS, Tools(assistant, answering).call))


def install(app: FastAPI, http: Http) -> None:
    """Add the route to `app`."""

    @app.post(MCP, response_class=Response, responses=examples.MCP)
    async def mcp(message: Message, request: Request) -> Response:
        if not http.is_running():
            raise Refused(Problem(503, "The tools are not served just now", "Try again in a moment", 5))
        return _Handed(http, await request.body())


async def serve(assistant: Assistant) -> None:
    """Serve the tools over the standard streams, until the input ends; what is being answered then is stopped."""
    answering = Answering(Limits())
    opening = asyncio.create_task(_open(assistant, answering))
    try:
        await serve_streams(make_server(TITLE, INSTRUCTIONS, TOOLS, Tools(assistant, answering).call))
    finally:
        opening.cancel()
        answering.stop()


async def _open(assistant: Assistant, answering: Answering) -> None:
    """Have the index open before the first call, which would wait for seconds."""
    try:
        await answering.do(assistant.ready)
    except IndexingError as error:  # the tools are served all the same: each call says that there is no index
        log.error("%s", error)
