"""Where a paraphrase says more than, or the opposite of, its source: negation, opposites, quantity, certainty. Pure.

Each rule looks at the words that a cue stands before, so that a clause left out takes its "not" with it. Not for:
irony, and opposites that are not in `support_words.toml`.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from assistant.aligned import Line, Word
from index.keywords import stem

REACH, _FAR, _NEXT, _NEAR_COPY = 2, 8, 4, 0.85
_SAME_WORD, _SHORT = 6, 4
_STOPS = re.compile(r"[,;:.!?()—–]")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue at `start`, its `scope`, up to REACH content words after it in its clause, and `reach`, those near it."""

    start: int
    text: str
    scope: tuple[Word, ...]
    reach: tuple[Word, ...]


def denials(line: Line) -> tuple[Cue, ...]:
    """What `line` denies.

    >>> from assistant.aligned import read
    >>> from index.glossary import Glossary
    >>> [[w.stem for w in c.scope] for c in denials(read("It was not only signed, it was never published", Glossary()))]
    [['publish']]
    """
    neutral = [m.span() for m in _patterns()["neutral"].finditer(line.text)]
    return tuple(c for c in _cues(line, "negation") if not any(a <= c.start < b for a, b in neutral))


def negation(claim: Line, sources: Sequence[Line]) -> str | None:
    """What is denied on one side only, or None. `sources` are the sentences that support the claim, best first."""
    ours, theirs = denials(claim), [c for s in sources for c in denials(s)]
    for cue in ours:
        if not _denied(cue, sources, theirs):
            return _shown(claim, cue)
    for source in sources:
        for cue in denials(source):
            if _affirmed(cue, claim, ours, source):
                return _shown(source, cue)
    if sources and is_copy(claim, sources[0]):
        kept = [c for c in denials(sources[0]) if _kept(c, claim, sources[0])]
        if not len(_units(kept)) <= len(_units(ours)) <= len(_units(denials(sources[0]))):
            return "another number of negations"
    return None


def opposite(claim: Line, sources: Sequence[Line]) -> str | None:
    """A word of the claim whose opposite stands in its place in the sources, or None."""
    ours, theirs = _sides(claim), [side for s in sources for side in _sides(s)]
    for word in ours:
        same, kept = ([s for s in found if s.is_like(word, word.side)] for found in (ours, theirs))
        before, there = ([s for s in found if s.is_like(word, 1 - word.side)] for found in (ours, theirs))
        if len(same) > len(kept) and len(there) > len(before) and any(word.around & t.around for t in there):
            return word.word
    return None


def quantity(claim: Line, sources: Sequence[Line]) -> str | None:
    """A word like "all" or "only" that no source has, or a limit like "almost" left out; None where neither is."""
    said = " ".join(s.text for s in sources)
    copied = bool(sources) and is_copy(claim, sources[0])
    for name in ("all", "only", "always", "most"):
        found = _patterns()[name].findall(claim.text)
        told = [p for n in (name, f"{name}_too") for p in _patterns()[n].findall(said)]
        if found and (not told or (copied and len(found) > len(_patterns()[name].findall(said)))):
            return str(found[0])
    if copied and len(_cues(claim, "almost")) < sum(_kept(c, claim, sources[0]) for c in _cues(sources[0], "almost")):
        return "a limit left out"
    rough = _patterns()["almost"].search(claim.text) or _patterns()["almost_too"].search(claim.text)
    for source in sources if not rough else ():
        for cue in _cues(source, "almost"):
            if cue.scope and _once(cue.scope[0], claim, source):
                return f"{cue.text} left out"
    return None


