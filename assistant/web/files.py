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
    """Pure ASGI: compresses the page and its files for who takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._zipping = app, GZipMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        public = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].startswith(PREFIX))
        wanted = public and not any(n == b"accept-encoding" and _REFUSED.search(v) for n, v in scope["headers"])
        await (self._zipping if wanted else self._app)(scope, receive, send)
