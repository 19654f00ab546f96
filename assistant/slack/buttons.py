"""What happens at a click, at once: views that open, and the reader's verdict. Not for: what posts a message, which
goes through the queue (errands.py)."""

import json
import logging
import uuid
from dataclasses import asdict
from typing import Any

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.exchanges import Json, NotFound, Verdict
from assistant.history import DatabaseFailed
from assistant.slack import blocks, views
from assistant.slack.api import SlackApi, SlackFailed
from assistant.slack.queue import Queue
from assistant.slack.tasks import Task
from assistant.slack.text import escape
from assistant.slack.words import words
from index.errors import IndexingError

log = logging.getLogger(__name__)
OPENING, JUDGING = ("quotes", "who", "other"), ("up", "down")
_MORE = 6


class Buttons:
    """Does what the buttons under an answer say."""

    def __init__(self, assistant: Assistant, dialogue: Dialogue, queue: Queue, api: SlackApi) -> None:
        self._assistant, self._dialogue, self._queue, self._api = assistant, dialogue, queue, api

    def press(self, name: str, task: Task, trigger: str) -> None:
        """Do what the button `name` says; its user is told where that fails. `trigger` lets a view open."""
        tongue = "en"
        try:
            read: dict[str, Any] = json.loads(task.value)
            tongue, owner, trace = str(read["language"]), str(read["owner"]), str(read["trace"])
            if name in OPENING:
                view = self._view(name, self._dialogue.history.answer(owner, trace))
                self._api.once("views.open", trigger_id=trigger, view=view)
            else:
                verdict: Verdict = "up" if name == "up" else "down"
                self._dialogue.history.judge(owner, trace, verdict)
                self._queue.audit(task, f"judged {verdict}", trace)
                self._whisper(task, words(tongue)("thanks"))
        except (NotFound, ValueError, KeyError, TypeError):
            self._whisper(task, words(tongue)("gone"))
        except (SlackFailed, DatabaseFailed, IndexingError) as error:
            identity = uuid.uuid4().hex[:12]
            log.warning("button %s: error id %s: %s", name, identity, error)
            self._whisper(task, words(tongue)("action_failed", id=identity))

    def _view(self, name: str, answer: Json) -> Json:
        if name == "quotes":
            return views.quotes(answer)
        return views.who(answer) if name == "who" else views.other(answer, self._more(answer))

    def _more(self, answer: Json) -> list[tuple[Json, str]]:
        """Sources that were found and not cited, one passage each, those of other publishers first."""
        sources = self._assistant.sources()
        cited = {c["document_id"] for c in answer["citations"]}
        publishers = {c["publisher"] for c in answer["citations"]}
        found: dict[str, tuple[Json, str]] = {}
        for passage in answer["passages"]:
            about = sources.get(passage["document_id"])
            if about is not None and passage["document_id"] not in cited:
                found.setdefault(passage["document_id"], ({**asdict(about), "page": None}, passage["text"]))
        return sorted(found.values(), key=lambda f: f[0]["publisher"] in publishers)[:_MORE]

    def _whisper(self, task: Task, text: str) -> None:
        body = {"text": escape(text), "blocks": list(blocks.told(text)[0].blocks)}
        try:
            self._api.respond(task.response, body | {"response_type": "ephemeral", "replace_original": False})
        except SlackFailed as error:
            log.warning("could not tell %s: %s", task.user, error)
