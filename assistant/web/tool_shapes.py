"""What the tools for other programs take and what `search` gives, as types, for the schemas that clients see.

Not for: answers and sources, which have the shapes of the HTTP API (shapes.py).
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema

from assistant.conversation import MAX_QUESTION, Language
from assistant.web import shapes
from assistant.web.fields import Day

MOST_PASSAGES = 50


def _words(value: str) -> str:
    if not value.strip() or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("must be text, and not empty")
    return value


Text = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION), AfterValidator(_words)]
AsOf = Annotated[
    Day,
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


class Hit(shapes.Passage, shapes.About):
    """A passage that search found, with what is known of its document."""

    heading: str | None
    page: int | None


class Found(BaseModel):
    """What `search` gives."""

    passages: Annotated[list[Hit], Field(description="Best first")]


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
