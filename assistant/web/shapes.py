"""What the tools take and give, as types, for the JSON Schemas that clients are shown.

Arguments are read with these; results are only described.
"""

import contextlib
import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema

from assistant.conversation import MAX_QUESTION, Language, Reason, Stance
from index.documents import Kind, Retriever

MOST_PASSAGES = 50


def _day(value: object) -> object:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(value, str):
            return datetime.date.fromisoformat(value)
    raise ValueError("must be a date such as 2021-12-31")


def _words(value: str) -> str:
    if not value.strip() or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("must be text, and not empty")
    return value


Text = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION), AfterValidator(_words)]
AsOf = Annotated[
    datetime.date | None,
    BeforeValidator(_day),
    Field(description="Use only what was published on or before this day, for example 2021-12-31"),
]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Asking(_Arguments):
    """Arguments of `ask`."""

    question: Annotated[Text, Field(description="One question that stands alone, in English, Russian or Belarusian")]
    as_of: AsOf = None
    language: Annotated[
        Language | None, Field(description="Language of the answer; the question's where it is left out")
    ] = None


class Searching(_Arguments):
    """Arguments of `search`."""

    query: Annotated[Text, Field(description="What to look for: a question or a few words")]
    k: Annotated[int, Field(ge=1, le=MOST_PASSAGES, description="How many passages, at most")] = 10
    as_of: AsOf = None


class Opening(_Arguments):
    """Arguments of `get_source`."""

    document_id: Annotated[
        str, Field(min_length=1, max_length=500, description="A document_id, as ask and search give them")
    ]


class _About(BaseModel):
    title: str
    publisher: str
    author: str | None
    published: Annotated[str | None, Field(description="ISO date, or its year or month alone; null where undated")]
    url: str | None
    language: str
    kind: Kind
    holder: Annotated[str, Field(description="Whose view the claims are that name nobody")]


class _Citation(_About):
    number: int
    document_id: str
    heading: str | None
    page: int | None
    quote: Annotated[str, Field(description="Verbatim: characters start to end of the document's text")]
    start: int
    end: int


class _Sentence(BaseModel):
    text: str
    citations: list[int]
    holder: str | None
    stance: Stance


class _Position(BaseModel):
    holder: str
    text: str
    published: str | None
    citations: list[int]


class _Conflict(BaseModel):
    about: str
    positions: list[_Position]


class _Passage(BaseModel):
    document_id: str
    chunk_id: str
    start: int
    end: int
    score: Annotated[float, Field(description="Higher is better; comparable within one result")]
    found_by: list[Retriever]
    text: str


class Answered(BaseModel):
    """The Answer object of the HTTP API."""

    id: str
    question: str
    language: Language
    text: Annotated[str, Field(description="The answer; each [n] is the citation of that number")]
    refused: Annotated[bool, Field(description="Whether the sources hold no answer; reason says why")]
    reason: Reason | None
    sentences: list[_Sentence]
    citations: list[_Citation]
    conflicts: Annotated[list[_Conflict], Field(description="What the sources disagree about, and who says what")]
    confidence: Annotated[float, Field(ge=0, le=1)]
    as_of: str | None
    newest_source: str | None
    passages: list[_Passage]
    model: str
    index: str
    trace: str
    seconds: float
    notice: str | None


class _Found(_Passage, _About):
    heading: str | None
    page: int | None


class Found(BaseModel):
    """What `search` gives."""

    passages: Annotated[list[_Found], Field(description="Best first")]


class _Block(BaseModel):
    start: int
    end: int
    heading: str | None
    page: int | None


class Opened(_About):
    """What `get_source` gives."""

    document_id: str
    retrieved: str | None
    form: Annotated[Literal["summary", "original"], Field(description="Whether text is our summary or the original")]
    text: str
    blocks: Annotated[list[_Block], Field(description="Paragraphs, by characters of text")]


class _Plain(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: object) -> bool:
        """No titles that only repeat the names."""
        return False


def schema(shape: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of `shape`, without what only readers of this file need."""
    found = shape.model_json_schema(schema_generator=_Plain)
    found.pop("description", None)
    for each in (found, *found.get("$defs", {}).values()):
        each.pop("title", None)
    return found
