"""Answers and conversations as Markdown, each answer with its bibliography. Pure.

Nothing of a question, source or title is markup in it: it is escaped, and only http and https addresses are links.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from assistant.exchanges import Conversation, Exchange, Json

_MARKUP = re.compile(r"[\\`*_\[\]<>&~|$#]|(?<=\w):(?=//)|^[+\-=:]")
_NUMBER = re.compile(r"^(\d{1,9})([.)])")
_ADDRESS = re.compile(r"https?://[^\s<>\\]+")


def answer_markdown(answer: Json) -> str:
    """One recorded answer, the JSON of the contract: question, text, conflicts and the sources it cites."""
    return "\n".join([f"# {escape(answer['question'])}", "", *_body(answer)]) + "\n"


def conversation_markdown(conversation: Conversation, exchanges: Iterable[Exchange]) -> str:
    """A conversation from its first question on."""
    lines = [f"# {escape(conversation.title)}", ""]
    for exchange in exchanges:
        lines += [f"## {exchange.number}. {escape(exchange.question)}", ""]
        lines += [f"*{exchange.asked:%Y-%m-%d %H:%M} UTC*", "", *_body(exchange.answer), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def escape(text: str) -> str:
    r"""`text` on one line, so that a Markdown reader shows it as it is and follows nothing in it.

    >>> print(escape("![x](http://example.org) <b> *is* [1]"))
    !\[x\](http\://example.org) \<b\> \*is\* \[1\]
    >>> print(escape("1. first"))
    1\. first
    """
    return _NUMBER.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", " ".join(text.split())))


def link(address: str | None) -> list[str]:
    """`address` as a link of Markdown, where it is one of http; else nothing."""
    return [f"<{address}>"] if address and _ADDRESS.fullmatch(address) else []


def _body(answer: Json) -> Iterator[str]:
    yield from (escape(answer["text"]), "")
    if answer.get("notice"):  # answers that were kept before there were notices have none
        yield from (f"*{escape(answer['notice'])}*", "")
    for conflict in answer["conflicts"]:
        yield from (f"**{escape(conflict['about'])}**", "")
        for position in conflict["positions"]:
            yield f"- {escape(position['holder'])}: {escape(position['text'])} ({position['published'] or 'undated'})"
        yield ""
    if answer["citations"]:
        yield from ("### Sources", "")
    for citation in answer["citations"]:
        yield from (f"{citation['number']}. {_source(citation)}", "", f"   > {escape(citation['quote'])}", "")
    as_of = f"as of {answer['as_of']} · " if answer["as_of"] else ""
    made = f"model {escape(answer['model'])} · index {escape(answer['index'])} · trace {answer['trace']}"
    yield f"*{as_of}confidence {answer['confidence']:.2f} · {made}*"


def _source(citation: dict[str, Any]) -> str:
    who = [citation["author"], citation["publisher"]]
    page = f"p. {citation['page']}" if citation["page"] else None
    parts = [*who, citation["title"], citation["published"] or "undated", citation["kind"], citation["heading"], page]
    return ". ".join([*(escape(p) for p in parts if p), *link(citation["url"])])
