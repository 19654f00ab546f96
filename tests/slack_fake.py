"""A Slack of our own: its Web API over HTTP and its Socket Mode over a web socket, on free ports. Not a test module.

It refuses what Slack refuses (see slack_limits.py), fails on demand, and remembers all that it was sent.
"""

import itertools
import json
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from assistant.slack.doctor import SCOPES
from assistant.slack.signature import sign
from tests import slack_limits

Json = dict[str, Any]
BOT, TEAM, USER, CHANNEL, DIRECT = "UBOT", "T1", "U1", "C1", "D1"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-test", "xapp-test", "0123456789abcdef0123456789abcdef"
_ids = itertools.count(1)
_clock, _last = threading.Lock(), 0


@dataclass
class Fault:
    """How a call goes wrong: `status` 429 with `seconds` to wait, 500, 0 for an error code in a good response, or -1
    for a connection that is cut; `done` when it was carried out all the same."""

    status: int
    error: str = ""
    seconds: float = 0.0
    done: bool = False


@dataclass
class Message:
    """A message in a channel; `edits` counts how often it was changed."""

    ts: str
    channel: str
    thread_ts: str | None
    text: str
    blocks: list[Json]
    metadata: Json | None
    edits: int = 0
    streaming: bool = False
    appended: list[str] = field(default_factory=list)

    @property
    def event(self) -> str:
        """The event that it answers."""
        return str((self.metadata or {}).get("event_payload", {}).get("event", ""))

    @property
    def shown(self) -> str:
        """All that a reader sees, as one text."""
        return words_of(self.blocks) or self.text


