"""An Answer as Slack messages: pure, always within Slack's limits, split between sentences. Not for: sending them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.slack import limits
from assistant.slack.text import Json, address, borders, cut, escape, host, link, marked, marked_mrkdwn, piece, pieces
from assistant.slack.text import groups as grouped
from assistant.slack.words import Words, words

_TITLE, _HOLDER = 200, 120  # characters of a source's line that its title and its publisher get


@dataclass(frozen=True, slots=True)
class Message:
    """One Slack message: `text` is what notifications and screen readers get."""

    text: str
    blocks: tuple[Json, ...]


def answered(answer: Json, owner: str, share: bool = False, trouble: bool = False,
             size: int = limits.MESSAGE) -> tuple[Message, ...]:  # fmt: skip
    """The answer, the JSON of the contract, as one message or, where it is long, several of at most `size` characters.
    `owner` is the place whose conversation holds it; with `share` there is a button that shows it to everyone;
    `trouble` says that it is not remembered."""
    say, urls = words(answer["language"]), links(answer)
    blocks = list(_body(answer, urls, say, size))
    blocks += [b for c in answer["conflicts"] for b in _conflict(c, urls, say)]
    blocks += _sources(answer["citations"], say, min(size, limits.BLOCK))
    notes = [n for n in (answer.get("notice"), _dates(answer, say), say("not_kept") if trouble else None) if n]
    blocks += [_context(notes)] if notes else []
    return tuple(packed(blocks, _buttons(answer, owner, share, say), answer["text"], size))


def said(sentences: Sequence[tuple[str, Sequence[Json]]], language: str | None) -> Message:
    """What is verified so far of an answer that is still being made: sentences with their citations."""
    urls = {int(c["number"]): address(c["url"]) for _, cited in sentences for c in cited}
    room = limits.BLOCK - 100
    kept = sentences[: borders([len(t) + 1 for t, _ in sentences], room)[0][1]] if sentences else ()
    elements = [e for text, _ in kept for e in [*marked(cut(text, room), urls), piece(" ")]]
    waiting = words(language)("looking")
    return Message(escape(waiting), (rich([*elements, piece(waiting, italic=True)]),))


def told(text: str) -> tuple[Message, ...]:
    """Words of our own, however long."""
    return tuple(packed([rich([piece(p)]) for p in pieces(text, limits.BLOCK)], [], text, limits.MESSAGE))


def links(answer: Json) -> dict[int, str | None]:
    """Where the markers of an answer lead."""
    return {int(c["number"]): address(c["url"]) for c in answer["citations"]}


def packed(blocks: Iterable[Json], last: Sequence[Json], text: str, size: int) -> Iterator[Message]:
    """Messages of at most `size` characters that hold all blocks in their order, and `last` at the end."""
    everything = [*blocks, *last]
    plain = list(pieces(text, limits.PLAIN)) or ["…"]
    cuts = borders([weight(b) for b in everything], size)
    cuts = [(a, min(a + limits.MOST_BLOCKS, b)) for start, b in cuts for a in range(start, b, limits.MOST_BLOCKS)]
    for n, (start, end) in enumerate(cuts):
        yield Message(_fallback(plain[min(n, len(plain) - 1)]), tuple(everything[start:end]))


def weight(value: Any) -> int:
    """The characters that a block holds for its reader, and the links it holds."""
    if isinstance(value, dict):
        return sum(weight(v) for k, v in value.items() if k not in ("type", "action_id", "value", "block_id"))
    if isinstance(value, list | tuple):
        return sum(map(weight, value))
    return len(value) if isinstance(value, str) else 0


def source(citation: Json, say: Words) -> list[Json]:
    """A line on a source: title, publisher, date, kind, page, and a link that is called by the host it leads to."""
    page = f"p. {citation['page']}" if citation["page"] else None
    about = [cut(citation["title"], _TITLE), cut(citation["publisher"] or "", _HOLDER),
             citation["published"] or say("undated"), citation["kind"], page]  # fmt: skip
    line = [piece(" · ".join(" ".join(a.split()) for a in about if a))]
    url = address(citation["url"])
    return [*line, piece(" · "), link(url, host(url))] if url else line


def _fallback(text: str) -> str:
    """Escaping makes text longer, so it is cut once more."""
    return cut(escape(text), limits.PLAIN + 500)


def _body(answer: Json, urls: dict[int, str | None], say: Words, size: int) -> Iterator[Json]:
    if answer["refused"]:
        yield from (rich([piece(p)]) for p in pieces(answer["text"], min(size, limits.BLOCK)))
        yield _context([say("hint")])
        return
    for group in grouped((s["text"] for s in answer["sentences"]), min(size, limits.BLOCK) * 2 // 3):
        elements = [e for n, text in enumerate(group) for e in [*([piece(" ")] if n else []), *marked(text, urls)]]
        yield rich(elements)


def _conflict(conflict: Json, urls: dict[int, str | None], say: Words) -> Iterator[Json]:
    """What sources disagree about, two columns wide."""
    about = " ".join(cut(conflict["about"], _TITLE).split())
    yield rich([piece(say("conflict", about=about), bold=True)])
    fields = [_side(p, urls, say) for p in conflict["positions"]]
    for start in range(0, len(fields), limits.FIELDS):
        yield {"type": "section", "fields": fields[start : start + limits.FIELDS]}


def _side(position: Json, urls: dict[int, str | None], say: Words) -> Json:
    who = f"*{escape(cut(position['holder'], _HOLDER))}* · {position['published'] or say('undated')}"
    # Escaping and links make it longer: halve what is shown until it fits.
    most, text = 1200, str(position["text"])
    while len(shown := f"{who}\n{marked_mrkdwn(cut(text, most), urls)}") > limits.FIELD and most > 100:
        most //= 2
    return {"type": "mrkdwn", "text": shown, "verbatim": True}


def _sources(citations: Sequence[Json], say: Words, size: int) -> list[Json]:
    lines = [[piece(f"[{c['number']}] "), *source(c, say)] for c in citations]
    blocks = []
    for start, end in borders([weight(line) for line in lines], size - 50):
        elements = [e for n, line in enumerate(lines[start:end]) for e in [*([piece("\n")] if n else []), *line]]
        head = [piece(say("sources") + "\n", bold=True)] if start == 0 else []
        blocks.append(rich([*head, *elements]))
    return blocks


def _dates(answer: Json, say: Words) -> str | None:
    parts = [say("as_of", date=answer["as_of"])] if answer["as_of"] else []
    parts += [say("newest", date=answer["newest_source"] or say("undated"))] if answer["citations"] else []
    return " · ".join(parts) or None


def _buttons(answer: Json, owner: str, share: bool, say: Words) -> list[Json]:
    names = ["up", "down"] if answer["refused"] else ["quotes", "who", "other", "up", "down", "export"]
    value = json.dumps({"trace": answer["trace"], "owner": owner, "language": answer["language"]})
    return [{"type": "actions", "elements": [
        {"type": "button", "action_id": name, "value": value,
         "text": {"type": "plain_text", "text": cut(say(name), limits.BUTTON), "emoji": True}}
        for name in [*(["share"] if share and not answer["refused"] else []), *names]
    ]}]  # fmt: skip


def _context(notes: Sequence[str]) -> Json:
    shown = [{"type": "plain_text", "text": cut(" ".join(n.split()), limits.FIELD), "emoji": False} for n in notes]
    return {"type": "context", "elements": shown[: limits.CONTEXT]}


def rich(elements: Sequence[Json]) -> Json:
    """A paragraph."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}
