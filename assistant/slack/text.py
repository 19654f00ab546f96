"""Text of sources and askers as Slack shows it: literal, never a mention, a command or a link of its own. Pure."""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

from index.sentences import split

Json = dict[str, Any]
_MARKER = re.compile(r"\[(\d+)\]")
# mrkdwn has no way to write these as they are; look-alikes do not format anything.
_FORMATTING = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
_EMOJI = re.compile(r":(?=[\w+'-]+:)")
_CONTROL = re.compile(r"<([^<>]*)>")


def escape(text: str) -> str:
    """`text` on one line for a mrkdwn field, where nothing in it works.

    >>> escape("<!channel> *a* & <http://evil|https://good>")
    '&lt;!channel&gt; ∗a∗ &amp; &lt;http://evil|https://good&gt;'
    """
    plain = _EMOJI.sub(":\u2060", " ".join(text.split()).translate(_FORMATTING))
    plain = "›" + plain[1:] if plain.startswith(">") else plain
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def address(url: str | None) -> str | None:
    """`url` where a link may lead there, None where it may not: only web addresses with a host and nothing odd."""
    if url is None or not url.isprintable() or len(url) > 2000:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def host(url: str) -> str:
    """The host that `url` leads to: what a link is called."""
    return urlsplit(url).hostname or ""


def piece(text: str, **style: bool) -> Json:
    """Literal text of a rich text block."""
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def link(url: str, text: str) -> Json:
    """A link of a rich text block."""
    return {"type": "link", "url": url, "text": text}


def marked(text: str, urls: dict[int, str | None]) -> list[Json]:
    """A sentence with its markers as links to their sources."""
    found: list[Json] = []
    place = 0
    for marker in _MARKER.finditer(text):
        url = urls.get(int(marker.group(1)))
        if url:
            found += [piece(text[place : marker.start()])] if marker.start() > place else []
            found.append(link(url, marker.group()))
            place = marker.end()
    return [*found, *([piece(text[place:])] if text[place:] else [])]


def marked_mrkdwn(text: str, urls: dict[int, str | None]) -> str:
    """The same for a mrkdwn field."""
    parts, place = [], 0
    for marker in _MARKER.finditer(text):
        url = urls.get(int(marker.group(1)))
        shown = f"<{url.replace('&', '&amp;')}|{marker.group()}>" if url else marker.group()
        parts += [_inner(text[place : marker.start()]), shown]
        place = marker.end()
    return "".join([*parts, _inner(text[place:])])


def _inner(text: str) -> str:
    """Escaped, with the spaces at its ends: `text` is a part of a line."""
    if not text.strip():
        return text
    lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return lead + escape(text) + tail


def cut(text: str, most: int) -> str:
    """At most `most` characters, cut at a word border.

    >>> cut("The treaty was signed", 12)
    'The treaty…'
    """
    if len(text) <= most:
        return text
    border = text.rfind(" ", most // 2, most - 1)
    return text[: border if border > 0 else most - 1].rstrip(" ,;:–—-") + "…"


def pieces(text: str, most: int) -> Iterator[str]:
    """`text` in parts of at most `most` characters, cut between sentences, or where one is longer between words."""
    part = ""
    for sentence in _sentences(text):
        for words in _wrapped(sentence, most):
            if part and len(part) + 1 + len(words) > most:
                yield part
                part = words
            else:
                part = f"{part} {words}" if part else words
    if part:
        yield part


def groups(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    """`texts` in their order, in groups of at most `most` characters in all; one that is longer is cut."""
    group: list[str] = []
    size = 0
    for text in (p for t in texts for p in _wrapped(t, most)):
        if group and size + len(text) + 1 > most:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text) + 1
    if group:
        yield group


def heard(text: str, bot: str) -> str:
    """What a message says, without Slack's notation: mentions of `bot` and of others, entities, links, channels.

    >>> heard("<@UBOT> what is <https://a.org|this> &amp; <#C1|that>?", "UBOT")
    'what is this & #that?'
    """

    def read(match: re.Match[str]) -> str:
        inner, _, label = match.group(1).partition("|")
        if inner.startswith(("@", "!")):
            return f" {label.lstrip('@')} " if label and not inner.startswith(f"@{bot}") else " "
        return ("#" if inner.startswith("#") else "") + (label or inner.lstrip("#"))

    return " ".join(html.unescape(_CONTROL.sub(read, text)).replace("\0", " ").split())


def _sentences(text: str) -> list[str]:
    return [text[a:b].strip() for a, b in split(text)] if text.strip() else []


def _wrapped(text: str, most: int) -> Iterator[str]:
    while len(text) > most:
        border = text.rfind(" ", most // 2, most)
        border = border if border > 0 else most
        yield text[:border].rstrip()
        text = text[border:].lstrip()
    if text:
        yield text


def borders(lengths: list[int], most: int) -> list[tuple[int, int]]:
    """Ranges of neighbours whose `lengths` together stay within `most`; one that is longer stands alone.

    >>> borders([5, 5, 5], 10)
    [(0, 2), (2, 3)]
    """
    cuts, size = [0], 0
    for n, length in enumerate(lengths):
        if size and size + length > most:
            cuts.append(n)
            size = 0
        size += length
    return list(pairwise([*cuts, len(lengths)])) if lengths else []
