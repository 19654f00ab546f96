"""The routes: translate in, ask the Assistant, translate out."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import DatabaseFailed
from assistant.web import conversations, document, examples, mcp, openai, problems, server, slack_events
from assistant.web.files import PREFIX, Files, Zipped
from assistant.web.guard import PUBLIC, Guard, read_keys
from assistant.web.limits import Limits, names_of
from assistant.web.metrics import TYPE, Metrics
from assistant.web.problems import Problem, Refused
from assistant.web.rates import Rates
from assistant.web.replies import about_json, as_json, source_json
from assistant.web.slack_events import Events
from assistant.web.stream import Answering
from index.errors import IndexingError

_STATIC = Path(__file__).parent / "static"
_RETRY_SECONDS = 5


def create_web(
    assistant: Assistant,
    dialogue: Dialogue,
    keys: dict[str, str] | None = None,
    limits: Limits | None = None,
    host: str | None = None,
    answering: Answering | None = None,
    slack: Events | None = None,
    redis: str | None = None,
) -> ASGIApp:
    """The web application around an assistant and its conversations. With `keys`, every route but the page and health
    checks needs one. `host` is the address it listens on, None where that does not matter; `answering` is for who
    wants to stop the answers; `slack` serves Slack's events; in `redis`, a URL, replicas count requests together."""
    limits = limits or Limits()
    answering = answering or Answering(limits)
    metrics = Metrics(assistant.ready, answering.count, answering.waiting)
    tools = mcp.make_http(assistant, answering)
    app = FastAPI(title="Union State assistant", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
                  redirect_slashes=False, lifespan=tools.running)  # fmt: skip
    answering.tell(metrics.answered)
    problems.install(app)
    conversations.install(app, assistant, dialogue, answering, metrics)
    openai.install(app, assistant, answering, metrics)
    mcp.install(app, tools)
    _install_sources(app, assistant)
    _install_health(app, assistant, dialogue, metrics)
    _install_page(app)
    if slack is not None:
        slack_events.install(app, slack)
    document.describe(app, PUBLIC, bool(keys))
    return Guard(Zipped(app), keys or {}, limits, metrics, names_of(host) if host else None,
                 Rates(limits, redis))  # fmt: skip


def run(
    assistant: Assistant,
    dialogue: Dialogue,
    host: str,
    port: int,
    keys_file: Path | None,
    around: Callable[[ASGIApp], ASGIApp] = lambda web: web,
    slack: Events | None = None,
    redis: str | None = None,
) -> None:
    """Serve until a signal stops it; open requests get a few seconds to end. `around` gives what watches the web,
    `slack` and `redis` are as in `create_web`."""
    answering = Answering(Limits())
    web = create_web(assistant, dialogue, read_keys(keys_file), host=host, answering=answering, slack=slack,
                     redis=redis)  # fmt: skip
    server.run(around(web), host, port, answering.stop)


def _install_sources(app: FastAPI, assistant: Assistant) -> None:
    @app.get("/api/sources", responses=examples.SOURCES)
    def sources() -> JSONResponse:
        return as_json({"sources": [about_json(i, a) for i, a in sorted(assistant.sources().items())]})

    @app.get("/api/sources/{document_id}", responses=examples.SOURCE)
    def source(document_id: str) -> JSONResponse:
        document = assistant.document(document_id)
        if document is None:
            raise HTTPException(404, "There is no such source")
        return as_json(source_json(document))


def _install_health(app: FastAPI, assistant: Assistant, dialogue: Dialogue, metrics: Metrics) -> None:
    @app.get("/healthz", responses=examples.ALIVE)
    async def healthz() -> JSONResponse:
        return as_json({"status": "alive"})

    @app.get("/readyz", responses=examples.READY)
    def readyz() -> JSONResponse:
        try:
            dialogue.history.ready()
            return as_json({"status": "ready", "index": assistant.ready()})
        except IndexingError as error:
            what = "database" if isinstance(error, DatabaseFailed) else "index"
            title = f"Not ready: the {what} cannot be used"
            raise Refused(Problem(503, title, "Run: python -m assistant doctor", _RETRY_SECONDS)) from error

    @app.get("/metrics", response_class=Response, responses=examples.METRICS)
    def counters() -> Response:
        return Response(metrics.text(), media_type=TYPE, headers={"Cache-Control": "no-store"})


def _install_page(app: FastAPI) -> None:
    files = Files(directory=_STATIC)

    @app.get("/", response_class=HTMLResponse, responses=examples.PAGE)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.mount(PREFIX.rstrip("/"), files, name="static")
