"""The routes: translate in, ask the Assistant, translate out."""

import contextlib
import datetime
import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from assistant.chain import Assistant
from assistant.conversation import MAX_QUESTION, Language, Question
from assistant.render import to_json
from assistant.web import problems
from assistant.web.guard import Guard, read_keys
from index.documents import About
from index.errors import IndexingError

_STATIC = Path(__file__).parent / "static"
_STOP_SECONDS = 8


def _day(value: object) -> object:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(value, str):
            return datetime.date.fromisoformat(value)
    raise ValueError("must be a date such as 2021-12-31")


class Ask(BaseModel):
    """The body of a question."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"question": "How do Minsk and Moscow define the Union State?", "as_of": "2023-12-31"}]
        },
    )

    question: str = Field(min_length=1, max_length=MAX_QUESTION)
    conversation_id: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,64}$")
    as_of: Annotated[datetime.date | None, BeforeValidator(_day)] = None
    language: Language | None = None


def create_web(assistant: Assistant, keys: dict[str, str] | None = None) -> ASGIApp:
    """The web application around an assistant. With `keys`, every route but the page and health checks needs one."""
    app = FastAPI(title="Union State assistant", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    problems.install(app)

    @app.post("/api/ask")
    def ask(body: Ask) -> JSONResponse:
        answer = assistant.answer(Question(body.question, (), body.as_of, body.language))
        return _json(to_json(answer) | {"conversation_id": body.conversation_id or str(uuid.uuid4())})

    @app.get("/api/sources")
    def sources() -> JSONResponse:
        return _json({"sources": [_about(i, a) for i, a in sorted(assistant.sources().items())]})

    @app.get("/api/sources/{document_id}")
    def source(document_id: str) -> JSONResponse:
        document = assistant.document(document_id)
        if document is None:
            raise HTTPException(404, "There is no such source")
        return _json(
            _about(document.id, document.about)
            | {"text": document.text, "blocks": [asdict(b) for b in document.blocks]}
        )

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return _json({"status": "alive"})

    @app.get("/readyz")
    def readyz(request: Request) -> JSONResponse:
        try:
            return _json({"status": "ready", "index": assistant.ready()})
        except IndexingError:
            return problems.problem(
                503,
                "Not ready: the index cannot be used",
                problems.identity(request),
                "Run: python -m assistant doctor",
            )

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return Guard(app, keys or {})


def run(assistant: Assistant, host: str, port: int, keys_file: Path | None) -> None:
    """Serve until a signal stops it; open requests get a few seconds to end."""
    uvicorn.run(
        create_web(assistant, read_keys(keys_file)),
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )


class _Utf8(JSONResponse):
    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _json(content: dict[str, Any]) -> JSONResponse:
    return _Utf8(content, headers={"Cache-Control": "no-store"})


def _about(identity: str, about: About) -> dict[str, Any]:
    """Metadata of a source. `form` says whether its text is our summary or the original."""
    return {"document_id": identity, **{k: v for k, v in asdict(about).items() if k != "text"}, "form": about.text}
