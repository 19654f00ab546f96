"""Checks the Slack side of an installation and says what to mend."""

import email.utils
import http.client
import re
import time
from collections.abc import Callable

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient

from assistant.history import History
from assistant.slack.api import Refused, SlackApi, SlackFailed
from assistant.slack.bot import QUIET
from assistant.slack.queue import Queue
from assistant.slack.settings import SlackSettings
from index.errors import IndexingError

SCOPES = (
    "app_mentions:read", "assistant:write", "channels:history", "chat:write", "commands", "files:write",
    "groups:history", "im:history", "im:write", "mpim:history", "users:read",
)  # fmt: skip
_CLOCK, _WINDOW = 60, 300  # seconds of difference: a warning's worth, and where signatures are no longer accepted
_APP = "https://api.slack.com/apps"


class Unwell(Exception):
    """A check failed; the message names the cause and what to do."""


def run(settings: SlackSettings, history: History) -> list[tuple[str, bool, str]]:
    """All checks: name, whether it is well, what was found or what to do."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("slack settings", lambda: _settings(settings)),
        ("slack bot token", lambda: _bot(_api(settings))),
        ("slack scopes", lambda: _scopes(_api(settings))),
        ("slack clock", lambda: _clock(_api(settings), time.time)),
        ("slack signing secret", lambda: _signature(settings)),
        ("slack socket", lambda: _socket(settings)),
        ("slack queue", lambda: _queue(history)),
    )
    return [_check(name, check) for name, check in checks]


def _check(name: str, check: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, True, check()
    except Refused as refused:
        return name, False, f"Slack refuses: {refused.error}; install the app again and copy the Bot User OAuth Token"
    except SlackFailed as failed:
        return name, False, f"Slack cannot be reached ({failed.error}); check the network and SLACK_API_URL"
    except (Unwell, IndexingError) as error:
        return name, False, str(error)


def _settings(settings: SlackSettings) -> str:
    if settings.bot_token is None:
        raise Unwell(f"SLACK_BOT_TOKEN is not set; copy the Bot User OAuth Token (xoxb-…) of the app at {_APP}")
    if not settings.bot_token.get_secret_value().startswith("xoxb-"):
        raise Unwell("SLACK_BOT_TOKEN is no bot token; it begins with xoxb-")
    if settings.app_token is None and settings.signing_secret is None:
        raise Unwell("set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP events")
    if settings.app_token is not None and not settings.app_token.get_secret_value().startswith("xapp-"):
        raise Unwell("SLACK_APP_TOKEN is no app-level token; it begins with xapp-")
    return "HTTP events at /slack/events" if settings.http else "Socket Mode: python -m assistant slack"


def _api(settings: SlackSettings) -> SlackApi:
    if settings.bot_token is None:
        raise Unwell("not checked without SLACK_BOT_TOKEN")
    return SlackApi(settings.bot_token.get_secret_value(), settings.api_url)


def _bot(api: SlackApi) -> str:
    me, _ = api.introduce()
    return f"{me.get('user')} in {me.get('team')} ({me.get('team_id')})"


def _scopes(api: SlackApi) -> str:
    _, headers = api.introduce()
    held = {s.strip() for s in headers.get("x-oauth-scopes", "").split(",")}
    missing = [s for s in SCOPES if s not in held]
    if missing:
        raise Unwell(f"missing: {', '.join(missing)}; add them under OAuth & Permissions and install the app again")
    return f"all {len(SCOPES)}"


def _clock(api: SlackApi, clock: Callable[[], float]) -> str:
    _, headers = api.introduce()
    told = email.utils.parsedate_tz(headers.get("date", ""))
    if told is None:
        raise Unwell("Slack did not tell the time; something between here and Slack changes its answers")
    apart = round(clock() - email.utils.mktime_tz(told))
    if abs(apart) > _CLOCK:
        means = "requests of Slack are refused as too old" if abs(apart) >= _WINDOW else "signatures will soon fail"
        raise Unwell(f"this machine's clock is {apart:+d} s off Slack's: {means}; set it with NTP")
    return f"{apart:+d} s"


def _signature(settings: SlackSettings) -> str:
    if settings.signing_secret is None:
        if settings.app_token is not None:
            return "not needed in Socket Mode"
        raise Unwell(f"SLACK_SIGNING_SECRET is not set; it stands under Basic Information of the app at {_APP}")
    if not re.fullmatch(r"[0-9a-f]{32}", settings.signing_secret.get_secret_value()):
        raise Unwell(
            "SLACK_SIGNING_SECRET is not 32 hexadecimal digits; copy the Signing Secret, not the Client Secret"
        )
    return "looks right; only a request of Slack's proves it: press Retry beside the Request URL"


def _socket(settings: SlackSettings) -> str:
    if settings.app_token is None:
        return "not used without SLACK_APP_TOKEN"
    api, token = _api(settings), settings.app_token.get_secret_value()
    client = SocketModeClient(app_token=token, web_client=api.client, logger=QUIET, auto_reconnect_enabled=False)
    try:
        client.connect()
        return "connected"
    except SlackApiError as error:
        raise Unwell(f"Slack refuses SLACK_APP_TOKEN ({error.response.get('error')}); make one with the scope "
                     "connections:write, and turn Socket Mode on") from error  # fmt: skip
    except (OSError, http.client.HTTPException, SlackClientError) as error:
        raise Unwell(f"no web socket ({type(error).__name__}); let wss-primary.slack.com through the proxy") from error
    finally:
        client.close()


def _queue(history: History) -> str:
    counts = Queue(history).counts()
    waiting = counts.get("waiting", 0) + counts.get("working", 0)
    return f"{waiting} waiting, {counts.get('failed', 0)} failed, {counts.get('done', 0)} done"
