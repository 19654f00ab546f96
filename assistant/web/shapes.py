"""The shapes of what the API says, as the OpenAPI document promises them: nothing less, nothing more.

Not for: what a request may hold (conversations.py, openai.py), examples (examples.py).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.json_schema import models_json_schema

from assistant.conversation import Language, Reason, Stance
from assistant.exchanges import Verdict
from index.documents import Kind, Retriever

_PREFIX = "#/components/schemas/"
Number = Annotated[int, Field(ge=1)]
Offset = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
Request = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sentence(_Closed):
    """A verified sentence."""

    text: str
    citations: list[Number]
    holder: str | None
    stance: Stance


class About(_Closed):
    """What is known of a document."""

    title: str
    publisher: str
    author: str | None
    published: Annotated[str | None, Field(description="ISO date, or its year or month alone; null where undated")]
    url: str | None
    language: str
    kind: Kind
    holder: Annotated[str, Field(description="Whose view the claims are that name nobody")]


class Citation(About):
    """A quote, exactly `document.text[start:end]`."""

    number: Number
    document_id: str
    heading: str | None
    page: int | None
    quote: str
    start: Offset
    end: Offset


class Position(_Closed):
    """One side of a conflict."""

    holder: str
    text: str
    published: str | None
    citations: list[Number]


class Conflict(_Closed):
    """What sources disagree about."""

    about: str
    positions: list[Position]


class Passage(_Closed):
    """What search found."""

    document_id: str
    chunk_id: str
    start: Offset
    end: Offset
    score: float
    found_by: list[Retriever]
    text: str


class Answer(_Closed):
    """What the assistant says, and all that is needed to check it."""

    id: str
    question: str
    language: Language
    text: str
    refused: bool
    reason: Reason | None
    sentences: list[Sentence]
    citations: list[Citation]
    conflicts: list[Conflict]
    confidence: Share
    as_of: str | None
    newest_source: str | None
    passages: list[Passage]
    model: str
    index: str
    trace: Identity
    seconds: Annotated[float, Field(ge=0)]
    notice: str | None = None


class Reply(Answer):
    """An answer and the conversation that it stands in; `conversation_stored` tells where it could not be kept."""

    conversation_id: str | None
    conversation_stored: bool = True


class Start(_Closed):
    """The event that begins an answer."""

    trace: Identity
    conversation_id: str | None
    index: str
    model: str


class Said(_Closed):
    """The event of a verified sentence."""

    number: Number
    text: str
    citations: list[Citation]


class Conversation(_Closed):
    """What a list shows of a conversation."""

    id: str
    title: str
    length: Offset
    created: Moment
    changed: Moment


class Conversations(_Closed):
    """A page of conversations; `next` asks for the page after it."""

    conversations: list[Conversation]
    next: str | None


class Judgement(_Closed):
    """A reader's verdict."""

    verdict: Verdict
    comment: str | None


class Asked(_Closed):
    """A question in a conversation."""

    number: Number
    at: Moment
    role: Literal["user"]
    text: str


class Answered(_Closed):
    """Its answer."""

    number: Number
    at: Moment
    role: Literal["assistant"]
    text: str
    answer: Answer
    feedback: Judgement | None


class Messages(Conversation):
    """A page of a conversation; `next` asks for the page before it."""

    messages: list[Asked | Answered]
    next: int | None


class Source(About):
    """Metadata of a source; `form` says whether its text is our summary or the original."""

    document_id: str
    retrieved: str | None
    form: Literal["summary", "original"]


class Block(_Closed):
    """A paragraph, list item or table row of a source."""

    start: Offset
    end: Offset
    heading: str | None
    page: int | None


class Text(Source):
    """A source with its text."""

    text: str
    blocks: list[Block]


class Sources(_Closed):
    """All sources."""

    sources: list[Source]


class Health(_Closed):
    """That it runs, and what it answers from."""

    status: Literal["alive", "ready"]
    index: str = ""


class Trouble(_Closed):
    """A problem, RFC 9457."""

    type: Literal["about:blank"]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    request_id: Request
    detail: str = ""


class Place(_Closed):
    """A source's address, and where in the text its marker stands."""

    title: str
    url: str
    start_index: Offset
    end_index: Offset


class Annotation(_Closed):
    """What a piece of a completion rests on."""

    type: Literal["url_citation"]
    url_citation: Place


class Written(_Closed):
    """The message of a completion."""

    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[Annotation]


class Choice(_Closed):
    """There is one."""

    index: Literal[0]
    message: Written
    logprobs: None
    finish_reason: Literal["stop"]


class Usage(_Closed):
    """About how many tokens were read and written."""

    prompt_tokens: Offset
    completion_tokens: Offset
    total_tokens: Offset


class Completed(_Closed):
    """A completion, as OpenAI's clients know it, with our citations."""

    id: str
    object: Literal["chat.completion"]
    created: Offset
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage
    citations: list[Citation]


class Delta(_Closed):
    """A piece of a message."""

    role: Literal["assistant"] = "assistant"
    content: str = ""
    annotations: list[Annotation] = []


class Piece(_Closed):
    """There is one, none in the last chunk."""

    index: Literal[0]
    delta: Delta
    logprobs: None
    finish_reason: Literal["stop"] | None


class Chunk(_Closed):
    """A piece of a streamed completion; after the last one comes '[DONE]'."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: Offset
    model: str
    system_fingerprint: str = ""
    choices: list[Piece]
    usage: Usage | None = None
    citations: list[Citation] = []


class Model(_Closed):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: Offset
    owned_by: str


class Models(_Closed):
    """All of them."""

    object: Literal["list"]
    data: list[Model]


class Mistake(_Closed):
    """What an error of a completion tells."""

    message: str
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: None
    code: str | None
    request_id: Request


class Failure(_Closed):
    """An error of a completion, as OpenAI's clients know it; in a stream it is the last event."""

    error: Mistake


class Streamed(RootModel[Chunk | Failure]):
    """What stands in an event of a streamed completion."""


class Called(_Closed):
    """What a call gave, or its error, as JSON-RPC puts it."""

    jsonrpc: Literal["2.0"]
    id: int | str | None
    result: dict[str, Any] = {}
    error: dict[str, Any] = {}


_SHAPES: tuple[type[BaseModel], ...] = (
    Reply, Answer, Conversations, Conversation, Messages, Sources, Text, Health, Trouble,
    Completed, Models, Streamed, Start, Said, Called,
)  # fmt: skip


def components() -> dict[str, Any]:
    """The JSON schema of each shape and of what it is made of, by name."""
    _, schema = models_json_schema([(s, "validation") for s in _SHAPES], ref_template=_PREFIX + "{model}")
    return dict(schema["$defs"])


def reference(shape: type[BaseModel]) -> dict[str, str]:
    """Where the OpenAPI document has the schema of `shape`."""
    return {"$ref": _PREFIX + shape.__name__}


def events(shapes: dict[str, type[BaseModel]], last: str | None = None) -> dict[str, Any]:
    """The schema of a server-sent event whose name tells the shape of its JSON. One without a name is a 'message';
    `last` is what ends the stream and is no JSON."""
    found = [_event(name, _json(shape)) for name, shape in shapes.items()]
    return {"type": "object", "oneOf": [*found, *([_event("message", {"const": last})] if last else [])]}


def _event(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"required": ["data"], "properties": {"event": {"const": name}, "data": data}}


def _json(shape: type[BaseModel]) -> dict[str, Any]:
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": reference(shape)}
