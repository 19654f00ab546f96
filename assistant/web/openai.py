"""OpenAI's chat completions in front of the same answers, so that existing chat clients connect.

The client holds the conversation: nothing is kept here. Clients show Markdown, so nothing of a source may act as it.
"""

import itertools
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from assistant.chain import Assistant
from assistant.conversation import MARKER, MAX_QUESTION, BadQuestion, Question, Turn
from assistant.dialogue import Begun, Reply, Said, aside
from assistant.exchanges import Json, trim
from assistant.web import examples, problems
from assistant.web.conversations import caller
from assistant.web.metrics import Metrics
from assistant.web.problems import Problem, Refused
from assistant.web.replies import as_json
from assistant.web.stream import Answering, Event, EventStream, Failed, frame

NAME = "union-state"
_SOURCES = {"en": "Sources", "ru": "Источники", "be": "Крыніцы"}
_OUR_SOURCES = re.compile(rf"\n\n(?:{'|'.join(_SOURCES.values())})\n\n?\[1\] .*\Z", re.DOTALL)
_ACTS = re.compile(r"(?<=\])(?=\()|<(?=[A-Za-z/!?])")  # begins the address of a link or picture, or a tag
_ADDRESS = re.compile(r"https?://[^\s<>\\()\[\]]+")
_CHARACTERS = 4  # of a token, about: no tokenizer belongs to this engine, so usage is an estimate


class Part(BaseModel):
    """A piece of a message. What is not named here is ignored, as everywhere in this request."""

    model_config = ConfigDict(extra="ignore", strict=True)

    type: str = "text"
    text: str | None = None


class Message(BaseModel):
    """One message of the conversation so far."""

    model_config = ConfigDict(extra="ignore", strict=True)

    role: str
    content: str | list[Part] | None = None

    def said(self) -> str:
        """Its text."""
        if isinstance(self.content, list):
            return "\n".join(p.text for p in self.content if p.text)
        return self.content or ""


