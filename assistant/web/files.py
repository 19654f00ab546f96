"""The page and its files: asked for again at every visit but sent once, and compressed.

Not for: what the API says. It is never compressed: the length of a compressed answer would tell of its words, and
events would wait for each other.
"""

import os
import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/static/"
_UNREAD = (b"range", b"if-range")
_REFUSED = re.compile(rb"gzip\s*;\s*q\s*=\s*0(?:\.0*)?\s*(?:,|$)", re.IGNORECASE)


class Files(StaticFiles):
    """Files that a browser may keep, if it asks each time whether they are still the same."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, or that it has not changed. Its tag is a weak one: compressed, its bytes are others."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["ETag"] = f"W/{response.headers['etag']}"
        return response


class Zipped:
    """Pure ASGI: compresses the page and its files for who takes it. They are sent whole: all of them are small."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._zipping = app, GZipMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not (scope["path"] == "/" or scope["path"].startswith(PREFIX)):
            await self._app(scope, receive, send)
            return
        headers = [(n, v) for n, v in scope["headers"] if n not in _UNREAD]
        refused = any(n == b"accept-encoding" and _REFUSED.search(v) for n, v in headers)
        await (self._app if refused else self._zipping)({**scope, "headers": headers}, receive, send)
