"""The settings of the assistant: those of the index, and which model answers where."""

import ipaddress
import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from index.settings import IndexSettings

# The OpenTelemetry SDK's own variables for where traces go; none go anywhere while both are empty.
COLLECTOR = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class AssistantSettings(IndexSettings):
    """Everything `python -m assistant` reads from the environment."""

    model: str = Field("extractive", min_length=1, description="extractive, or LangChain's provider:model")
    model_base_url: str | None = Field(None, pattern=r"^https?://\S+$", description="an OpenAI-compatible server")
    database_url: SecretStr | None = Field(
        None, description="any SQLAlchemy URL, for conversations and records; default: in ASSISTANT_DATA"
    )
    redis_url: SecretStr | None = Field(
        None, description="redis:// or rediss://, where replicas count requests together; default: each counts alone"
    )
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    api_keys_file: Path | None = Field(None, description="a file with one name:sha256-of-key a line")

    @field_validator("redis_url")
    @classmethod
    def _a_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.fullmatch(r"rediss?://[^\s/]+(/\d+)?(\?\S+)?", url.get_secret_value()):
            raise ValueError("write redis://host:6379/0, or rediss:// for TLS")
        return url

    @model_validator(mode="after")
    def _loopback_or_keys(self) -> Self:
        if self.api_keys_file is None and not is_loopback(self.host):
            raise ValueError(
                f"ASSISTANT_HOST {self.host!r} is reachable from outside: set ASSISTANT_API_KEYS_FILE too, "
                "or listen on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
