"""What is not a question: forgetting, sharing, exporting, settings, the App Home, suggested prompts, saying no."""

import datetime
import json
import logging
from dataclasses import replace
from typing import Any

from assistant.dialogue import Dialogue
from assistant.exchanges import Json, NotFound, title
from assistant.export import answer_markdown
from assistant.slack import blocks, limits, questions, views
from assistant.slack.api import Refused, SlackApi
from assistant.slack.blocks import Message
from assistant.slack.deliver import Delivery
from assistant.slack.queue import Queue
from assistant.slack.tasks import ChannelSettings, Claimed, Task
from assistant.slack.text import cut, escape, piece
from assistant.slack.views import Recent
from assistant.slack.words import Words, words

log = logging.getLogger(__name__)
_RECENT = 10


class Errands:
    """Does them. `admins` may change settings besides the workspace's own administrators."""

    def __init__(self, dialogue: Dialogue, queue: Queue, api: SlackApi, admins: frozenset[str]) -> None:
        self._dialogue, self._queue, self._api, self._admins = dialogue, queue, api, admins

    def run(self, claimed: Claimed, delivery: Delivery, say: Words) -> str:
        """Do a task; a word on it for the audit log. Raises SlackFailed, Lost and DatabaseFailed."""
        task = claimed.task
        match task.kind:
            case "forget":
                return self._forget(task, delivery, say)
            case "share":
                return self._share(task, delivery)
            case "export":
                return self._export(task, delivery)
            case "settings":
                return self._settings(task, delivery, say)
            case "home":
                return self._home(task)
            case "prompts":
                return self._prompts(task)
            case "usage":
                delivery.finish(lambda _: blocks.told(say("usage")))
                return "usage"
            case _:
                self.whisper(task, say(task.value if task.value in ("not_here", "not_you") else "not_here"))
                return task.value

    def whisper(self, task: Task, text: str) -> None:
        """Tell the user of a task something that nobody else sees."""
        body = {"text": escape(text), "blocks": list(blocks.told(text)[0].blocks)}
        if task.response:
            self._api.respond(task.response, body | {"response_type": "ephemeral", "replace_original": False})
        else:
            thread = {"thread_ts": task.thread} if task.thread else {}
            self._api.once("chat.postEphemeral", channel=task.channel, user=task.user, **thread, **body)

    def answer(self, value: str) -> Json | None:
        """The answer that a button belongs to, None where it is no longer stored."""
        try:
            read: dict[str, Any] = json.loads(value)
            return self._dialogue.history.answer(str(read["owner"]), str(read["trace"]))
        except (NotFound, ValueError, KeyError, TypeError):
            return None

    def _forget(self, task: Task, delivery: Delivery, say: Words) -> str:
        """Delete what was said in the thread, or by the command, where the user has a part in it."""
        if task.thread:
            known = self._queue.conversation(task)
            conversations = [known] if known and (task.direct or self._queue.asked_in(task)) else []
        else:
            conversations = [c.id for c in self._dialogue.history.list(task.owner, 100).found]
        for conversation in conversations:
            try:
                self._dialogue.delete(task.owner, conversation)
            except NotFound:
                log.info("conversation %s was deleted before", conversation)
        if task.thread and conversations:
            self._queue.converse(task, None)
            self._queue.forget(task)
        text = say("forgotten" if conversations else "nothing_to_forget")
        delivery.finish(lambda _: blocks.told(text))
        return f"{len(conversations)} conversations"

    def _share(self, task: Task, delivery: Delivery) -> str:
        """Show everyone in the channel an answer that only its asker saw. Its first part says who shares it; what is
        long goes on in its thread."""
        answer = self.answer(task.value)
        if answer is None:
            self.whisper(task, words(None)("gone"))
            return "gone"
        say, owner = words(answer["language"]), str(json.loads(task.value)["owner"])
        person = self._api.person(task.user)
        name = str((person.get("profile") or {}).get("display_name") or person.get("real_name") or task.user)
        head = say("shared_by", user=cut(name, 100), question=cut(answer["question"], 500))

        def render(size: int | None) -> list[blocks.Message]:
            first, *rest = blocks.answered(answer, owner, size=size or limits.MESSAGE)
            return [Message(first.text, (blocks.rich([piece(head, italic=True)]), *first.blocks)), *rest]

        delivery.finish(render)
        return "shared"

    def _export(self, task: Task, delivery: Delivery) -> str:
        answer = self.answer(task.value)
        if answer is None:
            self.whisper(task, words(None)("gone"))
            return "gone"
        channel, thread = task.channel, task.thread
        if not thread:  # an answer that only its asker saw stays with its asker
            opened = self._api.repeated("conversations.open", users=task.user)
            channel = str(opened["channel"]["id"])
        self._api.upload(f"answer-{answer['trace']}.md", answer_markdown(answer), channel, thread,
                         words(answer["language"])("exported"))  # fmt: skip
        return "exported"

    def _settings(self, task: Task, delivery: Delivery, say: Words) -> str:
        current = self._queue.channel(task.team, task.channel)
        wish = task.text.split()
        if wish and not self._may_change(task):
            delivery.finish(lambda _: blocks.told(say("settings_denied")))
            return "denied"
        changed = changed_settings(current, wish) if wish else current
        if changed is None:
            delivery.finish(lambda _: blocks.told(say("settings_usage")))
            return "usage"
        if changed != current:
            self._queue.set_channel(task.team, task.channel, changed)
        text = say(
            "settings", language=changed.language or say("settings_auto"), as_of=changed.as_of or say("settings_none"),
            when=say("settings_mention" if changed.mention_only else "settings_always"),
        )  # fmt: skip
        delivery.finish(lambda _: blocks.told(text))
        return " ".join(wish)

    def _may_change(self, task: Task) -> bool:
        if task.user in self._admins:
            return True
        person = self._api.person(task.user)
        return bool(person.get("is_admin") or person.get("is_owner"))

    def _home(self, task: Task) -> str:
        recent = []
        for done in self._queue.recent(task.team, task.user, _RECENT):
            try:
                answer = self._dialogue.history.answer(done.owner, done.trace)
            except NotFound:
                continue  # forgotten meanwhile
            day = datetime.datetime.fromtimestamp(done.received, datetime.UTC).date().isoformat()
            recent.append(Recent(title(answer["question"]), day, answer["text"], answer["refused"]))
        tongue = self._tongue(task)
        self._api.repeated("views.publish", user_id=task.user, view=views.home(tongue, recent))
        return f"{len(recent)} answers"

    def _tongue(self, task: Task) -> str:
        """The language of the user's Slack, as two letters."""
        return str(self._api.person(task.user).get("locale") or "en")[:2]

    def _prompts(self, task: Task) -> str:
        tongue = self._tongue(task)
        listed = [{"title": cut(p, limits.OPTION), "message": p} for p in views.prompts(tongue)]
        try:
            self._api.repeated("assistant.threads.setSuggestedPrompts", channel_id=task.channel,
                               thread_ts=task.thread, title=words(tongue)("prompts_title"), prompts=listed)  # fmt: skip
        except Refused as refused:
            log.warning("no suggested prompts: %s", refused)
            return refused.error
        return "shown"


def changed_settings(current: ChannelSettings, wish: list[str]) -> ChannelSettings | None:
    """The settings with one of them changed, None for a wish that is none.

    >>> changed_settings(ChannelSettings(), ["as-of", "2021"]).as_of
    '2021-12-31'
    """
    match [w.casefold() for w in wish]:
        case ["language", ("en" | "ru" | "be") as language]:
            return replace(current, language=language)
        case ["language", "auto"]:
            return replace(current, language=None)
        case ["as-of", "none"]:
            return replace(current, as_of=None)
        case ["as-of", date]:
            try:
                return replace(current, as_of=questions.day(date).isoformat())
            except questions.BadDate:
                return None
        case ["mention-only", ("on" | "off") as switch]:
            return replace(current, mention_only=switch == "on")
    return None
