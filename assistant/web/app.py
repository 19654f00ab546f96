"""The routes: translate in, ask the Assistant, translate out."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import DatabaseFailed
from assistant.web import conversations, problems
from assistant.web.guard import Guard, read_keys
from assistant.web.replies import as_json
from index.documents import About
from index.errors import IndexingError

_STATIC = Path(__file__).parent / "static"
_STOP_SECONDS = 8


def create_web(assistant: Assistant, dialogue: Dialogue, keys: dict[str, str] | None = None) -> ASGIApp:
    """The web application around an assistant and its conversations. With `keys`, every route but the page and health
    checks needs one."""
    app = FastAPI(title="Union State assistant", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    problems.install(app)
    conversations.install(app, dialogue)

    @app.get("/api/sources")
    def sources() -> JSONResponse:
        return as_json({"sources": [_about(i, a) for i, a in sorted(assistant.sources().items())]})

    @app.get("/api/sources/{document_id}")
    def source(document_id: str) -> JSONResponse:
        document = assistant.document(document_id)
        if document is None:
            raise HTTPException(404, "There is no such source")
        return as_json(
            _about(document.id, document.about)
            | {"text": document.text, "blocks": [asdict(b) for b in document.blocks]}
        )

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return as_json({"status": "alive"})

    @app.get("/readyz")
    def readyz(request: Request) -> JSONResponse:
        try:
            dialogue.history.ready()
            return as_json({"status": "ready", "index": assistant.ready()})
        except IndexingError as error:
            what = "database" if isinstance(error, DatabaseFailed) else "index"
            return problems.problem(
                503,
                f"Not ready: the {what} cannot be used",
                problems.identity(request),
                "Run: python -m assistant doctor",
            )

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return Guard(app, keys or {})


def run(assistant: Assistant, dialogue: Dialogue, host: str, port: int, keys_file: Path | None) -> None:
    """Serve until a signal stops it; open requests get a few seconds to end."""
    uvicorn.run(
        create_web(assistant, dialogue, read_keys(keys_file)),
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )


def _about(identity: str, about: About) -> dict[str, Any]:
    """Metadata of a source. `form` says whether its text is our summary or the original."""
    return {"document_id": identity, **{k: v for k, v in asdict(about).items() if k != "text"}, "form": about.text}
