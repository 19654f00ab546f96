"""The bot: Bolt hears what Slack sends, it is stored, then acknowledged, and a worker does it."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from slack_bolt import Ack, App, BoltRequest, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware import Middleware
from slack_bolt.request.payload_utils import (
    to_action,
    to_command,
    to_event,
    to_message,
    to_options,
    to_shortcut,
    to_step,
    to_view,
)  # fmt: skip
from slack_sdk.errors import SlackApiError

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import DatabaseFailed
from assistant.slack.api import Refused, SlackApi, SlackFailed
from assistant.slack.buttons import JUDGING, OPENING, Buttons
from assistant.slack.events import COMMAND, SHORTCUT, button_task, command_task, event_task, shortcut_task
from assistant.slack.queue import LEASE, MOST_WAITING, Queue
from assistant.slack.recorder import Recorder
from assistant.slack.scope import Scope
from assistant.slack.settings import SlackSettings
from assistant.slack.signature import genuine
from assistant.slack.tasks import Task
from assistant.slack.words import words
from assistant.slack.work import Parts, Worker
from assistant.terms import language
from index.errors import ConfigurationError, IndexingError

log = logging.getLogger(__name__)
# What Bolt takes out of every body, and breaks on where a body is not in shape.
_PARTS = (to_options, to_shortcut, to_action, to_view, to_command, to_event, to_message, to_step)
_CLICKS = 8  # threads for what happens at a click
_AT_ONCE = 64  # deliveries that wait together for one commit
# Bolt logs whole bodies at INFO, with what was said and tokens.
QUIET = logging.getLogger("assistant.slack.bolt")
QUIET.setLevel(logging.ERROR)


class SlackUnreachable(IndexingError):
    """Slack's Web API does not answer."""

    exit_code = 3


