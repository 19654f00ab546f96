"""Whom the questions are put to: the assistant in this process, a server, or a file of answers given before."""

import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.render import to_json
from evals.said import BadAnswers, Said, read, read_lines
from index.errors import IndexingError

log = logging.getLogger(__name__)
_SECONDS, _PATIENCE, _WAIT = 120.0, 10, 5.0  # of a request; times to ask again; seconds where the server names none


class Unreachable(Exception):
    """The system cannot be asked at all: nothing is known of its answers."""


class Crashed(Exception):
    """The system broke on one question."""


class Target(Protocol):
    """Something that answers. `identity` is the item's id, for those that look answers up."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def ask(self, identity: str, question: Question) -> Said:
        """The answer. Raises Crashed, or Unreachable where no question would be answered."""
        ...


@dataclass(frozen=True, slots=True)
class Local:
    """The assistant of this process."""

    assistant: Assistant
    name: str = "this checkout"

    def ask(self, identity: str, question: Question) -> Said:
        """Its answer, taken through the JSON of the contract as any caller sees it."""
        with ThreadPoolExecutor(1) as one:  # whatever breaks, of whatever class, comes back as a value
            done = one.submit(self.assistant.answer, question, record=False)
        error = done.exception()
        if isinstance(error, IndexingError):
            raise error
        if error is not None:
            log.error("%s could not be answered", identity, exc_info=error)
            raise Crashed(f"{type(error).__name__}: {error}") from error
        return read(json.loads(json.dumps(to_json(done.result(), identity))), identity)


@dataclass(frozen=True, slots=True)
class File:
    """Answers given before, one a line. An item without one has crashed."""

    answers: Mapping[str, Said]
    name: str

    @classmethod
    def open(cls, path: Path) -> "File":
        """Read them. Raises BadAnswers."""
        return cls(read_lines(path), path.name)

    def ask(self, identity: str, question: Question) -> Said:
        """The answer to the item."""
        if identity not in self.answers:
            raise Crashed(f"{self.name} has no answer with the id {identity}")
        return self.answers[identity]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is sent to the server that the user named, and to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


class Server:
    """A server that speaks the contract's HTTP."""

    def __init__(self, url: str, key: str | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadAnswers(f"{url!r} is no address of a server; give one as http://127.0.0.1:8000")
        self.name = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}".rstrip("/")
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._sleep, self._opener = sleep, urllib.request.build_opener(_NoRedirects())

    def ask(self, identity: str, question: Question) -> Said:
        """Its answer. What the user said before is asked before, in one conversation."""
        conversation: str | None = None
        for text in [t.text for t in question.history if t.role == "user"]:
            conversation = self._post({"question": text, "conversation_id": conversation}).get("conversation_id")
        asked = {"question": question.text, "conversation_id": conversation, "language": question.language}
        asked["as_of"] = question.as_of.isoformat() if question.as_of else None
        try:
            return read(self._post(asked), identity)
        except BadAnswers as error:
            raise Crashed(str(error)) from error

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps({k: v for k, v in body.items() if v is not None}).encode()
        request = urllib.request.Request(f"{self.name}/api/ask", data, self._headers, method="POST")
        for _ in range(_PATIENCE):
            try:
                with self._opener.open(request, timeout=_SECONDS) as reply:
                    found = json.load(reply)
            except urllib.error.HTTPError as error:
                self._wait_or_raise(error)
            except (OSError, EOFError) as error:
                raise Unreachable(f"{self.name} cannot be asked ({error}); is it running?") from error
            except ValueError as error:
                raise Crashed(f"{self.name} sent no JSON") from error
            else:
                if isinstance(found, dict):
                    return found
                raise Crashed(f"{self.name} sent no Answer object")
        raise Unreachable(f"{self.name} has no time: it said so {_PATIENCE} times")

    def _wait_or_raise(self, error: urllib.error.HTTPError) -> None:
        with error:
            told = error.headers.get("Retry-After", "")
        if error.code in (429, 503):
            self._sleep(float(told) if told.isdecimal() else _WAIT)
        elif error.code in (401, 403, 404, 405):
            raise Unreachable(f"{self.name} refuses to be asked (status {error.code}); give its key with --key-file")
        else:
            raise Crashed(f"status {error.code}")
