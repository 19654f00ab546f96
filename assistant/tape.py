"""Asks a chat model for one answer and keeps what it said, so that the answer can be made again without it."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from assistant.generation import Cancel, Message, ModelFailed, Usage
from assistant.steps import Step


class Speech(Protocol):
    """The pieces of an answer as they come; closed at the end of a `with`. See `generation.Generation`."""

    @property
    def usage(self) -> Usage:
        """What it took, once it is over."""

    @property
    def truncated(self) -> bool:
        """Whether it ended before it was done."""

    def __enter__(self) -> Iterator[str]: ...

    def __exit__(self, *_: object) -> None: ...


class Model(Protocol):
    """What words an answer: a chat model, or the record of one."""

    name: str

    def stream(self, messages: Sequence[Message], cancel: Cancel) -> Speech:
        """Ask it. Raises ModelFailed, as reading the pieces may."""

    def close(self) -> None:
        """End what runs for it."""


class Tape:
    """The calls of one answer, in order: for each what was said, and why it broke off (None where it did not)."""

    def __init__(self, model: Model, cancel: Cancel) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failure: ModelFailed | None = None
        self._model, self._cancel = model, cancel

    def ask(self, messages: Sequence[Message]) -> Iterator[str]:
        """The pieces as they come; a model that fails just ends, and `failure` tells."""
        with Step("model") as step:
            yield from self._pieces(messages)
            step.failed = self.failure.reason if self.failure else None

    def _pieces(self, messages: Sequence[Message]) -> Iterator[str]:
        said: list[str] = []
        self.failure, usage = None, Usage()
        try:
            speech = self._model.stream(messages, self._cancel)
            with speech as pieces:
                for piece in pieces:
                    said.append(piece)
                    yield piece
            usage = speech.usage
            if speech.truncated:
                self.failure = ModelFailed("bad_answer", "it stopped before it was done")
        except ModelFailed as failure:
            self.failure = failure
        finally:
            tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cost": usage.cost}
            failed = self.failure.reason if self.failure else None
            self.calls.append({"said": "".join(said), "failed": failed, **tokens})

    @property
    def stopped(self) -> bool:
        """Whether the asker wishes for no answer any more."""
        return self._cancel.is_set()

    def broken(self) -> bool:
        """Whether the last call failed or broke off."""
        return self.failure is not None


class Played:
    """Says what a tape holds, call after call."""

    def __init__(self, name: str, calls: Sequence[dict[str, Any]]) -> None:
        self.name, self._calls = name, list(calls)

    def stream(self, messages: Sequence[Message], cancel: Cancel) -> Speech:
        """The next call as it went. Raises ModelFailed("bad_answer") when the tape is at its end."""
        if not self._calls:
            raise ModelFailed("bad_answer", "the record holds no further answer of the model")
        return _Playing(self._calls.pop(0))

    def close(self) -> None:
        """Nothing runs."""


class _Playing:
    """One recorded call."""

    truncated = False

    def __init__(self, call: dict[str, Any]) -> None:
        self._call = call
        self.usage = Usage(call["input_tokens"], call["output_tokens"], call["cost"])

    def __enter__(self) -> Iterator[str]:
        return self._pieces()

    def __exit__(self, *_: object) -> None:
        return None

    def _pieces(self) -> Iterator[str]:
        yield self._call["said"]
        if self._call["failed"]:
            raise ModelFailed(self._call["failed"], "as recorded")
