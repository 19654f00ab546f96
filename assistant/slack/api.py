"""Slack's Web API: calls, and what their failures mean for who calls."""

import contextlib
import http.client
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

log = logging.getLogger(__name__)
_TIMEOUT, _MOST_WAIT, _TRIES = 10, 30.0, 4
_TOO_LONG = ("msg_too_long", "msg_blocks_too_long", "invalid_blocks", "too_many_blocks", "text_too_long")
_READS = ("conversations.replies", "conversations.history", "users.info", "auth.test")
_HOOKS = "https://hooks.slack.com/"
_PLAIN = re.compile(r"[!-~]{1,2000}")  # what an address is made of; others cannot be asked, now or later


class SlackFailed(Exception):
    """Slack did not do what was asked. `error` is its own word for why; no message holds a token."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"{method}: {error}")
        self.method, self.error = method, error


class Refused(SlackFailed):
    """It will not do it the next time either."""


class TooLong(Refused):
    """The message is too long, or its blocks are."""


class Unclear(SlackFailed):
    """Nobody knows whether it has done it."""


class Limited(SlackFailed):
    """It wants to be asked again after `seconds`."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(method, "ratelimited")
        self.seconds = seconds


class SlackApi:
    """One workspace's Web API. `wait` sleeps, and returns early when the process ends."""

    def __init__(self, token: str, url: str, wait: Callable[[float], object] = time.sleep,
                 timeout: int = _TIMEOUT) -> None:  # fmt: skip
        # No retries of the library's own: it cannot know which calls may be repeated.
        self.client = WebClient(token=token, base_url=url, timeout=timeout, retry_handlers=[])
        self._url, self._wait, self._timeout = url, wait, timeout
        self._people: dict[str, tuple[float, dict[str, Any]]] = {}

    def once(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One call, waiting for as long as Slack's rate limits ask. Raises Refused, TooLong, Unclear and Limited."""
        waited = 0.0
        while True:
            try:
                return self._call(method, arguments)
            except Limited as limited:
                waited += limited.seconds
                if waited > _MOST_WAIT:
                    raise
                self._wait(limited.seconds)

    def repeated(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The same for what may be done twice without harm, so it is tried again where it is unclear."""
        for attempt in range(_TRIES):
            try:
                return self.once(method, **arguments)
            except Unclear:
                if attempt == _TRIES - 1:
                    raise
                self._wait(0.25 * 4**attempt)
        raise AssertionError("not reached")

    def respond(self, url: str, body: dict[str, Any]) -> None:
        """Answer at the address that came with a command or click. Raises Refused, TooLong, Unclear and Limited."""
        own = self._url.removesuffix("api/")
        if not url.startswith((_HOOKS, own)) or not _PLAIN.fullmatch(url):
            raise Refused("response_url", "not an address of Slack")
        try:
            reply = WebhookClient(url, timeout=self._timeout, retry_handlers=[]).send_dict(body)
        except (OSError, http.client.HTTPException, SlackClientError) as error:
            raise Unclear("response_url", type(error).__name__) from error
        if reply.status_code == 429:
            raise Limited("response_url", _seconds(reply.headers))
        if reply.status_code >= 500:
            raise Unclear("response_url", str(reply.status_code))
        if reply.status_code != 200:
            kind = TooLong if reply.body in _TOO_LONG else Refused
            raise kind("response_url", reply.body[:100])

    def introduce(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Who the token belongs to, and the headers of that answer. Raises Refused, Unclear and Limited."""
        with _meant("auth.test"):
            reply = self.client.auth_test()
        data = reply.data if isinstance(reply.data, dict) else {}
        return data, {name.lower(): _first(value) for name, value in reply.headers.items()}

    def upload(self, name: str, text: str, channel: str, thread: str, comment: str) -> None:
        """Put a file there. Raises Refused, Unclear and Limited."""
        with _meant("files_upload_v2"):
            self.client.files_upload_v2(filename=name, content=text, channel=channel, thread_ts=thread or None,
                                        initial_comment=comment)  # fmt: skip

    def person(self, user: str) -> dict[str, Any]:
        """What Slack tells of a user, at most ten minutes old."""
        known = self._people.get(user)
        if known and known[0] > time.monotonic():
            return known[1]
        found: dict[str, Any] = self.repeated("users.info", user=user, include_locale=True)["user"]
        if len(self._people) > 10_000:
            self._people.clear()
        self._people[user] = time.monotonic() + 600, found
        return found

    def _call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with _meant(method):
            if method in _READS:  # these do not understand JSON
                reply = self.client.api_call(method, http_verb="GET", params=arguments)
            else:
                reply = self.client.api_call(method, json=arguments)
        data = reply.data
        if not isinstance(data, dict):
            raise Unclear(method, "no JSON")
        return data


@contextlib.contextmanager
def _meant(method: str) -> Iterator[None]:
    """Turns what the client raises into what it means for who calls."""
    try:
        yield
    except SlackApiError as error:
        raise _meaning(method, error) from error
    except (OSError, http.client.HTTPException, SlackClientError) as error:
        raise Unclear(method, type(error).__name__) from error


def _meaning(method: str, error: SlackApiError) -> SlackFailed:
    response = error.response
    status = getattr(response, "status_code", 0)
    code = str(response.get("error", "")) if hasattr(response, "get") else ""
    if status == 429 or code == "ratelimited":
        return Limited(method, _seconds(getattr(response, "headers", {})))
    if status >= 500 or code in ("internal_error", "fatal_error", "service_unavailable", "request_timeout", ""):
        return Unclear(method, code or str(status))
    return (TooLong if code in _TOO_LONG else Refused)(method, code)


def _seconds(headers: Any) -> float:
    """What `Retry-After` says, one second where it says nothing."""
    for name, value in dict(headers).items():
        if name.lower() == "retry-after":
            text = _first(value)
            return float(text) if text.replace(".", "", 1).isdigit() else 1.0
    return 1.0


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) and value else value)
