"""The chat model: messages in, pieces of text out, stopped at once when nobody waits any more.

The one file that knows LangChain and its providers. It knows nothing of questions, passages or citations, and judges
nothing that a model says. What is sent where, and what is never logged: docs/models.md.
"""

import asyncio
import email.utils
import importlib.util
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakSet

from dotenv import dotenv_values

from assistant.generation import Cancel, Generation, Message, ModelFailed, Reason, Thoughts, Usage
from index.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = logging.getLogger(__name__)

# Names of the variables without which a provider's package cannot even be set up.
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_NO_KEY = "none"  # what is sent to a server that asks for no key; its client wants some text
_WAYS_TO_GET = {"ollama": "; type: ollama pull {model}"}
_ADVICE: dict[Reason, str] = {
    "unreachable": "{server} cannot be reached or broke off; start it, or check ASSISTANT_MODEL_BASE_URL and network",
    "refused_key": "{server} refused the key; set {keys}",
    "rate_limited": "{server} takes no more requests for now; try again later, or raise the limit of the account",
    "timed_out": "{server} gave no answer in time; try again, or set ASSISTANT_MODEL to a faster model",
    "overloaded": "{server} is overloaded or failing; try again in a moment",
    "bad_answer": "{server} sent no usable answer; try again, or check that it speaks the API of the provider named",
    "not_installed": "{server} has no such model; check ASSISTANT_MODEL and ASSISTANT_MODEL_BASE_URL{get}",
}
_BY_STATUS: dict[int, Reason] = {
    401: "refused_key", 402: "rate_limited", 403: "refused_key", 404: "not_installed", 408: "timed_out",
    429: "rate_limited",
}  # fmt: skip
_PASSING: tuple[Reason, ...] = ("unreachable", "rate_limited", "overloaded")  # worth another try
_OPTIONS = {"temperature": 0, "seed": 0, "stream_usage": True, "max_retries": 0, "stream_chunk_timeout": None}
# What is left out, one line after the other, for a model or server that refuses a request with it.
_PLAINER: tuple[dict[str, Any], ...] = ({"temperature": None, "seed": None}, {"stream_usage": False})
_REFUSED = (400, 422)
_CONNECT_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_STOP_SECONDS = 2.0
_FINISH = ("finish_reason", "stop_reason", "done_reason", "stopReason", "status")
_CUT = ("length", "max_tokens", "incomplete", "MAX_TOKENS")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to the first piece of text with all retries, between pieces, and in all with the wait for a turn; how
    often a failed request is tried again; how many requests run at once, and how many may wait for their turn."""

    first: float = 120.0
    between: float = 30.0
    whole: float = 300.0
    retries: int = 2
    calls: int = 64
    waiting: int = 512


class _Loop(asyncio.SelectorEventLoop):
    """Knows its connections, so that it can end with none open: some clients keep theirs, or share them with others."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: WeakSet[Any] = WeakSet()

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        """As every loop does, and remember it."""
        transport, protocol = await super().create_connection(*args, **options)
        self.connections.add(transport)
        return transport, protocol


