"""The reference of all settings as Markdown, made from the settings themselves."""

from typing import Any

from pydantic.fields import FieldInfo

from assistant.settings import COLLECTOR, AssistantSettings
from assistant.slack.settings import SlackSettings
from index.settings import IndexSettings

_ANSWERING = "assistant ask, chat, serve, slack, mcp, replay, doctor; index search; evals run"
_SERVING = "assistant serve, doctor"
_SLACK = "assistant slack, serve, doctor"
# Which commands do something with a setting; a name that is not here has no reference and `markdown` fails.
_READ_BY = {
    "sources": "index build, status; assistant doctor",
    "data": "all but assistant key",
    "embedding": f"index build; {_ANSWERING}",
    "reranker": _ANSWERING,
    "model": "assistant ask, chat, serve, slack, mcp, doctor; evals run",
    "model_base_url": "assistant ask, chat, serve, slack, mcp, doctor; evals run",
    "database_url": "assistant ask, chat, serve, slack, mcp, replay, doctor",
    "redis_url": _SERVING,
    "host": _SERVING,
    "port": _SERVING,
    "api_keys_file": _SERVING,
} | dict.fromkeys(SlackSettings.model_fields, _SLACK)
_READ_BY |= {n: f"index build, verify; {_ANSWERING}" for n in IndexSettings.model_fields if n.startswith("chroma")}
_HEAD = """# Configuration

Written by `python -m assistant doctor --settings`; do not edit by hand.

Settings are environment variables, or lines `NAME=value` of a file `.env` in the folder where a command is started; a
variable wins over the file. They are read once, when a command starts. A wrong value, or a name that begins with
`ASSISTANT_` and is none of these, ends every command with exit code 78 and a line for each problem. Values of settings
marked *secret* are never printed.
"""
_TAIL = f"""
## Read by the libraries below

| name | meaning |
|---|---|
| `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` | *secret*; key of the provider in `ASSISTANT_MODEL`: [models.md](models.md) |
| {", ".join(f"`{name}`" for name in COLLECTOR)} | where `serve` sends traces: [observability.md](observability.md) |
"""


def markdown() -> str:
    """The whole of docs/configuration.md."""
    own = _table("The assistant and its index", "ASSISTANT_", AssistantSettings.model_fields)
    return _HEAD + own + _table("The Slack bot", "SLACK_", SlackSettings.model_fields) + _TAIL


def _table(title: str, prefix: str, fields: dict[str, FieldInfo]) -> str:
    rows = "".join(_row(prefix, name, field) for name, field in fields.items())
    return f"\n## {title}\n\n| name | default | meaning | read by |\n|---|---|---|---|\n{rows}"


def _row(prefix: str, name: str, field: FieldInfo) -> str:
    secret = "*secret*; " if "Secret" in str(field.annotation) else ""
    cells = f"`{prefix}{name.upper()}`", _default(field.default), f"{secret}{field.description}", _READ_BY[name]
    return f"| {' | '.join(cells)} |\n"


def _default(value: Any) -> str:
    if value is None or value == frozenset():
        return "–"
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{shown}`"
