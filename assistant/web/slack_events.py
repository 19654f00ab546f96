"""The route that Slack sends its events to. Slack's signature is its key; who serves it proves that (see guard.py)."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request, Response

from assistant.web.limits import SLACK

# Status, headers and body of the response to a body with its headers, whose names are in small letters.
Events = Callable[[bytes, Mapping[str, str]], tuple[int, dict[str, str], bytes]]
_AT_ONCE = 32


def install(app: FastAPI, events: Events) -> None:
    """Add the route. It has threads of its own, so that no answer delays an acknowledgement."""
    pool = ThreadPoolExecutor(_AT_ONCE, "slack-events")

    @app.post(SLACK, include_in_schema=False)
    async def slack(request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        status, named, content = await asyncio.get_running_loop().run_in_executor(pool, events, body, headers)
        return Response(content, status, named)