class FakeSlack:
    """One workspace. Everything public may be read while it runs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.messages: dict[str, list[Message]] = defaultdict(list)
        self.calls: list[tuple[str, Json]] = []
        self.problems: list[str] = []
        self.whispers: list[Json] = []
        self.views: list[Json] = []
        self.files: list[Json] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.people: dict[str, Json] = {}
        self.scopes = ",".join(SCOPES)
        self.skew = 0.0
        self.refuses_streams = False
        self.acknowledged: dict[str, float] = {}
        self._held: tuple[str, int, Callable[[], object]] = ("", 0, bool)
        self._released = threading.Event()
        self._waiting: dict[str, tuple[float, Future[Json]]] = {}
        self._sockets: list[ServerConnection] = []
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.slack = self
        self._ws = serve(self._socket, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/api/"
        self.base = self.url.removesuffix("api/")
        for target in (self._http.serve_forever, self._ws.serve_forever):
            threading.Thread(target=target, daemon=True, name="fake-slack").start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._ws.shutdown()

    # What tests do

    def fail(self, method: str, *faults: Fault) -> None:
        self.faults[method].extend(faults)

    def deliver(self, payload: Json, kind: str = "events_api", attempt: int = 0) -> Future[Json]:
        """Send an envelope through a socket; the future has the acknowledgement's payload."""
        envelope, done = uuid.uuid4().hex, Future[Json]()
        body = {"envelope_id": envelope, "type": kind, "accepts_response_payload": kind != "events_api",
                "payload": payload, "retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}  # fmt: skip
        self._waiting[envelope] = time.monotonic(), done
        sockets = self.sockets()
        try:
            sockets[next(_ids) % len(sockets)].send(json.dumps(body))
        except (ConnectionClosed, ZeroDivisionError) as error:
            done.set_exception(ConnectionError(str(error)))
        return done

    def sockets(self) -> list[ServerConnection]:
        with self.lock:
            return list(self._sockets)

    def all(self) -> list[Message]:
        with self.lock:
            return [m for messages in self.messages.values() for m in messages]

    def answers(self, event: str) -> list[Message]:
        """The messages that answer an event, in their order."""
        return [m for m in self.all() if m.event == event]

    def count(self, method: str) -> int:
        with self.lock:
            return sum(m == method for m, _ in self.calls)

    # Web API

    def hold(self, method: str, nth: int, then: Callable[[], object]) -> None:
        """When `method` is called for the `nth` time, carry it out, do `then` and never answer."""
        self._held, self._released = (method, nth, then), threading.Event()

    def release(self) -> None:
        """Hold nothing any more."""
        self._held = ("", 0, bool)
        self._released.set()

    def held(self, method: str) -> bool:
        """Whether the call that was just carried out is the one to hold; then waits."""
        name, nth, then = self._held
        if method != name or self.count(method) != nth:
            return False
        then()
        self._released.wait(60)
        return True

    def call(self, method: str, sent: Json) -> tuple[int, Json, dict[str, str]]:
        with self.lock:
            self.calls.append((method, sent))
            fault = self.faults[method].popleft() if self.faults[method] else None
            if fault and not fault.done:
                return self._faulty(fault)
            wrong = slack_limits.problems(method, sent)
            if wrong:
                self.problems += [f"{method}: {w}" for w in wrong]
                code = "msg_too_long" if any("too_long" in w for w in wrong) else "invalid_blocks"
                return 200, {"ok": False, "error": code}, {}
            act = getattr(self, "_" + method.replace(".", "_"), None)
            body = {"ok": False, "error": "unknown_method"} if act is None else {"ok": True} | act(sent)
            return self._faulty(fault) if fault else (200, body, {})

    def _faulty(self, fault: Fault) -> tuple[int, Json, dict[str, str]]:
        if fault.status == 429:
            return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": f"{fault.seconds:g}"}
        return fault.status or 200, {"ok": False, "error": fault.error}, {}

    def _auth_test(self, sent: Json) -> Json:
        return {"user_id": BOT, "team_id": TEAM, "user": "union", "team": "Workspace", "bot_id": "B1"}

    def _users_info(self, sent: Json) -> Json:
        known = {"id": sent["user"], "profile": {"display_name": "Ann <!here>"}, "locale": "en-US"}
        return {"user": known | self.people.get(sent["user"], {})}

    def _apps_connections_open(self, sent: Json) -> Json:
        return {"url": f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link/?ticket=1"}

    def _chat_postMessage(self, sent: Json) -> Json:
        if error := self._place(sent["channel"]):
            return error
        return {"ts": self._add(sent).ts, "channel": sent["channel"]}

    def _chat_update(self, sent: Json) -> Json:
        found = self._find(sent["channel"], sent["ts"])
        if found is None:
            return {"ok": False, "error": "message_not_found"}
        found.text, found.blocks, found.edits = sent["text"], sent["blocks"], found.edits + 1
        found.metadata = sent.get("metadata", found.metadata)
        return {"ts": found.ts}

    def _chat_postEphemeral(self, sent: Json) -> Json:
        self.whispers.append(sent)
        return {"message_ts": _ts()}

    def _chat_startStream(self, sent: Json) -> Json:
        if self.refuses_streams or not sent.get("recipient_user_id"):
            return {"ok": False, "error": "missing_recipient_user_id"}
        added = self._add(sent | {"text": sent["markdown_text"]})
        added.streaming, added.appended = True, [sent["markdown_text"]]
        return {"ts": added.ts}

    def _chat_appendStream(self, sent: Json) -> Json:
        found = self._find(sent["channel"], sent["ts"])
        if found is None or not found.streaming:
            return {"ok": False, "error": "message_not_in_streaming_state"}
        found.appended.append(sent["markdown_text"])
        return {}

    def _chat_stopStream(self, sent: Json) -> Json:
        found = self._find(sent["channel"], sent["ts"])
        if found is None or not found.streaming:
            return {"ok": False, "error": "message_not_in_streaming_state"}
        found.streaming, found.metadata = False, sent.get("metadata")
        return {}

    def _conversations_replies(self, sent: Json) -> Json:
        thread = [m for m in self.messages[sent["channel"]] if sent["ts"] in (m.thread_ts, m.ts)]
        return self._page(thread, sent)

    def _conversations_history(self, sent: Json) -> Json:
        since = float(sent.get("oldest", 0))
        return self._page([m for m in self.messages[sent["channel"]] if not m.thread_ts and float(m.ts) > since], sent)

    def _page(self, found: list[Message], sent: Json) -> Json:
        start, size = int(sent.get("cursor") or 0), 3  # small pages, so that reading on is tried
        shown = [{"ts": m.ts, "user": BOT, "text": m.text} | ({"metadata": m.metadata} if m.metadata else {})
                 for m in found[start : start + size]]  # fmt: skip
        more = str(start + size) if start + size < len(found) else ""
        return {"messages": shown, "response_metadata": {"next_cursor": more}}

    def _assistant_threads_setStatus(self, sent: Json) -> Json:
        return {"ok": False, "error": "method_not_supported_for_channel_type"} if self.refuses_streams else {}

    def _assistant_threads_setSuggestedPrompts(self, sent: Json) -> Json:
        assert 0 < len(sent["prompts"]) <= 4
        return {}

    def _views_open(self, sent: Json) -> Json:
        self.views.append(sent["view"])
        return {"view": {"id": "V1"}}

    def _views_publish(self, sent: Json) -> Json:
        return self._views_open(sent)

    def _conversations_open(self, sent: Json) -> Json:
        return {"channel": {"id": f"D{sent['users']}"}}

    def _files_getUploadURLExternal(self, sent: Json) -> Json:
        return {"upload_url": f"{self.base}upload", "file_id": f"F{next(_ids)}"}

    def _files_completeUploadExternal(self, sent: Json) -> Json:
        self.files.append(sent)
        return {"files": json.loads(sent["files"]) if isinstance(sent["files"], str) else sent["files"]}

    def _place(self, channel: str) -> Json | None:
        return {"ok": False, "error": "channel_not_found"} if channel == "CGONE" else None

    def _add(self, sent: Json) -> Message:
        added = Message(_ts(), sent["channel"], sent.get("thread_ts"), sent["text"], sent.get("blocks", []),
                        sent.get("metadata"))  # fmt: skip
        self.messages[added.channel].append(added)
        return added

    def _find(self, channel: str, ts: str) -> Message | None:
        return next((m for m in self.messages[channel] if m.ts == ts), None)

    # Socket Mode

    def _socket(self, connection: ServerConnection) -> None:
        with self.lock:
            self._sockets.append(connection)
        try:
            connection.send(json.dumps({"type": "hello", "num_connections": 1}))
            for text in connection:
                reply = json.loads(text)
                sent, done = self._waiting.pop(reply["envelope_id"], (0.0, None))
                if done is not None:
                    self.acknowledged[reply["envelope_id"]] = time.monotonic() - sent
                    done.set_result(reply.get("payload") or {})
        except ConnectionClosed:
            pass
        finally:
            with self.lock:
                self._sockets.remove(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 512
    slack: FakeSlack


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        slack = self.server.slack
        if self.path == "/upload":
            slack.files.append({"content": raw.decode()})
            self._reply(200, b"OK", {})
        elif self.path.startswith("/response/"):
            sent = json.loads(raw)
            status, body, headers = slack.call("response_url", sent)
            if status == 200 and body["error" if not body["ok"] else "ok"] == "unknown_method":
                slack.whispers.append(sent)
                body = {"ok": True}
            self._reply(status, b"ok" if body["ok"] else body["error"].encode(), headers)
        elif self.headers.get("Authorization") not in (f"Bearer {BOT_TOKEN}", f"Bearer {APP_TOKEN}"):
            self._reply(200, json.dumps({"ok": False, "error": "invalid_auth"}).encode(), {})
        else:
            form = "json" not in self.headers.get("Content-Type", "")
            sent = dict(parse_qsl(raw.decode())) if form else json.loads(raw)
            method = self.path.removeprefix("/api/")
            status, body, headers = slack.call(method, sent)
            if slack.held(method):
                status = -1
            self._reply(status, json.dumps(body).encode(), headers)

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if status == -1:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(time.time() - self.server.slack.skew))  # type: ignore[arg-type]
        self.send_header("x-oauth-scopes", self.server.slack.scopes)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def event(text: str, *, user: str = USER, channel: str = CHANNEL, thread: str | None = None, kind: str = "app_mention",
          **more: Any) -> Json:  # fmt: skip
    """An Events API payload of a message."""
    inner = {"type": kind, "user": user, "channel": channel, "text": text, "ts": _ts(), "team": TEAM,
             "channel_type": "im" if channel.startswith("D") else "channel",
             **({"thread_ts": thread} if thread else {}), **more}  # fmt: skip
    return {"type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": f"Ev{next(_ids):08d}",
            "event_time": int(time.time()), "event": inner}  # fmt: skip


def mention(text: str, **more: Any) -> Json:
    """The same for a message that mentions the bot."""
    return event(f"<@{BOT}> {text}", **more)


def command(slack: FakeSlack, text: str, user: str = USER, channel: str = CHANNEL) -> Json:
    """The payload of the slash command."""
    return {"command": "/union-state", "text": text, "team_id": TEAM, "channel_id": channel, "user_id": user,
            "response_url": f"{slack.base}response/{next(_ids)}", "trigger_id": f"1.{next(_ids)}.x"}  # fmt: skip


def click(slack: FakeSlack, name: str, value: str, user: str = USER, channel: str = CHANNEL, ephemeral: bool = False,
          thread: str = "") -> Json:  # fmt: skip
    """The payload of a button."""
    container = {"type": "message", "channel_id": channel, "message_ts": thread or _ts(), "is_ephemeral": ephemeral,
                 **({"thread_ts": thread} if thread else {})}  # fmt: skip
    return {"type": "block_actions", "team": {"id": TEAM}, "user": {"id": user}, "channel": {"id": channel},
            "container": container, "trigger_id": f"1.{next(_ids)}.x", "api_app_id": "A1",
            "response_url": f"{slack.base}response/{next(_ids)}",
            "actions": [{"type": "button", "action_id": name, "block_id": "b", "value": value}]}  # fmt: skip


def signed(body: bytes, content: str = "application/json", at: float | None = None) -> dict[str, str]:
    """The headers of a request of Slack's."""
    timestamp = str(int(time.time() if at is None else at))
    return {"Content-Type": content, "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(SECRET, timestamp, body)}  # fmt: skip


def words_of(value: Any) -> str:
    """The texts of blocks."""
    if isinstance(value, dict):
        return "".join(words_of(v) for k, v in value.items() if k in ("text", "elements", "fields"))
    return "".join(map(words_of, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


def button(message: Json | Message, name: str) -> str:
    """What a button of a message carries. Raises StopIteration where there is none."""
    blocks = message.blocks if isinstance(message, Message) else message["blocks"]
    elements = (e for b in blocks if b["type"] == "actions" for e in b["elements"])
    return str(next(e["value"] for e in elements if e["action_id"] == name))


def _ts() -> str:
    """A timestamp that no other message has; later ones are greater."""
    global _last
    with _clock:
        _last = max(_last + 1, int(time.time() * 1_000_000))
        return f"{_last // 1_000_000}.{_last % 1_000_000:06d}"
