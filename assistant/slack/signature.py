"""Whether a request comes from Slack: its signature over the body's very bytes, at most five minutes old. Pure."""

import hashlib
import hmac
import re

WINDOW = 300  # seconds
_TIME, _SIGNATURE = re.compile(r"[0-9]{1,12}"), re.compile(r"v0=[0-9a-f]{64}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that Slack sends with `body`."""
    signed = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def genuine(secret: str, timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """Whether `signature` is Slack's, made within five minutes of `now`."""
    if not _TIME.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature) or abs(now - int(timestamp)) > WINDOW:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body), signature)
