"""The routes of conversations: ask within one, list, read, rename, delete, export, judge. The caller's own only.

What is unknown and what is somebody else's get the same 404.
"""

import contextlib
import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from assistant import exchanges
from assistant.conversation import MAX_QUESTION, Language, Question
from assistant.dialogue import Dialogue
from assistant.exchanges import Conversation, Exchange, NotFound
from assistant.export import answer_markdown, conversation_markdown
from assistant.history import PAGE, DatabaseFailed
from assistant.web import problems
from assistant.web.replies import as_json, as_markdown

MOST = 100  # of a page
_RETRY_SECONDS = "5"


def _day(value: object) -> object:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(value, str):
            return datetime.date.fromisoformat(value)
    raise ValueError("must be a date such as 2021-12-31")


def _words(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("must be text")
    return " ".join(value.split())


Limit = Annotated[int, Query(ge=1, le=MOST)]
Format = Literal["json", "markdown"]
# As the IETF draft "The Idempotency-Key HTTP Header Field" has it, with or without its quotation marks.
IdempotencyKey = Annotated[str | None, Header(pattern=r'^"?[A-Za-z0-9._:-]{1,64}"?$')]


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


class Rename(BaseModel):
    """The body of a new title."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_words)]


class Feedback(BaseModel):
    """The body of a reader's verdict on an answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    trace: str = Field(pattern=r"^[0-9a-f]{24}$")
    verdict: exchanges.Verdict
    comment: str | None = Field(None, max_length=2000, pattern=r"^[^\x00]*$")


def install(app: FastAPI, dialogue: Dialogue) -> None:
    """Add the routes to `app`, and the problems they answer with."""
    _install_problems(app)
    _install_asking(app, dialogue)
    _install_keeping(app, dialogue)


def caller(request: Request) -> str:
    """Whose request it is, as the guard found out."""
    return str(request.scope["caller"])


def request_name(request: Request, key: str | None) -> str:
    """What tells a repeated request from a new one: the client's key, or this request's own id."""
    return key.strip('"') if key else problems.identity(request)


def _install_problems(app: FastAPI) -> None:
    @app.exception_handler(NotFound)
    def unknown(request: Request, error: NotFound) -> JSONResponse:
        return problems.problem(404, f"There is no such {error}", problems.identity(request))

    @app.exception_handler(DatabaseFailed)
    def failed(request: Request, error: DatabaseFailed) -> JSONResponse:
        problems.log.error("request %s: %s", problems.identity(request), error)
        response = problems.problem(
            503, "Conversations cannot be reached just now", problems.identity(request), "Try again in a moment"
        )
        response.headers["Retry-After"] = _RETRY_SECONDS
        return response


def _install_asking(app: FastAPI, dialogue: Dialogue) -> None:
    @app.post("/api/ask")
    def ask(body: Ask, request: Request, idempotency_key: IdempotencyKey = None) -> JSONResponse:
        question = Question(body.question, (), body.as_of, body.language)
        name = request_name(request, idempotency_key)
        reply = dialogue.ask(caller(request), body.conversation_id, question, name)
        trouble = {"Conversation_Stored": "false"} if reply.trouble else {}
        return as_json(reply.answer | {"conversation_id": reply.conversation}, **trouble)

    @app.get("/api/answers/{trace}")
    def answer(trace: str, request: Request, format: Format = "json") -> Response:
        found = dialogue.history.answer(caller(request), trace)
        if format == "markdown":
            return as_markdown(answer_markdown(found), f"answer-{found['trace']}.md")
        return as_json(found)

    @app.post("/api/feedback", status_code=204)
    def feedback(body: Feedback, request: Request) -> Response:
        dialogue.history.judge(caller(request), body.trace, body.verdict, body.comment)
        return Response(status_code=204)


def _install_keeping(app: FastAPI, dialogue: Dialogue) -> None:
    history = dialogue.history

    @app.get("/api/conversations")
    def conversations(
        request: Request,
        limit: Limit = PAGE,
        before: Annotated[str | None, Query(pattern=r"^\d{1,17}\.[0-9a-f-]{36}$")] = None,
    ) -> JSONResponse:
        page = history.list(caller(request), limit, before)
        return as_json({"conversations": [_summary(c) for c in page.found], "next": page.next})

    @app.get("/api/conversations/{conversation_id}")
    def conversation(
        conversation_id: str,
        request: Request,
        limit: Limit = PAGE,
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        format: Format = "json",
    ) -> Response:
        if format == "markdown":
            found = history.get(conversation_id, caller(request), 1).conversation
            text = conversation_markdown(found, history.exchanges(conversation_id, caller(request)))
            return as_markdown(text, f"conversation-{found.id}.md")
        page = history.get(conversation_id, caller(request), limit, before)
        messages = [message for e in page.exchanges for message in _messages(e)]
        return as_json(_summary(page.conversation) | {"messages": messages, "next": page.next})

    @app.patch("/api/conversations/{conversation_id}")
    def rename(conversation_id: str, body: Rename, request: Request) -> JSONResponse:
        history.rename(conversation_id, caller(request), body.title)
        return as_json(_summary(history.get(conversation_id, caller(request), 1).conversation))

    @app.delete("/api/conversations/{conversation_id}", status_code=204)
    def delete(conversation_id: str, request: Request) -> Response:
        dialogue.delete(caller(request), conversation_id)
        return Response(status_code=204)


def _summary(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "length": conversation.length,
        "created": conversation.created.isoformat(),
        "changed": conversation.changed.isoformat(),
    }


def _messages(exchange: Exchange) -> list[dict[str, Any]]:
    """The question and the answer, which share a number."""
    asked = {"number": exchange.number, "at": exchange.asked.isoformat()}
    feedback = {"verdict": exchange.verdict, "comment": exchange.comment} if exchange.verdict else None
    text = str(exchange.answer["text"])
    return [
        asked | {"role": "user", "text": exchange.question},
        asked | {"role": "assistant", "text": text, "answer": exchange.answer, "feedback": feedback},
    ]