def certainty(claim: Line, sources: Sequence[Line]) -> str | None:
    """What the claim states more firmly than its sources do, or None."""
    if bare := _bare(claim, sources):
        return bare
    ours = _modal(claim)
    for source in sources:
        for theirs, cue in _modal(source):
            word = next(iter(cue.scope), None)
            if word is None or not _once(word, claim, source) or not _kept(cue, claim, source):
                continue
            firm = [level for level, c in ours if any(w.meets(word.keys) for w in c.reach)]
            if not firm and (_noun(word, claim) or _patterns()["weak_too"].search(claim.text)):
                continue
            if (not firm and (theirs != "future" or _done(word, claim))) or (
                firm and theirs == "weak" and "weak" not in firm
            ):
                return f"{cue.text} {source.of(word)}"
    if sources and is_copy(claim, sources[0]) and _weakest(claim, claim) < _weakest(sources[0], claim):
        return "a possibility made certain"
    told = [(level, w) for s in sources for level, c in _modal(s) for w in c.scope]
    for level, cue in ours:
        known = [w for w in cue.scope[:1] if any(w.meets(s.keys) for s in sources)]
        # What is to come may be put as what will be; a duty is one only where the source says so.
        said = [w for other, w in told if level != "duty" or other == "duty"]
        if level != "weak" and known and not any(w.meets(known[0].keys) for w in said):
            return f"{cue.text} {claim.of(known[0])}"
    return None


def _bare(claim: Line, sources: Sequence[Line]) -> str | None:
    """A likelihood that the claim ends with, "the change is likely", where its sources in the same language say what is
    likely of the change: "the change will likely fail"."""
    told = [s for s in sources if s.language == claim.language]
    known = {_predicate(m) for s in told for m in _patterns()["bare"].finditer(s.text)}
    found = _patterns()["bare"].finditer(claim.text) if told else ()
    return next((m[0] for m in found if _predicate(m) not in known), None)


def _predicate(bare: re.Match[str]) -> str:
    return (bare[1] or bare[2]).casefold()[:_SAME_WORD]


def _weakest(line: Line, claim: Line) -> int:
    """How many cues of mere possibility `line` has in the clauses that the claim keeps."""
    return sum(_kept(cue, claim, line) for cue in _cues(line, "weak"))


def _done(word: Word, claim: Line) -> bool:
    """Whether the claim has the word as something that has happened."""
    said = [claim.of(w) for w in claim.words if w.meets(word.keys)]
    return any(_patterns()["done"].fullmatch(w) for w in said)


def _noun(word: Word, claim: Line) -> bool:
    """Whether the claim has the word as a noun, which states nothing of itself: "feared absorption"."""
    said = [claim.of(w) for w in claim.words if w.meets(word.keys)]
    return all(_patterns()["noun"].fullmatch(w) for w in said)


def _denied(cue: Cue, sources: Sequence[Line], theirs: Sequence[Cue]) -> bool:
    """Whether a source denies what the claim's cue denies."""
    if any(w.meets(other.keys) for c in theirs for w in c.reach for other in cue.scope):
        return True
    if any(w.meets(s.keys) for w in cue.scope[:1] for s in sources):
        return False
    return bool(theirs)


def _affirmed(cue: Cue, claim: Line, ours: Sequence[Cue], source: Line) -> bool:
    """Whether the claim affirms what a source's cue denies."""
    scope = cue.scope[:1]
    if not scope or not _once(scope[0], claim, source) or not _kept(cue, claim, source):
        return False
    return not any(w.meets(scope[0].keys) for c in ours for w in c.reach)


def _kept(cue: Cue, claim: Line, source: Line) -> bool:
    """Whether the claim has most of the clause that the cue stands in."""
    end = cue.start + len(cue.text)
    words = [w for part in _clause(source, cue.start, end, numbers=True) for w in part]
    words = words or [w for w in source.content if w.start >= end][:REACH]  # a cue between commas
    return not words or sum(w.meets(claim.keys) for w in words) * 2 > len(words)


def _once(word: Word, claim: Line, source: Line) -> bool:
    """Whether the claim has `word`, and the source has it in one place, so that it is that one it means."""
    return word.meets(claim.keys) and sum(w.stem == word.stem for w in source.words) == 1


def is_copy(claim: Line, source: Line) -> bool:
    """Whether the two have nearly the same words, so that a difference in one is a change of it."""
    sides = ((source.content, claim.keys), (claim.content, source.keys))
    return all(sum(w.meets(keys) for w in words) >= _NEAR_COPY * len(words) for words, keys in sides)


