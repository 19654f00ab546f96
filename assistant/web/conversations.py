"""The routes of conversations: ask within one, list, read, rename, delete, export, judge. The caller's own only.

What is unknown and what is somebody else's get the same 404.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assistant import exchanges
from assistant.chain import Assistant
from assistant.conversation import MAX_QUESTION, Language, Question
from assistant.dialogue import Begun, Dialogue, Reply, Said, Stream
from assistant.exchanges import Conversation, Exchange
from assistant.export import answer_markdown, conversation_markdown
from assistant.history import PAGE
from assistant.web import examples, problems
from assistant.web.fields import Day
from assistant.web.metrics import Metrics
from assistant.web.replies import as_json, as_markdown
from assistant.web.stream import Answering, EventStream, Running, server_sent

MOST = 100  # of a page
# What `str.strip` leaves something of, and no NUL; told in the document only, as the words for it are elsewhere.
_TEXT = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"


def _words(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("must be text")
    return " ".join(value.split())


Limit = Annotated[int, Query(ge=1, le=MOST)]
Format = Literal["json", "markdown"]
# As the IETF draft "The Idempotency-Key HTTP Header Field" has it, with or without its quotation marks.
IDEMPOTENCY = r'^"?[A-Za-z0-9._:-]{1,64}"?$'
IdempotencyKey = Annotated[str | None, Header(pattern=IDEMPOTENCY)]


class Ask(BaseModel):
    """The body of a question."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [examples.ASK_REQUEST]}
    )  # fmt: skip

    question: str = Field(min_length=1, max_length=MAX_QUESTION, json_schema_extra={"pattern": _TEXT})
    conversation_id: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,64}$")
    as_of: Day = None
    language: Language | None = None


class Rename(BaseModel):
    """The body of a new title."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [examples.RENAME_REQUEST]}
    )  # fmt: skip

    title: Annotated[
        str, Field(min_length=1, max_length=200, json_schema_extra={"pattern": _TEXT}), AfterValidator(_words)
    ]


class Feedback(BaseModel):
    """The body of a reader's verdict on an answer."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [examples.FEEDBACK_REQUEST]}
    )  # fmt: skip

    trace: str = Field(pattern=r"^[0-9a-f]{24}$")
    verdict: exchanges.Verdict
    comment: str | None = Field(None, max_length=2000, pattern=r"^[^\x00]*$")


def install(app: FastAPI, assistant: Assistant, dialogue: Dialogue, answering: Answering, metrics: Metrics) -> None:
    """Add the routes to `app`."""
    _install_asking(app, assistant, dialogue, answering, metrics)
    _install_answers(app, dialogue)
    _install_keeping(app, dialogue)


def caller(request: Request) -> str:
    """Whose request it is, as the guard found out."""
    return str(request.scope["caller"])


def _install_asking(
    app: FastAPI, assistant: Assistant, dialogue: Dialogue, answering: Answering, metrics: Metrics
) -> None:
    def begin(body: Ask, request: Request, key: str | None, stream: Callable[[Running], Stream]) -> Running:
        question = Question(body.question, (), body.as_of, body.language)
        owner, name = caller(request), key.strip('"') if key else problems.identity(request)

        def events(mine: Running) -> Iterator[Begun | Said | Reply]:
            return dialogue.events(owner, body.conversation_id, question, name, mine.cancel, stream(mine))

        return answering.begin(owner, events)

    @app.post("/api/ask", responses=examples.ASK)
    async def ask(body: Ask, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        # Goes on when the client goes away: who asks again with the same key gets this answer.
        stream = partial(answering.whole_in_turn, dialogue.at_once)
        reply = await begin(body, request, idempotency_key, stream).reply()
        request.scope["trace"] = reply.answer["trace"]
        trouble = {"Conversation_Stored": "false"} if reply.trouble else {}
        return as_json(reply.answer | {"conversation_id": reply.conversation}, **trouble)

    @app.post("/api/chat", response_class=Response, responses=examples.CHAT)
    async def chat(body: Ask, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        running = begin(body, request, idempotency_key, partial(answering.in_turn, assistant.stream))
        first = await running.first(request.receive)
        if isinstance(first, Begun):
            request.scope["trace"] = first.trace
        encode = server_sent(problems.identity(request))
        return EventStream(running, first, encode, metrics.streams.track_inprogress())


def _install_answers(app: FastAPI, dialogue: Dialogue) -> None:
    @app.get("/api/answers/{trace}", responses=examples.ANSWER)
    def answer(trace: str, request: Request, format: Format = "json") -> Response:
        found = dialogue.history.answer(caller(request), trace)
        if format == "markdown":
            return as_markdown(answer_markdown(found), f"answer-{found['trace']}.md")
        return as_json(found)

    @app.post("/api/feedback", status_code=204, responses=examples.NOTHING)
    def feedback(body: Feedback, request: Request) -> Response:
        dialogue.history.judge(caller(request), body.trace, body.verdict, body.comment)
        return Response(status_code=204)


def _install_keeping(app: FastAPI, dialogue: Dialogue) -> None:
    history = dialogue.history

    @app.get("/api/conversations", responses=examples.CONVERSATIONS)
    def conversations(
        request: Request,
        limit: Limit = PAGE,
        before: Annotated[str | None, Query(pattern=r"^\d{1,17}\.[0-9a-f-]{36}$")] = None,
    ) -> JSONResponse:
        page = history.list(caller(request), limit, before)
        return as_json({"conversations": [_summary(c) for c in page.found], "next": page.next})

    @app.get("/api/conversations/{conversation_id}", responses=examples.CONVERSATION)
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

    @app.patch("/api/conversations/{conversation_id}", responses=examples.RENAMED)
    def rename(conversation_id: str, body: Rename, request: Request) -> JSONResponse:
        history.rename(conversation_id, caller(request), body.title)
        return as_json(_summary(history.get(conversation_id, caller(request), 1).conversation))

    @app.delete("/api/conversations/{conversation_id}", status_code=204, responses=examples.NOTHING)
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
