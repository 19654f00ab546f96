"""What a request may be: how large and deep and slow, where it may come from, and how many of them.

Not for: counting them (rates.py), who the caller is (guard.py), how many answers run at once (stream.py).
"""

import asyncio
import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from assistant.settings import is_loopback
from assistant.web.problems import MCP, Problem, Refused

Kind = Literal["questions", "requests", "bad keys"]
_ASKING = ("/api/ask", "/api/chat", "/v1/chat/completions")
_WITH_BODY, _SAFE = ("POST", "PUT", "PATCH"), ("GET", "HEAD", "OPTIONS", "TRACE")
_SPOKEN = ("/api/", "/v1/", MCP)  # routes whose bodies are JSON
_JSON = re.compile(r"application/json\s*(?:;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_DIGITS = 400
SLACK = "/slack/events"
_CONVERSATION = "/v1/chat/completions"  # clients of this route send the whole conversation with each question


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one caller: questions, other requests and wrong keys a minute, answers at once. Of all: answers at once, and
    how many of them work at a time, None for one a core. Of a request: bytes of its body, of one with a whole
    conversation, of its headers; levels of its JSON; seconds for its body, for an answer, and without an event until
    a comment keeps proxies awake."""

    questions: int = 120
    requests: int = 600
    bad_keys: int = 60
    streams: int = 64
    answers: int = 512
    working: int | None = None
    body: int = 64 * 1024
    conversation: int = 1024 * 1024
    headers: int = 16 * 1024
    depth: int = 64
    body_seconds: float = 30.0
    answer_seconds: float = 300.0
    heartbeat: float = 15.0


def kind(scope: Scope) -> Kind:
    """What a request counts as."""
    return "questions" if scope["method"] == "POST" and scope["path"] in _ASKING else "requests"


def calls_ask(scope: Scope, said: Any) -> bool:
    """Whether a request that counts as another calls the tool that answers questions; `said` is its JSON."""
    match said:
        case {"method": "tools/call", "params": {"name": "ask"}}:
            return bool(scope["method"] == "POST" and scope["path"] == MCP)
    return False


def check_head(scope: Scope, limits: Limits, hosts: Collection[str] | None) -> None:
    """Look at everything but the body. `hosts` are the names this server goes by, None where it cannot know. Raises
    Refused."""
    headers = Headers(scope=scope)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > limits.headers:
        raise Refused(Problem(431, f"The headers are larger than {limits.headers} bytes", close=True))
    if not _is_text(scope["path"]):
        raise Refused(Problem(400, "The path is no text", "Send it in UTF-8"))
    if hosts is not None and _name(headers.get("host", "")) not in hosts:  # DNS rebinding: another's name leads here
        raise Refused(Problem(421, "This server does not go by the name that was asked for", "Use http://127.0.0.1"))
    if scope["method"] not in _SAFE and _foreign(headers):
        raise Refused(Problem(403, "Requests from pages of other sites are not served"))
    if _spoken(scope) and not _JSON.fullmatch(headers.get("content-type", "").strip()):
        raise Refused(Problem(415, "The body must be JSON", "Send Content-Type: application/json", close=True))


def names_of(host: str) -> frozenset[str] | None:
    """The names of a server that listens on `host`; None where others than this machine reach it, by any name."""
    if not is_loopback(host):
        return None
    own = f"[{host}]" if ":" in host else host
    return frozenset({"localhost", "127.0.0.1", "[::1]", own.lower()})


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes | None:
    """The whole body, None when the client went away. Raises Refused for one that is too large, without reading on, or
    too slow."""
    most = limits.conversation if scope["path"] in (_CONVERSATION, SLACK) else limits.body
    too_large = Refused(Problem(413, f"The body is larger than {most} bytes", close=True))
    length = Headers(scope=scope).get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:12]) > most:
        raise too_large
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(limits.body_seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
                if size > most:
                    raise too_large
    except TimeoutError:
        late = f"The body did not come within {limits.body_seconds:g} seconds"
        raise Refused(Problem(408, late, close=True)) from None
    return b"".join(parts)


def check_body(scope: Scope, body: bytes, limits: Limits) -> Any:
    """What the body says, None where it need not be JSON. Raises Refused for a body that is not the JSON of RFC 8259,
    or says something twice or too deep."""
    if not _spoken(scope):
        return None
    try:
        text = body.decode("utf-8")
        _check_depth(text, limits.depth)
        read = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number,
                          parse_float=_finite, parse_int=_short)  # fmt: skip
        json.dumps(read, ensure_ascii=False).encode("utf-8")  # halves of surrogate pairs are no text
        return read
    except UnicodeError:
        raise Refused(Problem(400, "The body is not JSON", "Send it in UTF-8")) from None
    except json.JSONDecodeError as error:
        raise Refused(Problem(400, "The body is not JSON", f"{error.msg} at character {error.pos}")) from None
    except ValueError as error:
        raise Refused(Problem(400, "The body is not JSON that is read here", str(error)[:200])) from None


def _is_text(path: str) -> bool:
    """Whether it has no halves of surrogate pairs, which some servers make of bytes that are no UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in path)


def _spoken(scope: Scope) -> bool:
    """Whether its body has to be JSON. One that comes without any is left to the route, which may not know the method
    at all."""
    if scope["method"] not in _WITH_BODY or not scope["path"].startswith(_SPOKEN):
        return False
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "content-type" in headers or "transfer-encoding" in headers


def _name(host: str) -> str:
    """`host` without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and (port.isdigit() or not port) else host).lower()


def _foreign(headers: Headers) -> bool:
    """Whether a browser sends this for a page of another origin. See the Fetch Metadata and Origin headers."""
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    if site not in ("same-origin", "none"):
        return True
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _check_depth(text: str, most: int) -> None:
    """Raises ValueError, before a parser that works by recursion sees the text."""
    depth = 0
    for mark in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > most:
            raise ValueError(f"It is nested deeper than {most} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands twice in one object")
    return found


def _no_number(_: str) -> None:
    raise ValueError("NaN and Infinity are no numbers of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("A number is too large")
    return number


def _short(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("A number is too large")
    return int(digits)