class Bot:
    """One process of the bot. Raises ConfigurationError for a token that Slack refuses, SlackUnreachable where there is
    no Slack. `lease` and `most` as in `Queue`, `pace` as in `Delivery`."""

    def __init__(self, settings: SlackSettings, assistant: Assistant, dialogue: Dialogue, lease: float = LEASE,
                 most: int = MOST_WAITING, pace: float = 1.5) -> None:  # fmt: skip
        self._ending = threading.Event()
        token = settings.bot_token.get_secret_value() if settings.bot_token else ""
        self._api = SlackApi(token, settings.api_url, self._ending.wait)
        self.scope = _scope(settings, self._api)
        self.queue = Queue(dialogue.history, lease, most)
        self._recorder = Recorder(self.queue)
        parts = Parts(assistant, dialogue, self.queue, self._api, self.scope, settings.admins, pace)
        self.worker = Worker(parts, self._recorder.stored, settings.workers)
        self._buttons = Buttons(assistant, dialogue, self.queue, self._api)
        self._secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
        self.app = self._bolt(token)

    def start(self) -> None:
        """Begin to work."""
        self.worker.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End; answers in hand get `seconds`, then the next process makes them."""
        self._recorder.close()
        self.worker.stop(seconds)
        self._ending.set()

    def http(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Serve a request of Slack's: status, headers, body. Only what is signed by Slack gets further than this."""
        timestamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not self._secret or not genuine(self._secret, timestamp, signature, body, time.time()):
            return 401, {}, b""
        form = headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded"
        if not _sound(body, form):
            return 400, {}, b""
        try:
            request = BoltRequest(body=body.decode(), headers=dict(headers))
            for part in _PARTS:
                part(request.body)
        except (AttributeError, IndexError, KeyError, TypeError):  # Bolt takes the shape of bodies on trust
            return 400, {}, b""
        reply = self.app.dispatch(request)
        names = {name: values[0] for name, values in reply.headers.items() if values}
        return reply.status, names, (reply.body or "").encode()

    def socket(self, app_token: str) -> SocketModeHandler:
        """A connection in Socket Mode, not begun yet."""
        return SocketModeHandler(self.app, app_token, logger=QUIET, concurrency=_AT_ONCE)

    def _bolt(self, token: str) -> App:
        me = AuthorizeResult(enterprise_id=None, team_id=self.scope.team, bot_user_id=self.scope.bot, bot_token=token)

        def authorize() -> AuthorizeResult:
            return me

        app = App(
            logger=QUIET, client=self._api.client, signing_secret=self._secret, authorize=authorize,
            listener_executor=ThreadPoolExecutor(_CLICKS, "slack-click"),
            request_verification_enabled=bool(self._secret),
        )  # fmt: skip
        app.middleware(_Recording(self._record))
        for name in (*OPENING, *JUDGING):
            app.action(name)(self._press(name))
        return app

    def _record(self, body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse | None:
        """What is a task is stored, then acknowledged; the rest goes on to its listener."""
        if body.get("type") == "event_callback":
            return self._stored(event_task(body, self.scope), "")
        if body.get("command") == COMMAND:
            task = command_task(body, self.scope)
            return self._stored(task, _waiting(task))
        if body.get("type") == "message_action" and body.get("callback_id") == SHORTCUT:
            return self._stored(shortcut_task(body, self.scope), "")
        name = _pressed(body)
        if name == "share":
            return self._stored(button_task(body, "share", self.scope), "")
        if name == "export":
            return self._stored(button_task(body, "export", self.scope), "")
        if name in (*OPENING, *JUDGING):
            return next()
        return BoltResponse(status=200, body="")

    def _stored(self, task: Task | None, text: str) -> BoltResponse:
        try:
            if task is not None:
                self._recorder.record(task)
        except DatabaseFailed as error:
            log.error("task %s is not stored: %s", task.id if task else "", error)
            if task is None or not task.response:
                return BoltResponse(status=503, body="")  # Slack sends events again
            text = words(None)("not_recorded")
        return BoltResponse(status=200, body={"response_type": "ephemeral", "text": text} if text else "")

    def _press(self, name: str) -> Callable[[Ack, dict[str, Any]], None]:
        def pressed(ack: Ack, body: dict[str, Any]) -> None:
            ack()
            task = button_task(body, "export", self.scope)
            if task is not None:
                self._buttons.press(name, task, str(body["trigger_id"]))

        return pressed


def serve(bot: Bot, app_token: str, until: threading.Event) -> None:
    """Work in Socket Mode until the event is set. Raises ConfigurationError for a token that Slack refuses."""
    handler = bot.socket(app_token)
    bot.start()
    try:
        try:
            handler.connect()  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            raise ConfigurationError(
                f"Slack refuses SLACK_APP_TOKEN ({error.response.get('error')}); make one with connections:write under "
                "Basic Information, App-Level Tokens"
            ) from error
        except OSError as error:
            raise SlackUnreachable(f"Slack cannot be reached ({type(error).__name__}); check the network") from error
        until.wait()
    finally:
        handler.close()  # type: ignore[no-untyped-call]
        bot.stop()


def _scope(settings: SlackSettings, api: SlackApi) -> Scope:
    """Who the bot is, as Slack says, and whom it answers."""
    try:
        me = api.repeated("auth.test")
    except Refused as refused:
        raise ConfigurationError(
            f"Slack refuses SLACK_BOT_TOKEN ({refused.error}); copy the Bot User OAuth Token (xoxb-…) again"
        ) from refused
    except SlackFailed as failed:
        raise SlackUnreachable(f"Slack cannot be reached ({failed.error}); check the network") from failed
    teams = settings.allowed_teams or frozenset({str(me["team_id"])})
    return Scope(str(me["user_id"]), str(me["team_id"]), teams, settings.allowed_channels, settings.allowed_users)


class _Recording(Middleware):
    """Calls `record` with the body alone. For a plain function Bolt makes three dozen things of every request, which
    took most of the time of an acknowledgement."""

    def __init__(self, record: Callable[[dict[str, Any], Callable[[], BoltResponse]], BoltResponse | None]) -> None:
        self._record = record

    def process(self, *, req: BoltRequest, resp: BoltResponse, next: Callable[[], BoltResponse]) -> BoltResponse | None:
        """As Bolt calls it."""
        return self._record(req.body, next)


def _sound(body: bytes, form: bool) -> bool:
    """Whether a body is text that Bolt can read: a JSON object, or a form, perhaps with one in it."""
    try:
        text = body.decode("utf-8")
        if form:
            fields = parse_qs(text)
            text = fields.get("payload", ["{}"])[0] if fields else ""
        read = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(read, dict):
        return False
    named = [read[n] for n in ("team", "user", "channel", "message", "container") if n in read]
    event = read.get("event", None if read.get("type") == "event_callback" else {})
    listed = isinstance(read.get("actions", []), list)
    return isinstance(event, dict) and listed and all(isinstance(n, dict | str) for n in named)


def _pressed(body: dict[str, Any]) -> str:
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions else {}
    return str(first.get("action_id", "")) if isinstance(first, dict) else ""


def _waiting(task: Task | None) -> str:
    """What a command shows at once. What is said at once by its task needs none."""
    if task is None or task.kind not in ("ask", "check"):
        return ""

    return words(language(task.text))("looking" if task.kind == "ask" else "checking")
