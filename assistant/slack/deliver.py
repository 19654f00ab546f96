"""Sends a reply so that it stands there once, whatever fails and whoever takes over: each part of it is a message that
carries its event's id, is looked for where nobody knows whether it was sent, and is edited from then on.

A reply that only the asker sees cannot be looked for: see `_whisper`.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from assistant.slack.api import Refused, SlackApi, SlackFailed, TooLong, Unclear
from assistant.slack.blocks import Message
from assistant.slack.queue import Queue
from assistant.slack.tasks import Claimed

log = logging.getLogger(__name__)
EVENT = "union_state_answer"
_PENDING, _TRIES = "?", 4
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")
_LOOKALIKES = {ord(a): b for a, b in zip("<>`@", "‹›ˋ＠", strict=True)}
_PACE = 1.5  # seconds between two signs of progress


class Delivery:
    """The reply to one task. Every method raises SlackFailed, Lost and DatabaseFailed. `stops` is called between tries
    and waits; `pace` is the least time between two edits while an answer is made, in seconds."""

    def __init__(self, api: SlackApi, queue: Queue, claimed: Claimed, wait: Callable[[float], object],
                 bot: str, pace: float = _PACE) -> None:  # fmt: skip
        self._api, self._queue, self._claimed, self._wait, self._bot = api, queue, claimed, wait, bot
        self._task = claimed.task
        self._shares = claimed.task.kind == "share"  # its first message begins a thread of its own
        self._pace, self._shown = pace, time.monotonic()
        self._streams, self._streamed = False, 0

    def begin(self, waiting: Message, status: str) -> None:
        """Show at once that the question was heard: as a status where Slack has one, else as a message to be edited."""
        if not self._task.thread:
            return  # the acknowledgement of a command has said so
        if self._task.direct and not self._claimed.sent:
            with contextlib.suppress(Refused):
                self._api.once("assistant.threads.setStatus", channel_id=self._task.channel,
                               thread_ts=self._task.thread, status=status)  # fmt: skip
                self._streams = True
                return
        self._put(0, waiting)

    def progress(self, sentences: Sequence[str], message: Message) -> None:
        """Show the verified sentences so far, `message` holds them too. Skipped when the last time was just now, or
        where it fails: the whole answer is still to come."""
        if not self._task.thread or time.monotonic() - self._shown < self._pace:
            return
        try:
            if self._streams:
                self._stream(" ".join(_plain(s) for s in sentences))
            else:
                self._put(0, message)
        except SlackFailed as error:
            log.info("task %s: progress not shown: %s", self._task.id, error)
            self._streams = False
        self._shown = time.monotonic()

    def finish(self, render: Callable[[int | None], Sequence[Message]]) -> None:
        """Send the whole reply. `render` makes its messages, the smaller the less it is given; None for the usual
        size."""
        if self._streamed:
            self._stop_stream()
        for size in (None, 4000, 2000, 1000):
            try:
                self._send(render(size))
                return
            except TooLong:
                if size == 1000:
                    raise

    def _send(self, messages: Sequence[Message]) -> None:
        for part, message in enumerate(messages):
            if self._task.thread or self._shares:
                self._put(part, message)
            else:
                self._whisper(part, message)

    def _put(self, part: int, message: Message) -> None:
        """Edit the message of a part, which is sent first where it is not there yet."""
        timestamp = self._claimed.sent.get(str(part))
        if timestamp == _PENDING:
            timestamp = self._found(part)
        if timestamp is not None:
            self._queue.check(self._claimed)
            body = _body(message) | {"metadata": self._metadata(part)}
            try:
                self._api.repeated("chat.update", channel=self._task.channel, ts=timestamp, **body)
                return
            except Refused as refused:
                if refused.error not in _GONE:
                    raise
        self._post(part, message)

    def _post(self, part: int, message: Message) -> None:
        self._queue.sent(self._claimed, str(part), _PENDING)
        thread = self._thread(part)
        arguments = _body(message) | {
            "channel": self._task.channel, "metadata": self._metadata(part), "unfurl_links": False,
            "unfurl_media": False, **({"thread_ts": thread} if thread else {}),
        }  # fmt: skip
        for attempt in range(_TRIES):
            try:
                timestamp = str(self._api.once("chat.postMessage", **arguments)["ts"])
                self._queue.sent(self._claimed, str(part), timestamp)
                return
            except Unclear:
                self._wait(0.25 * 4**attempt)
                if self._found(part) is not None:
                    return
                if attempt == _TRIES - 1:
                    raise

    def _found(self, part: int) -> str | None:
        """The message of a part that was sent without our knowing, None where it was not."""
        cursor, found, thread = "", None, self._thread(part)
        method = "conversations.replies" if thread else "conversations.history"
        where = {"ts": thread} if thread else {"oldest": f"{self._claimed.received - 60:.6f}"}
        while found is None:
            page = self._api.repeated(method, channel=self._task.channel, include_all_metadata=True, limit=200,
                                      **where, **({"cursor": cursor} if cursor else {}))  # fmt: skip
            found = next((str(m["ts"]) for m in page.get("messages", []) if self._is_ours(m, part)), None)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        if found is not None:
            self._queue.sent(self._claimed, str(part), found)
        return found

    def _is_ours(self, message: dict[str, Any], part: int) -> bool:
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") == EVENT:
            payload = metadata.get("event_payload") or {}
            return bool(payload.get("event") == self._task.id and payload.get("part") == part)
        # A stream that was begun carries nothing yet. Tasks of one thread follow each other, so it is this one's.
        mine = message.get("user") == self._bot and not message.get("files") and self._task.direct and part == 0
        return bool(mine and float(message["ts"]) > self._claimed.received - 60)

    def _thread(self, part: int) -> str:
        """The thread that a part stands in, "" where it begins one."""
        if self._shares and not self._task.thread:
            return self._claimed.sent["0"] if part else ""
        return self._task.thread

    def _metadata(self, part: int) -> dict[str, Any]:
        return {"event_type": EVENT, "event_payload": {"event": self._task.id, "part": part}}

    def _stream(self, text: str) -> None:
        place = {"channel": self._task.channel}
        if not self._streamed:
            self._queue.sent(self._claimed, "0", _PENDING)
            begun = self._api.once("chat.startStream", **place, thread_ts=self._task.thread, markdown_text=text,
                                   recipient_user_id=self._task.user, recipient_team_id=self._task.team)  # fmt: skip
            self._queue.sent(self._claimed, "0", str(begun["ts"]))
        elif text[self._streamed :]:
            self._queue.check(self._claimed)
            self._api.once("chat.appendStream", **place, ts=self._claimed.sent["0"],
                           markdown_text=text[self._streamed :])  # fmt: skip
        self._streamed = len(text)

    def _stop_stream(self) -> None:
        """Whether it could be stopped or was by Slack: the edit that follows puts the whole answer there."""
        with contextlib.suppress(SlackFailed):
            self._api.once("chat.stopStream", channel=self._task.channel, ts=self._claimed.sent["0"],
                           metadata=self._metadata(0))  # fmt: skip
        self._streamed, self._streams = 0, False

    def _whisper(self, part: int, message: Message) -> None:
        """Send a part to the asker alone. Where a process dies just between sending and remembering it, the next one
        sends it again: better twice than never."""
        if self._claimed.sent.get(str(part)) == "sent":
            return
        self._queue.check(self._claimed)
        body = _body(message) | {"unfurl_links": False, "unfurl_media": False}
        try:
            self._api.respond(self._task.response, body | {"response_type": "ephemeral", "replace_original": False})
        except TooLong:
            raise
        except Refused:  # used up or too old
            self._api.once("chat.postEphemeral", channel=self._task.channel, user=self._task.user, **_body(message))
        self._queue.sent(self._claimed, str(part), "sent")


def _body(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _plain(sentence: str) -> str:
    """A sentence as Markdown that does nothing: what it looks like is put right when the answer is whole."""
    shown = " ".join(sentence.split()).translate(_LOOKALIKES)
    return "".join(f"\\{c}" if c in "\\*_~[]()#!|" else c for c in shown)
