"""The settings of the index, read once from the environment and `.env`; a name nobody knows is refused."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from index.errors import ConfigurationError

PREFIX = "ASSISTANT_"
# Names that the assistant package reads. They stand here so that an index command knows them too.
ASSISTANT_NAMES = ("MODEL", "MODEL_BASE_URL", "DATABASE_URL", "REDIS_URL", "HOST", "PORT", "API_KEYS_FILE")


_PLACEHOLDER = re.compile(
    r"<.*>|\.{3}|…|x{3,}|\*{3,}|(?:change|replace)[-_ ]?me|(?:your|my)[-_ ].*|todo|tbd", re.IGNORECASE
)


class IndexSettings(BaseSettings):
    """Where documents are, where the index is kept and which models encode it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    sources: Annotated[tuple[Path, ...], NoDecode] = Field(
        (Path("sources"),), description="folders of documents, separated as in PATH"
    )
    data: Path = Field(Path(".data"), description="index generations, database, traces")
    embedding: str = Field("bundled", min_length=1, description="bundled, or a sentence-transformers model or folder")
    reranker: str | None = Field(None, min_length=1, description="a CrossEncoder name or folder")
    chroma_url: str | None = Field(None, pattern=r"^https?://[^\s/]+/?$", description="a Chroma server")
    chroma_token: SecretStr | None = Field(None, description="sent to that server")
    chroma_token_header: Literal["Authorization", "X-Chroma-Token"] = Field(
        "Authorization", description="as a bearer token, or X-Chroma-Token, as Chroma Cloud wants it"
    )
    chroma_tenant: str = Field("default_tenant", min_length=1, description="whose databases, on that server")
    chroma_database: str = Field("default_database", min_length=1, description="the database of that tenant")

    @field_validator("sources", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("*", mode="before")
    @classmethod
    def _meant(cls, value: object) -> object:
        """Spaces around it are no part of a value, and what stands in a template for one is none."""
        if not isinstance(value, str):
            return value
        if not value.strip() or _PLACEHOLDER.fullmatch(value.strip()):
            raise ValueError("this is no value; write one, or unset it")
        return value.strip()


S = TypeVar("S", bound=IndexSettings)


def read(cls: type[S], environ: Mapping[str, str] | None = None) -> S:
    """The settings of the environment. Raises ConfigurationError with a line for every problem at once."""
    environ = os.environ if environ is None else environ
    names = set(environ) | set(dotenv_values(".env"))
    problems = list(_unknown(names, {*map(str.upper, cls.model_fields), *ASSISTANT_NAMES}))
    try:
        settings = cls()
    except ValidationError as error:
        problems += [_describe(cls, e["loc"], e["msg"], e["input"]) for e in error.errors()]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def _unknown(names: Iterable[str], known: set[str]) -> Iterable[str]:
    for name in sorted(n for n in names if n.upper().startswith(PREFIX)):
        short = name.upper().removeprefix(PREFIX)
        if short not in known:
            near = difflib.get_close_matches(short, sorted(known), n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else "see the settings in README.md"
            yield f"{name} is not a setting: {hint}"


def _describe(cls: type[IndexSettings], where: tuple[int | str, ...], message: str, found: object) -> str:
    message = message.removeprefix("Value error, ")
    if not where:
        return message  # names its settings; what was found is all of them, secrets too
    name = str(where[0])
    field = cls.model_fields.get(name)
    secret = field is not None and "Secret" in str(field.annotation)
    meaning = field.description if field else None
    return f"{PREFIX}{name.upper()} has {'a hidden value' if secret else repr(found)}: {message} ({meaning})"
