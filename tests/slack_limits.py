"""Slack's limits, as its documentation and its refusals have them: what a fake Slack refuses. Not a test module.

Written apart from the bot's own numbers, so that a wrong one there is found here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
TOTAL, TEXT = 13_200, 4000  # near these, whole messages and edits are refused
# What Slack would carry out or link where text is mrkdwn.
LIVE = re.compile(r"<(?:[!@#][^>]*|https?://[^>|]*(?:\|[^>]*)?|mailto:[^>]*)>")
_OWN_LINK = re.compile(r"<https?://[^\s<>|]+\|\[\d+\]>")


def problems(method: str, sent: Json) -> list[str]:
    """What is wrong with the arguments of a Web API method that shows something."""
    found = []
    if "blocks" in sent:
        found += list(_blocks(sent["blocks"], 50))
        if _size(sent["blocks"]) > TOTAL:
            found.append(f"msg_blocks_too_long: {_size(sent['blocks'])}")
    if "view" in sent:
        found += list(_view(sent["view"]))
    found += list(_text(method, sent))
    if "metadata" in sent and len(json.dumps(sent["metadata"]["event_payload"])) > 2000:
        found.append("metadata too large")
    return found


def _text(method: str, sent: Json) -> Iterator[str]:
    posts = method in ("chat.postMessage", "chat.postEphemeral", "chat.update", "response_url")
    if not posts:
        return
    if not sent.get("text"):
        yield "no_text"
    if len(sent.get("text", "")) > TEXT:
        yield f"msg_too_long: {len(sent['text'])}"
    yield from _live(sent.get("text", ""))
    if method == "chat.postMessage" and (
        sent.get("unfurl_links") is not False or sent.get("unfurl_media") is not False
    ):
        yield "unfurling is on"
    if sent.get("link_names") or sent.get("parse") not in (None, "none"):
        yield "names or links are looked for in the text"


def _blocks(blocks: list[Json], most: int) -> Iterator[str]:
    if not 0 < len(blocks) <= most:
        yield f"{len(blocks)} blocks"
    ids = [b["block_id"] for b in blocks if "block_id" in b]
    if len(ids) != len(set(ids)) or any(len(i) > 255 for i in ids):
        yield "block_id"
    for block in blocks:
        check = {"section": _section, "context": _context, "actions": _actions, "header": _header,
                 "rich_text": _rich_text, "divider": lambda _: iter(())}.get(block["type"])  # fmt: skip
        if check is None:
            yield f"unknown block {block['type']}"
        else:
            yield from check(block)


def _section(block: Json) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "an empty section"
    if "text" in block:
        yield from _object(block["text"], 3000)
    if not 0 < len(block.get("fields", [None])) <= 10:
        yield "fields"
    for field in block.get("fields", []):
        yield from _object(field, 2000)


def _context(block: Json) -> Iterator[str]:
    if not 0 < len(block["elements"]) <= 10:
        yield "context elements"
    for element in block["elements"]:
        yield from _object(element, 3000)


def _header(block: Json) -> Iterator[str]:
    if block["text"]["type"] != "plain_text":
        yield "a header is plain text"
    yield from _object(block["text"], 150)


def _actions(block: Json) -> Iterator[str]:
    if not 0 < len(block["elements"]) <= 25:
        yield "buttons"
    names = [e["action_id"] for e in block["elements"]]
    if len(names) != len(set(names)) or any(len(n) > 255 for n in names):
        yield "action_id"
    for element in block["elements"]:
        if element["type"] != "button" or element["text"]["type"] != "plain_text":
            yield "no button"
        yield from _object(element["text"], 75)
        if len(element.get("value", "")) > 2000:
            yield "value"


def _rich_text(block: Json) -> Iterator[str]:
    if not block["elements"]:
        yield "empty rich text"
    for part in block["elements"]:
        if part["type"] not in ("rich_text_section", "rich_text_quote") or not part["elements"]:
            yield f"rich text element {part['type']}, {len(part['elements'])} elements"
        for e in part["elements"]:
            if e["type"] == "text" and not 0 < len(e["text"]) <= 3000:
                yield f"rich text of {len(e['text'])} characters"
            elif e["type"] == "link" and not _good_link(e):
                yield f"link {e}"
            elif e["type"] not in ("text", "link"):
                yield f"rich text may hold no {e['type']} here"
    if sum(len(e.get("text", "")) for p in block["elements"] for e in p["elements"]) > 3000:
        yield "a rich text block of more than 3,000 characters"


def _good_link(e: Json) -> bool:
    """A label is a citation number or the host that the link leads to."""
    there = re.fullmatch(r"https?://([^/?#@\s]+)(?:[/?#]\S*)?", e["url"])
    host = (there and there.group(1).rpartition(":")[0]) or (there and there.group(1))
    return bool(there) and len(e["url"]) <= 3000 and (e["text"] == host or bool(re.fullmatch(r"\[\d+\]", e["text"])))


def _object(text: Json, most: int) -> Iterator[str]:
    if text["type"] not in ("plain_text", "mrkdwn") or not 0 < len(text["text"]) <= most:
        yield f"{text['type']} of {len(text['text'])} characters"
    if text["type"] == "mrkdwn":
        yield from _live(text["text"])
        if text.get("verbatim") is not True:
            yield "mrkdwn that is not verbatim"


def _live(text: str) -> Iterator[str]:
    for found in LIVE.findall(_OWN_LINK.sub("", text)):
        yield f"live: {found}"


def _view(view: Json) -> Iterator[str]:
    yield from _blocks(view["blocks"], 100)
    if view["type"] == "modal":
        for name in ("title", "close"):
            yield from _object(view[name], 24)
    if len(json.dumps(view)) > 250_000:
        yield "view too large"


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_size(v) for k, v in value.items() if k in ("text", "elements", "fields", "url"))
    return sum(map(_size, value)) if isinstance(value, list) else len(value) if isinstance(value, str) else 0
