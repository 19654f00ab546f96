"""The outermost layer: request ids, body limits, security headers, keys, and the last handler of errors."""

import hashlib
import hmac
import logging
import re
import uuid
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.exchanges import LOCAL
from assistant.web.problems import problem
from index.errors import ConfigurationError

log = logging.getLogger(__name__)
MAX_BODY = 64 * 1024
_PUBLIC = ("/", "/healthz", "/readyz")
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
                raise ConfigurationError(f"ASSISTANT_API_KEYS_FILE {path} line {number} is not name:sha256-of-key")
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
    """Pure ASGI, so that it also sees what the framework refuses. Puts the name of the key, or `LOCAL` where there are
    no keys, into the scope as `caller`."""

    def __init__(self, app: ASGIApp, keys: dict[str, str]) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = uuid.uuid4().hex
        headers = Headers(scope=scope)
        started = False

        async def reply(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                out = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "X-Request-Id": request_id}.items():
                    out.setdefault(name, value)
            await send(message)

        try:
            body = await _body(receive, headers)
            caller = scope["caller"] = self._caller(headers)
            if caller is None and not _public(scope["path"]):
                refusal = problem(401, "A key is needed", request_id, "Send Authorization: Bearer KEY")
                await refusal(scope, receive, reply)
            elif body is None:
                await problem(413, f"The body is larger than {MAX_BODY} bytes", request_id)(scope, receive, reply)
            else:
                await self._app(scope, _replay(body, receive), reply)
        except Exception:  # the last resort: whatever happens, the caller gets an id and no trace
            log.exception("request %s failed", request_id)
            if not started:
                await problem(500, "Something failed here", request_id)(scope, receive, reply)

    def _caller(self, headers: Headers) -> str | None:
        """Whose key it is, None for none or a wrong one."""
        if not self._keys:
            return LOCAL
        scheme, _, key = headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = [name for known, name in self._keys.items() if hmac.compare_digest(digest, known)]  # compares with all
        return found[0] if found and scheme.lower() == "bearer" else None


def _public(path: str) -> bool:
    return path in _PUBLIC or path.startswith("/static/")


async def _body(receive: Receive, headers: Headers) -> bytes | None:
    """The whole body, or None when it is larger than MAX_BODY: read no further than that."""
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:12]) > MAX_BODY:
        return None
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """`body` in one message, then whatever the client does next."""
    read = False

    async def replay() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
