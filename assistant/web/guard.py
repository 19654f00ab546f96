"""The outermost layer: request ids, keys, limits, security headers, a line of log, and the last handler of errors."""

import hashlib
import hmac
import logging
import re
import time
import uuid
from collections.abc import Collection
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant import logs
from assistant.exchanges import LOCAL
from assistant.steps import heard
from assistant.web.limits import SLACK, Limits, calls_ask, check_body, check_head, kind, read_body
from assistant.web.metrics import Metrics
from assistant.web.problems import FAILED, Problem, Refused, respond
from assistant.web.rates import Rates
from index.errors import ConfigurationError

log = logging.getLogger(__name__)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PUBLIC = ("/", "/healthz", "/readyz", SLACK)  # Slack signs what it sends: that is its key
_NAME = re.compile(r"[\w.-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


def read_keys(path: Path | None) -> dict[str, str]:
    """Names by sha256 of their key. Raises ConfigurationError for a file that is missing or has a bad line."""
    if path is None:
        return {}
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"ASSISTANT_API_KEYS_FILE {path} cannot be read; make a line with: python -m assistant key NAME"
        ) from error
    keys = {}
    for number, line in enumerate(lines, 1):
        name, _, digest = line.rpartition(":")
        if line and not line.startswith("#"):
            if not _NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
                raise ConfigurationError(
                    f"ASSISTANT_API_KEYS_FILE {path} line {number} is not name:sha256-of-key; "
                    "make a line with: python -m assistant key NAME"
                )
            if name == LOCAL:  # whoever has that key would read what was said in the terminal
                raise ConfigurationError(f"ASSISTANT_API_KEYS_FILE {path} line {number}: {LOCAL!r} is the user without "
                                         "a key; choose another name")  # fmt: skip
            keys[digest.lower()] = name
    if not keys:
        raise ConfigurationError(
            f"ASSISTANT_API_KEYS_FILE {path} has no key; make a line with: python -m assistant key NAME"
        )
    return keys


class Guard:
    """Pure ASGI, so that it also sees what the framework refuses. Puts `request_id`, and as `caller` the name of the
    key, or `LOCAL` where there are no keys, into the scope; at the end `told`, the fields of its line of log."""

    def __init__(
        self, app: ASGIApp, keys: dict[str, str], limits: Limits, metrics: Metrics, hosts: Collection[str] | None,
        rates: Rates,
    ) -> None:  # fmt: skip
        self._app, self._keys, self._hosts = app, keys, hosts
        self._limits, self._rates, self._metrics = limits, rates, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, whatever happens; then tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            await self._rates.close()  # the server ends
            return
        request_id = scope["request_id"] = uuid.uuid4().hex
        ids = {"request_id": request_id} | ({"trace_id": scope["trace_id"]} if "trace_id" in scope else {})
        with logs.about(**ids), heard(self._metrics.step):
            await self._watched(scope, receive, send, request_id)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started, status = time.perf_counter(), 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "X-Request-Id": request_id}.items():
                    out.setdefault(name, value)
            await send(message)

        try:
            await self._serve(scope, receive, reply)
        except Exception:  # the last resort: whatever happens, the caller gets an id and no trace
            log.exception("something failed")
            if not status:
                await respond(scope, FAILED)(scope, receive, reply)
        finally:
            self._tell(scope, status, time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            who = await self._admit(scope)
            body = await read_body(scope, receive, self._limits)
            if body is None:
                return  # the client went away before it had asked
            said = check_body(scope, body, self._limits)
            if calls_ask(scope, said):
                await self._rates.spend("questions", who)
        except Refused as refused:
            await respond(scope, refused.problem)(scope, receive, send)
        else:
            await self._app(scope, replay(body, receive), send)

    async def _admit(self, scope: Scope) -> str:
        """Look at everything but the body; for whom is counted. Raises Refused."""
        slack = scope["path"] == SLACK  # comes by the name of a proxy or tunnel, and in bursts
        check_head(scope, self._limits, None if slack else self._hosts)
        headers, address = Headers(scope=scope), str((scope.get("client") or ("unknown",))[0])
        caller = scope["caller"] = self._caller(headers)
        if caller is None and headers.get("authorization"):
            await self._rates.spend("bad keys", address)
        if caller is None and not _public(scope["path"]):
            raise Refused(Problem(401, "A key is needed", "Send Authorization: Bearer KEY"))
        by_key = caller is not None and bool(self._keys)
        who = f"key {caller}" if by_key else f"address {address}"
        # A page is some twenty files, for everyone behind one address.
        if not slack and not scope["path"].startswith("/static/"):
            await self._rates.spend(kind(scope), who)
        return who

    def _caller(self, headers: Headers) -> str | None:
        """Whose key it is, None for none or a wrong one."""
        if not self._keys:
            return LOCAL
        scheme, _, key = headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = [name for known, name in self._keys.items() if hmac.compare_digest(digest, known)]  # compares with all
        return found[0] if found and scheme.lower() == "bearer" else None

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request and log a line of JSON: ids, route and time, never what was asked or answered. Status 0
        means that the client went away before there was one."""
        route = str(getattr(scope.get("route"), "path", "/static" if scope["path"].startswith("/static/") else "none"))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        problem = scope.get("problem")
        if problem and status == 200:  # a stream that ended with an error
            status = problem.status
        self._metrics.request(route, method, status, seconds)
        told = {
            "request_id": scope["request_id"], "caller": scope.get("caller"), "method": method, "route": route,
            "status": status, "seconds": round(seconds, 4), "trace": scope.get("trace"),
            "problem": problem and problem.title,
        }  # fmt: skip
        scope["told"] = {name: value for name, value in told.items() if value is not None}
        log.info("%s %s %d in %.3f s", method, route, status, seconds, extra={"told": scope["told"]})


def _public(path: str) -> bool:
    return path in PUBLIC or path.startswith("/static/")


def replay(body: bytes, receive: Receive) -> Receive:
    """Gives `body` in one message, then whatever the client does next."""
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
