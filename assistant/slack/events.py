"""What Slack sends, read as tasks. Pure. Strangers' data: whatever is not as it should be is no task."""

import re
from typing import Any

from assistant.slack.scope import Scope
from assistant.slack.tasks import Kind, Task
from assistant.slack.text import heard

COMMAND, SHORTCUT = "/union-state", "check_claim"
_ID = re.compile(r"[\w.:-]{1,100}")
_FORGET = re.compile(
    r"\W*(?:forget(?: (?:this|the|our))?(?: (?:thread|conversation))?|забудь\w*|забудз\w*)\W*", re.IGNORECASE
)
_CHECK = re.compile(r"\s*(?:check|fact.?check|проверь\w*|праверце|правер)\s*:\s*(?=\S)", re.IGNORECASE)
_HEARD = (None, "thread_broadcast", "file_share")  # the other subtypes are edits, joins and the like


def event_task(body: Any, scope: Scope) -> Task | None:
    """The task of an Events API delivery, None for one that asks for nothing."""
    event, identity = _dict(body, "event"), _id(body, "event_id")
    team = _id(body, "team_id") or scope.team
    if not event or not identity:
        return None
    if event.get("type") in ("app_mention", "message"):
        return _message(event, identity, team, scope)
    if event.get("type") == "app_home_opened" and event.get("tab") == "home":
        return _quiet("home", identity, team, _id(event, "channel"), _id(event, "user"), "", scope)
    if event.get("type") == "assistant_thread_started":
        thread = _dict(event, "assistant_thread")
        channel, user = _id(thread, "channel_id"), _id(thread, "user_id")
        return _quiet("prompts", identity, team, channel, user, _id(thread, "thread_ts"), scope)
    return None


def _message(event: dict[str, Any], identity: str, team: str, scope: Scope) -> Task | None:
    channel, user, ts = _id(event, "channel"), _id(event, "user"), _id(event, "ts")
    if event.get("bot_id") or event.get("bot_profile") or event.get("subtype") not in _HEARD or "edited" in event:
        return None
    if not channel or not user or not ts or not isinstance(event.get("text"), str):
        return None
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    mentioned = event["type"] == "app_mention" or f"<@{scope.bot}" in event["text"]
    begun = _id(event, "thread_ts")
    follows = not mentioned and not direct
    if follows and begun in ("", ts):
        return None  # talk among people
    sender = _id(event, "user_team") or _id(event, "source_team") or _id(event, "team") or team
    verdict = scope.admits(sender, channel, user, direct)
    if verdict == "silent" or (verdict != "yes" and follows):
        return None
    kind, text = spoken(heard(event["text"], scope.bot))
    if verdict != "yes":
        kind, text = "deny", ""
    if kind == "usage" and follows:
        return None
    return Task(identity, kind, team, channel, user, begun or ts, f"{team}/{channel}/{ts}", text, direct, follows,
                value=verdict)  # fmt: skip


def command_task(body: Any, scope: Scope) -> Task | None:
    """The task of the slash command."""
    channel, user = _id(body, "channel_id"), _id(body, "user_id")
    identity, team = _id(body, "trigger_id"), _id(body, "team_id")
    text = body.get("text") if isinstance(body, dict) else None
    if not channel or not user or not identity or not team:
        return None
    verdict = scope.admits(team, channel, user, channel.startswith("D"))
    if verdict == "silent":
        return None
    kind, said = spoken(heard(text if isinstance(text, str) else "", scope.bot))
    word, _, rest = said.partition(" ")
    if kind == "ask" and word.casefold() in ("check", "settings", "help"):
        kind = {"check": "check", "settings": "settings", "help": "usage"}[word.casefold()]  # type: ignore[assignment]
        said = rest.strip()
    kind = "deny" if verdict != "yes" else kind
    return Task(f"command:{identity}", kind, team, channel, user, text=said, response=_response(body), value=verdict)


def shortcut_task(body: Any, scope: Scope) -> Task | None:
    """The task of the message shortcut: check what the message says."""
    team, channel = _id(_dict(body, "team"), "id"), _id(_dict(body, "channel"), "id")
    user, identity = _id(_dict(body, "user"), "id"), _id(body, "trigger_id")
    message = _dict(body, "message")
    if not team or not channel or not user or not identity or not isinstance(message.get("text", ""), str):
        return None
    verdict = scope.admits(team, channel, user, channel.startswith("D"))
    if verdict == "silent":
        return None
    kind: Kind = "check" if verdict == "yes" else "deny"
    text = heard(message.get("text", ""), scope.bot)
    return Task(f"shortcut:{identity}", kind, team, channel, user, text=text, response=_response(body), value=verdict)


def button_task(body: Any, kind: Kind, scope: Scope) -> Task | None:
    """The task of a button that posts something: share or export."""
    team, user = _id(_dict(body, "team"), "id"), _id(_dict(body, "user"), "id")
    container = _dict(body, "container")
    channel = _id(_dict(body, "channel"), "id") or _id(container, "channel_id")
    identity, value = _id(body, "trigger_id"), _value(body)
    if not team or not user or not channel or not identity or value is None:
        return None
    verdict = scope.admits(team, channel, user, channel.startswith("D"))
    if verdict != "yes":
        return None
    thread = "" if container.get("is_ephemeral") else _id(container, "thread_ts") or _id(container, "message_ts")
    # A second click on the same button is the same task.
    once = f"{kind}/{team}/{channel}/{user}/{value}"[:200] if kind == "share" else None
    return Task(f"{kind}:{identity}", kind, team, channel, user, thread, once, direct=channel.startswith("D"),
                response=_response(body), value=value)  # fmt: skip


def spoken(text: str) -> tuple[Kind, str]:
    """What kind of thing is said, and what of it is the question or claim.

    >>> spoken("Check: Minsk left."), spoken("forget this thread."), spoken("Who rules?")
    (('check', 'Minsk left.'), ('forget', ''), ('ask', 'Who rules?'))
    """
    if not text.strip():
        return "usage", ""
    if _FORGET.fullmatch(text):
        return "forget", ""
    claim = _CHECK.match(text)
    return ("check", text[claim.end() :]) if claim else ("ask", text)


def _quiet(kind: Kind, identity: str, team: str, channel: str, user: str, thread: str, scope: Scope) -> Task | None:
    """A task that nobody asked for in words."""
    if not channel or scope.admits(team, channel, user, direct=True) != "yes":
        return None
    return Task(identity, kind, team, channel, user, thread, direct=True)


def _response(body: Any) -> str:
    """The address at which a command or click is answered, "" where there is none."""
    url = body.get("response_url")
    return url if isinstance(url, str) else ""


def _value(body: Any) -> str | None:
    actions = body.get("actions") if isinstance(body, dict) else None
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    value = first.get("value")
    return value if isinstance(value, str) else None


def _dict(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _id(value: Any, name: str) -> str:
    """An id that stands under `name`, "" where there is none that is one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""