def _units(cues: Sequence[Cue]) -> list[Cue]:
    """Denials without those that only agree with the one before, as Russian and Belarusian require: "никто не"."""
    kept: list[Cue] = []
    for cue in cues:
        if not kept or kept[-1].scope != cue.scope or not cue.scope:
            kept.append(cue)
    return kept


@dataclass(frozen=True, slots=True)
class _Side:
    """A word on one side of a pair of opposites, and the keys of the content words next to it."""

    pair: str
    side: int
    word: str
    around: frozenset[str]

    def is_like(self, other: "_Side", side: int) -> bool:
        return self.pair == other.pair and self.side == side


@lru_cache(maxsize=20_000)
def _sides(line: Line) -> tuple[_Side, ...]:
    """The words of `line` that have opposites."""
    found = []
    for word in line.words:
        for pair, side in _sides_of(line.of(word).casefold()):
            near = [w for w in line.content if w is not word]
            near = sorted(near, key=lambda w: abs(w.start - word.start))[:_NEXT]
            found.append(_Side(pair, side, line.of(word), frozenset(k for w in near for k in w.keys)))
    return tuple(found)


@lru_cache(maxsize=50_000)
def _sides_of(word: str) -> tuple[tuple[str, int], ...]:
    """The pairs of the table, and the pair that every word makes with the same one after "un-" or "не-"."""
    listed = [(name, side) for name, pair in _opposites().items() for side in (0, 1) if pair[side].fullmatch(word)]
    negative = _negative().match(word)
    plain = word[negative.end() :] if negative else word
    own = [(f"un-{stem(plain)}", int(negative is not None))] if len(plain) > _SHORT else []
    return (*listed, *own)


def _modal(line: Line) -> list[tuple[str, Cue]]:
    return [(level, cue) for level in ("weak", "future", "duty") for cue in _cues(line, level)]


@lru_cache(maxsize=100_000)
def _cues(line: Line, name: str) -> tuple[Cue, ...]:
    return tuple(_found(line, name))


def _found(line: Line, name: str) -> Iterator[Cue]:
    for m in _patterns()[name].finditer(line.text):
        if m[0] == "May":  # the month
            continue
        before, after = _clause(line, m.start(), m.end())
        scope = after[:REACH]
        if not scope and line.language != "en":  # "появиться не может"
            scope = before[-1:]
        yield Cue(m.start(), m[0], tuple(scope), (*before[-_FAR:], *after[:_FAR]))


def _clause(line: Line, start: int, end: int, numbers: bool = False) -> tuple[list[Word], list[Word]]:
    """The words with content of the clause around `start` to `end`: those before and those after."""
    first = max((m.end() for m in _STOPS.finditer(line.text, 0, start)), default=0)
    last = next((m.start() for m in _STOPS.finditer(line.text, end)), len(line.text))
    inside = [w for w in line.content if first <= w.start < last and (numbers or not w.stem[0].isdigit())]
    inside = [w for w in inside if not _patterns()["negation"].fullmatch(line.of(w))]
    return [w for w in inside if w.end <= start], [w for w in inside if w.start >= end]


def _shown(line: Line, cue: Cue) -> str:
    return " ".join([cue.text, *(line.of(w) for w in cue.scope)])


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    return {n: re.compile(rf"(?<!\w)(?:{p})(?!\w)", re.IGNORECASE) for n, p in _table()["patterns"].items()}


@lru_cache(maxsize=1)
def _opposites() -> dict[str, tuple[re.Pattern[str], ...]]:
    return {n: tuple(re.compile(side, re.IGNORECASE) for side in pair) for n, pair in _table()["opposites"].items()}


@lru_cache(maxsize=1)
def _negative() -> re.Pattern[str]:
    return re.compile(_table()["prefixes"]["un"], re.IGNORECASE)


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = tomllib.loads(
        files("assistant").joinpath("support_words.toml").read_text("utf-8")
    )
    return table
