"""The Model Context Protocol: tools offered to other programs, over the standard streams or over HTTP.

The only file that talks to the `mcp` package. Not for: what the tools do (web/tools.py).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Listed
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

Json = dict[str, Any]
_PACKAGE = "union-state-assistant"


@dataclass(frozen=True, slots=True)
class Tool:
    """What a client is told of a tool; `takes` and `gives` are JSON Schemas of objects."""

    name: str
    title: str
    description: str
    takes: Json
    gives: Json


@dataclass(frozen=True, slots=True)
class Given:
    """What a call gives: an object, None where the call failed, and text for a reader of either."""

    content: Json | None
    text: str


# A tool's name, its arguments, and the request that brought them, None where there is no HTTP. Raises nothing: what
# fails is told in what is given.
Call = Callable[[str, Json, Request | None], Awaitable[Given]]


def make_server(title: str, instructions: str, tools: Sequence[Tool], call: Call) -> Server[Any]:
    """A server of these tools, which only read."""
    reading = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    listed = ListToolsResult(tools=[
        Listed(name=t.name, title=t.title, description=t.description, input_schema=t.takes, output_schema=t.gives,
               annotations=reading)
        for t in tools
    ])  # fmt: skip
    schemas = {t.name: t.takes for t in tools}

    async def list_tools(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(context: ServerRequestContext[Any], asked: CallToolRequestParams) -> CallToolResult:
        if asked.name not in schemas:
            raise MCPError(INVALID_PARAMS, f"There is no such tool; there are {', '.join(schemas)}")
        given = await call(asked.name, asked.arguments or {}, context.request)
        text = TextContent(type="text", text=given.text)
        return CallToolResult(content=[text], structured_content=given.content, is_error=given.content is None)

    return Server(_PACKAGE, version=version(_PACKAGE), title=title, instructions=instructions,
                  get_tool_input_schema=schemas.get, on_list_tools=list_tools, on_call_tool=call_tool)  # fmt: skip


async def serve_streams(server: Server[Any]) -> None:
    """Serve whoever holds the other ends of the standard streams, until they close the input. Meanwhile whatever else
    is written to standard output goes to standard error."""
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


class Http:
    """A server behind an HTTP route. It keeps nothing between requests, so that every replica can serve each of them;
    a request has one response, JSON."""

    def __init__(self, server: Server[Any]) -> None:
        self._server = server
        self._manager: StreamableHTTPSessionManager | None = None  # None unless it runs

    @asynccontextmanager
    async def running(self, _: object = None) -> AsyncIterator[None]:
        """Serve within this context, which may be the lifespan of a web application. It can be entered again."""
        manager = StreamableHTTPSessionManager(self._server, json_response=True, stateless=True)
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    def is_running(self) -> bool:
        """Whether requests are served now."""
        return self._manager is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. Its body has to be one message of JSON-RPC."""
        assert self._manager is not None, "it does not run"
        await self._manager.handle_request(scope, receive, send)
