"""What opens beside an answer, and the App Home: pure, within Slack's limits. Quotes are verbatim, not formatted."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from assistant.checking import Checked
from assistant.slack import limits
from assistant.slack.blocks import rich, source, weight
from assistant.slack.text import Json, cut, piece, pieces
from assistant.slack.words import Words, words

_QUOTE, _RECENT, _EXCERPT = 2500, 10, 300


@dataclass(frozen=True, slots=True)
class Recent:
    """An answer that somebody got: the day it was asked for, in ISO form, and whether it was a refusal."""

    question: str
    day: str
    text: str
    refused: bool


def quotes(answer: Json) -> Json:
    """Every cited source with its quote as it stands there."""
    say = words(answer["language"])
    return modal(say, "quotes", [b for c in answer["citations"] for b in _quoted(c, say)])


def who(answer: Json) -> Json:
    """The answer's sentences by whose word they are, each with its stance."""
    say = words(answer["language"])
    holders: dict[str, list[Json]] = {}
    for sentence in answer["sentences"]:
        holders.setdefault(sentence["holder"] or say("no_holder"), []).append(sentence)
    dates = {c["number"]: c["published"] or say("undated") for c in answer["citations"]}
    blocks = []
    for holder, sentences in holders.items():
        blocks.append(rich([piece(" ".join(cut(holder, 200).split()), bold=True)]))
        for s in sentences:
            when = ", ".join(dict.fromkeys(dates[n] for n in s["citations"] if n in dates))
            blocks.append(rich([piece(f"{cut(s['text'], _QUOTE)} ({say(s['stance'])}; {when})")]))
    return modal(say, "who", blocks)


def other(answer: Json, more: Iterable[tuple[Json, str]]) -> Json:
    """What contradicts the answer; else `more`, sources with passages that it does not cite."""
    say = words(answer["language"])
    blocks = []
    for conflict in answer["conflicts"]:
        blocks.append(rich([piece(say("conflict", about=cut(conflict["about"], 300)), bold=True)]))
        for p in conflict["positions"]:
            blocks.append(rich([piece(f"{cut(p['holder'], 200)} · {p['published'] or say('undated')}\n", bold=True),
                                piece(cut(p["text"], _QUOTE))]))  # fmt: skip
    if not blocks:
        blocks = [rich([piece(say("side_none"))])]
        found = [b for about, text in more for b in (rich(source(about, say)), _quote(text))]
        blocks += [rich([piece(say("side_more"), bold=True)]), *found] if found else []
    return modal(say, "other", blocks)


def home(language: str | None, recent: Sequence[Recent]) -> Json:
    """The App Home: what the bot does, how to ask, the reader's last answers."""
    say = words(language)
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(say("home_title"), limits.HEADER)}},
        rich([piece(say("home_how") + "\n\n"), *(piece(f"• {way}\n") for way in say("home_ways").split(" · "))]),
        rich([piece(say("home_try") + "\n", bold=True), *(piece(f"{q}\n") for q in prompts(language))]),
        rich([piece(say("home_recent"), bold=True)]),
    ]
    for r in recent[:_RECENT]:
        mark = f" ({say('refused')})" if r.refused else ""
        asked = piece(f"{r.day} · {cut(' '.join(r.question.split()), 200)}{mark}\n", bold=True)
        blocks.append(rich([asked, piece(cut(" ".join(r.text.split()), _EXCERPT))]))
    blocks += [] if recent else [rich([piece(say("home_none"))])]
    return {"type": "home", "blocks": blocks}


def prompts(language: str | None) -> list[str]:
    """Questions to begin with, at most four."""
    return [words(language)(f"ask_{n}") for n in (1, 2, 3, 4)]


def modal(say: Words, title: str, blocks: Sequence[Json]) -> Json:
    """A view named by the words `title`; what is too much for it is left off, and that is shown."""
    kept: list[Json] = []
    size = 0
    for block in blocks:
        size += weight(block)
        if size > limits.VIEW or len(kept) == limits.VIEW_BLOCKS - 1:
            kept.append(rich([piece("…")]))
            break
        kept.append(block)
    return {"type": "modal", "title": _plain(say(title), limits.VIEW_TITLE), "close": _plain(say("close"), 24),
            "blocks": kept or [rich([piece("…")])]}  # fmt: skip


def verdicts(checked: Sequence[Checked], cut_off: bool, language: str | None) -> list[Json]:
    """A pasted claim's sentences, each with its verdict and the quotes that decide it."""
    say = words(language)
    blocks = [] if checked else [rich([piece(say("check_none"))])]
    for c in checked:
        mark = {"supported": "✓", "contradicted": "✗", "unknown": "?"}[c.outcome]
        blocks.append(rich([piece(f"{mark} {say(c.outcome)}: ", bold=True), piece(cut(c.text, 1000))]))
        if c.differs:
            blocks.append(rich([piece(say("differs", what=cut(c.differs, 200)), italic=True)]))
        for quoted in c.quotes:
            blocks += [rich(source({**asdict(quoted.passage.about), "page": None}, say)), _quote(quoted.text)]
    note = say("check_cut", most=str(limits.CLAIM_SENTENCES))
    return [*blocks, *([rich([piece(note, italic=True)])] if cut_off else [])]


def _quoted(citation: Json, say: Words) -> list[Json]:
    head = rich([piece(f"[{citation['number']}] ", bold=True), *source(citation, say)])
    return [head, *(_quote(p) for p in pieces(citation["quote"], _QUOTE))]


def _quote(text: str) -> Json:
    quoted = {"type": "rich_text_quote", "elements": [piece(cut(text, _QUOTE))]}
    return {"type": "rich_text", "elements": [quoted]}


def _plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": cut(text, most), "emoji": False}
