"""Errors as `application/problem+json` (RFC 9457): never a stack trace, never the input back."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assistant.conversation import BadQuestion
from index.errors import IndexingError

log = logging.getLogger(__name__)


def problem(status: int, title: str, request_id: str, detail: str | None = None) -> JSONResponse:
    """A problem response; `title` says what, `detail` what to do."""
    body = {"type": "about:blank", "title": title, "status": status, "request_id": request_id}
    return JSONResponse(
        body | ({"detail": detail} if detail else {}),
        status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def install(app: FastAPI) -> None:
    """Answer every kind of error of `app` with a problem."""

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        fields = "; ".join(
            f"{'.'.join(str(p) for p in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()[:5]
        )
        return problem(422, "The request is not as the API expects", identity(request), fields)

    @app.exception_handler(BadQuestion)
    def bad_question(request: Request, error: BadQuestion) -> JSONResponse:
        return problem(422, "The question cannot be asked", identity(request), str(error))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), identity(request))

    @app.exception_handler(IndexingError)
    def unavailable(request: Request, error: IndexingError) -> JSONResponse:
        log.error("request %s: %s", identity(request), error)
        return problem(503, "The index cannot be used just now", identity(request), "Run: python -m assistant doctor")


def identity(request: Request) -> str:
    """The id of this request, as its answer names it."""
    return str(request.scope.get("request_id", ""))
