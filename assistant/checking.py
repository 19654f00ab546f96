"""Holds a claim that somebody makes against the sources, sentence by sentence. Not for: answering questions.

A sentence is supported where a passage proves it as `support.py` proves a model's wording; contradicted where one says
the same but for its figure, date, negation, order or certainty; else the sources do not tell.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from assistant import support
from index.documents import Passage
from index.search import Index
from index.sentences import split

Outcome = Literal["supported", "contradicted", "unknown"]
_PASSAGES, _QUOTES, _AROUND = 8, 2, 3
# What a rule objects to in a sentence that is otherwise the source's own. A missing name or a splice is no opposite.
_OPPOSITE = ("number", "date", "negation", "antonym", "quantifier", "order")
# Of a claim's words, the share that a sentence holds to be looked at, and of its other words when it contradicts.
# Titles are written with capitals too, so of the words with one a few may be missing.
_LOOKED_AT, _ALIKE, _UNNAMED = 0.25, 0.8, 0.25
_NAME = re.compile(r"\b[A-ZА-ЯЁІЎ][\w-]+")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, verbatim, from `document_id`, at `start` to `end` of its text."""

    passage: Passage
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of a claim. `differs` says in which words the quotes contradict it, "" where they do not."""

    text: str
    outcome: Outcome
    quotes: tuple[Quoted, ...]
    differs: str = ""


def check(claim: str, index: Index, most: int) -> tuple[Checked, ...]:
    """The verdict on each of the first `most` sentences of `claim`."""
    return tuple(_check(claim[a:b].strip(), index) for a, b in sentences(claim)[:most])


def sentences(claim: str) -> list[tuple[int, int]]:
    """Where the sentences of a claim stand that say something."""
    said = [(a, b, claim[a:b].strip()) for a, b in split(claim)]
    return [(a, b) for a, b, text in said if sum(map(str.isalpha, text)) > 2 and not text.endswith("?")]


def _check(text: str, index: Index) -> Checked:
    supported: list[tuple[float, Quoted]] = []
    opposed: list[tuple[float, Quoted, str]] = []
    for quoted in _windows(text, index):
        verdict = support.check(text, [quoted.text], index.glossary, index.encode, [quoted.passage.about.published])
        kinds = {p.kind for p in verdict.problems}
        if verdict.supported:
            supported.append((verdict.support, quoted))
            continue
        differs = ", ".join(dict.fromkeys(p.what for p in verdict.problems if p.kind in _OPPOSITE))
        if differs and kinds <= {*_OPPOSITE, "support"} and _about_the_same(text, differs, quoted, index):
            opposed.append((verdict.support, quoted, differs))
    if supported:
        best = sorted(supported, key=lambda s: (-s[0], len(s[1].text)))
        return Checked(text, "supported", _few([q for _, q in best]))
    if opposed:
        first = sorted(opposed, key=lambda s: (-s[0], len(s[1].text)))
        return Checked(text, "contradicted", (first[0][1],), first[0][2])
    return Checked(text, "unknown", ())


def _windows(text: str, index: Index) -> list[Quoted]:
    """The sentences of the nearest passages that share the most with `text`, and pairs of neighbours."""
    tokens = index.tokens(text)
    found: dict[tuple[str, int, int], tuple[float, Quoted]] = {}
    for passage in index.search(text, _PASSAGES):
        document = index.document(passage.chunk.document_id)
        if document is None:
            continue
        offset = passage.chunk.start
        spans = [(a + offset, b + offset) for a, b in split(document.text[offset : passage.chunk.end])]
        for start, end in [*spans, *((a[0], b[1]) for a, b in pairwise(spans))]:
            quote = document.text[start:end]
            share = len(tokens & index.tokens(quote)) / (len(tokens) or 1) - len(quote) / 100_000
            found[document.id, start, end] = share, Quoted(passage, quote, start, end)
    best = sorted(found.values(), key=lambda f: -f[0])
    return [quoted for share, quoted in best[: _PASSAGES * _AROUND] if share > _LOOKED_AT]


def _about_the_same(text: str, differs: str, quoted: Quoted, index: Index) -> bool:
    """Whether one sentence tells all of the claim but for what differs, so that the difference is a contradiction."""
    there, different = index.tokens(quoted.text), index.tokens(differs)
    rest = index.tokens(text) - different
    named = frozenset(t for name in _NAME.findall(text) for t in index.tokens(name)) - different
    alone = len(split(quoted.text)) == 1
    alike = len(rest & there) >= _ALIKE * len(rest) and len(named - there) <= _UNNAMED * len(named)
    begins = index.tokens(text.split()[0])  # most often whom it is about, and a name there is no title
    return alone and bool(rest) and begins - different <= there and alike


def _few(quotes: Sequence[Quoted]) -> tuple[Quoted, ...]:
    """The first ones of different documents."""
    chosen: dict[str, Quoted] = {}
    for quoted in quotes:
        chosen.setdefault(quoted.passage.chunk.document_id, quoted)
    return tuple(chosen.values())[:_QUOTES]