class StreamOptions(BaseModel):
    """What comes with the end of a stream."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool | None = None


class Completion(BaseModel):
    """The body of a request. Clients send many parameters of language models: what has no meaning here is ignored."""

    model_config = ConfigDict(
        extra="ignore", strict=True, json_schema_extra={"examples": [examples.COMPLETION_REQUEST]}
    )

    model: str
    messages: list[Message] = Field(min_length=1, max_length=2000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None


def install(app: FastAPI, assistant: Assistant, answering: Answering, metrics: Metrics) -> None:
    """Add the routes to `app`."""

    @app.post("/v1/chat/completions", responses=examples.COMPLETION)
    async def completions(body: Completion, request: Request) -> Response:
        _check_model(body.model)
        question = _question(body.messages)
        running = answering.begin(
            caller(request), lambda mine: aside(answering.in_turn(assistant.stream, mine)(question, mine.cancel))
        )
        first = await running.first(request.receive)
        if isinstance(first, Begun):
            request.scope["trace"] = first.trace
        if body.stream:
            usage = bool(body.stream_options and body.stream_options.include_usage)
            encode = chunks(question, usage, problems.identity(request))
            return EventStream(running, first, encode, metrics.streams.track_inprogress())
        try:
            return as_json(_completion(question, (await running.reply()).answer))
        finally:
            running.leave()

    @app.get("/v1/models", responses=examples.MODELS)
    def models() -> Response:
        model = {"id": NAME, "object": "model", "created": 0, "owned_by": "union-state-assistant"}
        return as_json({"object": "list", "data": [model]})


def _check_model(name: str) -> None:
    if name != NAME:
        raise Refused(Problem(404, "There is no such model", f"The only one is {NAME!r}"))


def _question(messages: Sequence[Message]) -> Question:
    """The last message of the user, after what was said before. Raises BadQuestion."""
    last = max((n for n, m in enumerate(messages) if m.role == "user"), default=None)
    if last is None:
        raise BadQuestion("messages holds none whose role is 'user'; the last of these is the question")
    content = messages[last].content
    if isinstance(content, list) and any(p.type != "text" for p in content):
        raise BadQuestion("only text can be asked; leave out images, sound and files")
    return Question(messages[last].said(), _history(messages[:last]))


def _history(messages: Iterable[Message]) -> tuple[Turn, ...]:
    """Questions, cut where they are longer than one may be, with their answers, without the sources listed below these;
    as many as a model is reminded of."""
    pairs: list[tuple[str, str]] = []
    for message in messages:
        text = message.said().replace("\0", "")
        if message.role == "user":
            pairs.append((text[:MAX_QUESTION], ""))
        elif message.role == "assistant" and pairs:
            asked, said = pairs[-1]
            pairs[-1] = asked, f"{said}\n{_OUR_SOURCES.sub('', text)}".strip()
    return tuple(t for t in trim([p for p in pairs if p[0].strip()]) if t.text.strip())


def chunks(question: Question, usage: bool, request_id: str) -> Callable[[Event | None], Iterable[bytes]]:
    """The events of a streamed completion: its role, a piece of text each, what they rest on, the end."""
    base: Json = {"id": f"chatcmpl-{request_id}", "object": "chat.completion.chunk", "created": int(time.time())}
    numbers = itertools.count()

    def chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return frame(None, base | {"model": NAME, "choices": [choice], **more})

    def encode(event: Event | None) -> Iterator[bytes]:
        match event:
            case Begun():
                yield chunk({"role": "assistant", "content": ""}, system_fingerprint=event.index)
            case Said():
                yield chunk({"content": (" " if next(numbers) else "") + _tame(event.text)})
            case Reply():
                said, below = _text(event.answer), _below(event.answer)
                yield chunk({"content": (below if next(numbers) else said + below)})
                content = said + below
                yield chunk({"annotations": annotations(content, said, event.answer)})
                yield chunk({}, "stop", citations=event.answer["citations"])
                if usage:
                    yield frame(None, base | {"model": NAME, "choices": [], "usage": _usage(question, content)})
                yield b"data: [DONE]\n\n"
            case Failed():
                problems.note(event.error, request_id)
                yield frame(None, problems.of(event.error).openai(request_id))
            case None:
                yield b": still working\n\n"

    return encode


def _completion(question: Question, answer: Json) -> Json:
    said, below = _text(answer), _below(answer)
    content = said + below
    message: Json = {"role": "assistant", "content": content, "refusal": None}
    message["annotations"] = annotations(content, said, answer)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": f"chatcmpl-{answer['trace']}", "object": "chat.completion", "created": int(time.time()), "model": NAME,
        "system_fingerprint": answer["index"], "choices": [choice], "usage": _usage(question, content),
        "citations": answer["citations"],
    }  # fmt: skip


def _text(answer: Json) -> str:
    return _tame(answer["text"])


def _below(answer: Json) -> str:
    """What stands under the text: the notice, where there is one, and the list of sources."""
    below = f"\n\n{_tame(answer['notice'])}" if answer["notice"] else ""
    if not answer["citations"]:
        return below
    sources = "\n".join(f"[{c['number']}] {_source(c)}" for c in answer["citations"])
    return f"{below}\n\n{_SOURCES[answer['language']]}\n\n{sources}"


def _source(citation: Json) -> str:
    who = [citation["title"], citation["publisher"], citation["published"] or "undated"]
    told = _tame(". ".join(" ".join(str(w).split()) for w in who if w))
    return f"{told}. {citation['url']}" if _address(citation) else told


def _address(citation: Json) -> bool:
    return bool(citation["url"] and _ADDRESS.fullmatch(citation["url"]))


def annotations(content: str, said: str, answer: Json) -> list[Json]:
    """One for each marker of the text whose source has an address, at the marker's place in `content`, in code
    points."""
    assert content.startswith(said)
    found = {c["number"]: c for c in answer["citations"] if _address(c)}
    return [
        {"type": "url_citation", "url_citation": {
            "title": found[number]["title"], "url": found[number]["url"],
            "start_index": marker.start(), "end_index": marker.end(),
        }}
        for marker in MARKER.finditer(said) if (number := int(marker[1])) in found
    ]  # fmt: skip


def _tame(text: str) -> str:
    r"""`text` whose links, pictures and tags are only shown.

    >>> print(_tame("![x](http://example.org) <b>is</b> [1]"))
    ![x]\(http://example.org) \<b>is\</b> [1]
    """
    return _ACTS.sub(lambda found: "\\" + found[0], text)


def _usage(question: Question, content: str) -> Json:
    """About how many tokens were read and written."""
    asked = math.ceil((len(question.text) + sum(len(t.text) for t in question.history)) / _CHARACTERS)
    told = math.ceil(len(content) / _CHARACTERS)
    return {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told}
