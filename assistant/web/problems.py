"""Errors as `application/problem+json` (RFC 9457), below /v1 in OpenAI's form, at /mcp in that of JSON-RPC.

Never a stack trace, never the input back.
"""

import logging
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from assistant.chain import Cancelled
from assistant.conversation import BadQuestion
from assistant.exchanges import NotFound
from assistant.history import DatabaseFailed
from index.errors import IndexingError

log = logging.getLogger(__name__)
MCP = "/mcp"  # the one route there is of the Model Context Protocol
_RETRY_SECONDS, _MOST_FIELDS = 5, 5
_DOCTOR = "Run: python -m assistant doctor"
_INVALID, _INTERNAL = -32600, -32603  # of JSON-RPC
_OPENAI_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told of an error: `title` says what, `detail` what to do. `retry_after` is in seconds, None where trying
    again is of no use; `close` ends the connection, whose next bytes may belong to no request."""

    status: int
    title: str
    detail: str | None = None
    retry_after: int | None = None
    close: bool = False

    def json(self, request_id: str) -> dict[str, Any]:
        """As RFC 9457 has it."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "request_id": request_id}
        return body | ({"detail": self.detail} if self.detail else {})

    def openai(self, request_id: str) -> dict[str, Any]:
        """As clients of OpenAI's API expect it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        kind = "rate_limit_error" if self.status == 429 else kind
        message = f"{self.title}: {self.detail}" if self.detail else self.title
        code = _OPENAI_CODES.get(self.status)
        return {"error": {"message": message, "type": kind, "param": None, "code": code, "request_id": request_id}}

    def jsonrpc(self, request_id: str) -> dict[str, Any]:
        """As clients of the Model Context Protocol read it, whatever the request was."""
        code = _INTERNAL if self.status >= 500 else _INVALID
        message = f"{self.title}: {self.detail}" if self.detail else self.title
        error = {"code": code, "message": message, "data": self.json(request_id)}
        return {"jsonrpc": "2.0", "id": None, "error": error}


class Refused(Exception):
    """A request that is not served; `problem` tells why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


FAILED = Problem(500, "Something failed here")


def of(error: BaseException) -> Problem:
    """What to tell of `error`; nothing of an unknown one."""
    match error:
        case Refused():
            return error.problem
        case NotFound():
            return Problem(404, f"There is no such {error}")
        case BadQuestion():
            return Problem(422, "The question cannot be asked", str(error))
        case RequestValidationError():
            return Problem(422, "The request is not as the API expects", _fields(error))
        case HTTPException():
            return Problem(error.status_code, str(error.detail))
        case DatabaseFailed():
            again = "Try again in a moment"
            return Problem(503, "Conversations cannot be reached just now", again, _RETRY_SECONDS)
        case IndexingError():
            return Problem(503, "The index cannot be used just now", _DOCTOR)
        case Cancelled():
            return Problem(503, "The answer was stopped", "Ask again", _RETRY_SECONDS)
    return FAILED


def respond(scope: Scope, problem: Problem) -> JSONResponse:
    """The response that tells `problem`, in the form of the route that was asked for. Leaves `problem` in the scope."""
    scope["problem"] = problem
    request_id = str(scope.get("request_id", ""))
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.close:
        headers["Connection"] = "close"
    if scope["path"].startswith("/v1/"):
        status = 400 if problem.status == 422 else problem.status  # OpenAI knows no 422
        return JSONResponse(problem.openai(request_id), status, headers)
    if scope["path"] == MCP:
        return JSONResponse(problem.jsonrpc(request_id), problem.status, headers)
    return JSONResponse(problem.json(request_id), problem.status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every kind of error of `app` with a problem."""
    for kind in (RequestValidationError, HTTPException, BadQuestion, NotFound, IndexingError, Refused, Cancelled):
        app.add_exception_handler(kind, _tell)
    # The framework raises what nobody foresaw once more after this response: the guard logs it.
    app.add_exception_handler(Exception, lambda request, error: respond(request.scope, of(error)))


def _tell(request: Request, error: Exception) -> JSONResponse:
    note(error, identity(request))
    response = respond(request.scope, of(error))
    if response.status_code == 405:
        response.headers["Allow"] = ", ".join(_allowed(request) or ["GET", "HEAD"])
    return response


def _allowed(request: Request) -> list[str]:
    """Methods of all routes that have this path: the framework knows those of the first. None for a file."""
    routes = [r for r in request.app.routes if r.matches(request.scope)[0] != Match.NONE]
    return sorted({method for r in routes for method in getattr(r, "methods", ())})


def note(error: BaseException, request_id: str) -> None:
    """Log what the operator has to mend; what nobody foresaw with its traceback."""
    found = of(error)
    if found is FAILED:
        log.error("something failed", exc_info=error)
    elif isinstance(error, IndexingError):
        log.error("%s", error)


def identity(request: Request) -> str:
    """The id of this request, as its answer names it."""
    return str(request.scope.get("request_id", ""))


def _fields(error: RequestValidationError) -> str:
    """Which fields are wrong and why, without what stands in them. Names of fields that are not ours are input too."""
    told = []
    for found in error.errors()[:_MOST_FIELDS]:
        unknown = found["type"] == "extra_forbidden"
        place = found["loc"][1:-1] if unknown else found["loc"][1:]
        name = ".".join(str(p) for p in place) or "body"
        told.append(f"{name}: {'there is a field that is not known' if unknown else found['msg']}")
    return "; ".join(told)