class ChatModel:
    """A chat model behind a private event loop in a thread, so that a request can be stopped while its reader waits."""

    def __init__(self, name: str, client: "BaseChatModel", limits: Limits | None = None, server: str = "") -> None:
        self.name, self._client, self._limits = name, client, limits or Limits()
        self._server = server or "the provider"
        self._lock, self._open, self._closed = threading.Lock(), 0, False
        self._slots = asyncio.Semaphore(self._limits.calls)
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat-model", daemon=True)
        self._thread.start()

    def stream(self, messages: Sequence[Message], cancel: Cancel) -> Generation:
        """Ask the model, and return at once. Raises ModelFailed("overloaded") when too many wait already; everything
        else that goes wrong is raised by the generation."""
        with self._lock:
            if self._closed or self._open >= self._limits.calls + self._limits.waiting:
                raise self._failed("overloaded", None)
            self._open += 1
            generation = Generation(cancel)
            # With the lock held: what starts before close() is among the tasks that it stops.
            future = asyncio.run_coroutine_threadsafe(self._run(generation, messages), self._loop)
        generation.begin(future.cancel)
        future.add_done_callback(lambda done: self._finish(generation, done))
        return generation

    def close(self) -> None:
        """Stop every request, end the thread. The model cannot be asked afterwards."""
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(_STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        if not self._loop.is_running():
            self._loop.close()

    async def _shut_down(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for connection in self._loop.connections:
            connection.abort()
        await asyncio.sleep(0)  # the loop takes note of it

    def _finish(self, generation: Generation, done: Future[ModelFailed | None]) -> None:
        with self._lock:
            self._open -= 1
        if done.cancelled():
            generation.end(None, cancelled=True)
        else:
            generation.end(self._failed("bad_answer", e) if (e := done.exception()) else done.result(), cancelled=False)

    async def _run(self, generation: Generation, messages: Sequence[Message]) -> ModelFailed | None:
        # Each provider has exceptions of its own, so failures are taken as values here, whatever their class.
        [error] = await asyncio.gather(self._wait_and_try(generation, messages), return_exceptions=True)
        if error is None:
            return None
        reason = _reason(error)
        log.warning("chat model failed: %s (%s, status %s)", reason, type(error).__name__, _status(error))
        return self._failed(reason, error)

    async def _wait_and_try(self, generation: Generation, messages: Sequence[Message]) -> None:
        async with asyncio.timeout(self._limits.whole), self._slots:
            await self._try(generation, messages, self._loop.time() + self._limits.first)

    async def _try(self, generation: Generation, messages: Sequence[Message], until: float) -> None:
        client, attempt = self._client, 0
        while True:
            [error] = await asyncio.gather(self._once(client, generation, messages, until), return_exceptions=True)
            if error is None:
                self._client = client
                return
            if generation.started:
                raise error
            if (plainer := _plainer(client, error)) is not None:
                client = plainer
                continue
            pause = backoff(attempt, _retry_after(error), random.random())
            attempt += 1
            if attempt > self._limits.retries or _reason(error) not in _PASSING or self._loop.time() + pause > until:
                raise error
            await asyncio.sleep(pause)

    async def _once(
        self, client: "BaseChatModel", generation: Generation, messages: Sequence[Message], until: float
    ) -> None:
        from langsmith import tracing_context  # late: it comes with LangChain, which takes seconds

        usage, finish, thoughts = Usage(), None, Thoughts()
        asked: list[Any] = [(m.role, m.text) for m in messages]
        # No tracing: a variable of another project must not send questions and sources elsewhere.
        with tracing_context(enabled=False):
            async with aclosing(client.astream(asked)) as chunks:  # type: ignore[type-var]
                while True:
                    async with asyncio.timeout_at(until):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    usage, finish = _add(usage, chunk), _finish_of(chunk) or finish
                    await generation.put(thoughts.feed(str(chunk.text)))
                    until = self._loop.time() + (self._limits.between if generation.started else self._limits.first)
        await generation.put(thoughts.rest())
        if not generation.started:
            raise _NoText
        generation.usage, generation.truncated = usage, finish is None or finish in _CUT

    def _failed(self, reason: Reason, error: BaseException | None) -> ModelFailed:
        provider, _, model = self.name.partition(":")
        keys = ", ".join(self._client.lc_secrets.values()) or _KEYS["openai"]
        get = _WAYS_TO_GET.get(provider, "").format(model=model)
        advice = _ADVICE[reason].format(server=self._server, keys=keys, get=get)
        return ModelFailed(reason, f"ASSISTANT_MODEL {self.name}: {advice}", _retry_after(error))


def make_chat_model(name: str, base_url: str | None, limits: Limits | None = None) -> ChatModel:
    """The chat model called `name`, LangChain's provider:model; with `base_url`, that of an OpenAI-compatible server,
    where the provider may be left out and OPENAI_API_KEY may be unset.

    Raises ConfigurationError for an unknown provider, a missing key or a package that is not installed."""
    provider, model = _split(name, base_url)
    where: dict[str, Any] = {"base_url": base_url} if base_url else {}
    key = _KEYS.get(provider, "")
    value = (os.environ.get(key) or dotenv_values(".env").get(key) or "").strip()
    if provider == "openai" and base_url:
        value = value or _NO_KEY
    if key and not value:
        raise ConfigurationError(f"ASSISTANT_MODEL {name} needs a key: set {key}")
    if key and not (value.isascii() and value.isprintable() and " " not in value):
        raise ConfigurationError(f"{key} holds characters that no key has: set it again")
    if key:
        where["api_key"] = value
    server = f"the server at {_host(base_url)}" if base_url else provider
    return ChatModel(name, _client(name, provider, model, where), limits, server)


def backoff(attempt: int, retry_after: float | None, chance: float) -> float:
    """Seconds to wait before another try: what the server asks for, else exponential, half of it by `chance` in 0..1
    ("equal jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    >>> [backoff(attempt, None, 1.0) for attempt in range(6)], backoff(0, 3.0, 1.0)
    ([0.5, 1.0, 2.0, 4.0, 8.0, 8.0], 3.25)
    """
    if retry_after is not None:
        return retry_after + chance / 4
    return min(_FIRST_PAUSE * 2.0**attempt, _LONGEST_PAUSE) * (0.5 + chance / 2)


def _split(name: str, base_url: str | None) -> tuple[str, str]:
    provider, _, model = name.partition(":")
    if base_url and not (model and _installed(provider)):
        return "openai", name
    if not model:
        raise ConfigurationError(
            f"ASSISTANT_MODEL {name!r} names no provider: write openai:{name}, anthropic:{name} or ollama:{name}, "
            "or set ASSISTANT_MODEL_BASE_URL"
        )
    return provider, model


def _installed(provider: str) -> bool:
    return provider.isidentifier() and importlib.util.find_spec(f"langchain_{provider}") is not None


def _host(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        raise ConfigurationError("ASSISTANT_MODEL_BASE_URL is no address: write http://127.0.0.1:8080/v1") from None


def _client(name: str, provider: str, model: str, where: Mapping[str, Any]) -> "BaseChatModel":
    from langchain.chat_models import init_chat_model  # late: it takes three seconds

    try:
        bare = init_chat_model(model, model_provider=provider, **where)
        made: BaseChatModel = init_chat_model(
            model, model_provider=provider, **where, **_options(type(bare).model_fields)
        )
        return made
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or error.name or f"langchain_{provider}"
        package = missing.partition(".")[0].replace("_", "-")
        raise ConfigurationError(f"ASSISTANT_MODEL {name}: type: .venv/bin/python -m pip install {package}") from None
    except _set_up_errors():
        raise ConfigurationError(
            f"ASSISTANT_MODEL {name} cannot be set up: write openai:..., anthropic:... or ollama:..., "
            f"or set the variables that LangChain asks for with {provider!r}"
        ) from None


def _options(fields: Mapping[str, object]) -> dict[str, Any]:
    options: dict[str, Any] = {name: value for name, value in _OPTIONS.items() if name in fields}
    if "root_async_client" in fields:
        from openai import DefaultAsyncHttpxClient, Timeout  # late: it takes a second

        # Connections of its own: LangChain's default ones are shared by all models, and so by their event loops.
        options["http_async_client"] = DefaultAsyncHttpxClient()
        options["request_timeout"] = Timeout(None, connect=_CONNECT_SECONDS)
    return options


def _set_up_errors() -> tuple[type[Exception], ...]:
    # Clients have errors of their own; an error can only come from a package that is imported by now.
    own = ((sys.modules.get("openai"), "OpenAIError"), (sys.modules.get("anthropic"), "AnthropicError"))
    return ValueError, TypeError, RuntimeError, LookupError, OSError, *(getattr(m, name) for m, name in own if m)


def _plainer(client: "BaseChatModel", error: BaseException) -> "BaseChatModel | None":
    """`client` without options that not every model takes; None when it has none left or `error` has another cause."""
    from langchain_core.exceptions import ContextOverflowError  # late: LangChain takes seconds

    if isinstance(error, ContextOverflowError) or (_status(error) not in _REFUSED and type(error) is not ValueError):
        return None
    steps = ({n: v for n, v in step.items() if getattr(client, n, v) != v} for step in _PLAINER)
    without = next(filter(None, steps), None)
    return client.model_copy(update=without) if without else None


def _status(error: BaseException | None) -> int | None:
    found = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def _reason(error: BaseException) -> Reason:
    import httpx  # late: both come with the providers' packages, which use one or the other
    import httpx2
    from langchain_core import exceptions

    # A time-out of the connection is the client's own error; only the limits here raise a bare TimeoutError.
    kinds: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
        ((TimeoutError,), "timed_out"),
        ((ImportError,), "not_installed"),
        ((exceptions.ModelConnectionError, exceptions.ModelTimeoutError, OSError), "unreachable"),
        ((httpx.TransportError, httpx2.TransportError), "unreachable"),
    )
    for classes, reason in kinds:
        if isinstance(error, classes):
            return reason
    status = _status(error) or 0
    return _BY_STATUS.get(status, "overloaded" if status >= 500 else "bad_answer")


def _retry_after(error: BaseException | None) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    text = headers.get("retry-after", "") if isinstance(headers, Mapping) else ""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None


def _finish_of(chunk: Any) -> str | None:
    found = (chunk.response_metadata.get(key) for key in _FINISH)
    return next((str(value) for value in found if value), None)


def _add(usage: Usage, chunk: Any) -> Usage:
    """Counts of all chunks, added up: that is how LangChain reports them."""
    tokens, cost = getattr(chunk, "usage_metadata", None), chunk.response_metadata.get("cost")
    if tokens:
        usage = Usage(
            (usage.input_tokens or 0) + tokens["input_tokens"],
            (usage.output_tokens or 0) + tokens["output_tokens"],
            usage.cost,
        )
    return replace(usage, cost=float(cost)) if isinstance(cost, int | float) else usage


class _NoText(Exception):
    """The model ended without a word of text."""
