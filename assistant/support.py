"""Whether the quotes that a sentence cites prove it: rules that may only refuse, and a small model of likeness. Pure.

The model's weights are data, written by `python -m evals.fit_support`. Not for: whether the quotes themselves are
true, whose word they are (claims.py), and inference over several steps.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assistant import figures, naming, polarity, timing
from assistant.aligned import Line, Word, fold, read, sentences
from index.glossary import Glossary
from index.sentences import split

Kind = Literal[
    "number", "date", "name", "quotation", "letters", "negation", "antonym", "quantifier", "modality", "order",
    "splice", "support",
]  # fmt: skip
Vector = NDArray[np.float32]
# For each text its unit vectors, one an encoder; None where that encoder does not read the text.
Encode = Callable[[Sequence[str]], Sequence[tuple[Vector | None, ...]]]
FEATURES = (
    "best", "window", "all", "sequence", "pairs", "weakest", "run", "names", "figures", "cosine_english",
    "cosine_across", "cosine_top", "brief",
)  # fmt: skip
_COMPARED, _WINDOW, _STRANGE = 12, 3, 0.15
# The least support that a reader is shown. The fitted thresholds part public sets evenly, but a wrong sentence costs
# more than a right one that is said in its source's words instead. Of the sentences in tests/recorded.jsonl that no
# rule objects to, the right ones have .70 and more, the wrong one .53.
_SHOWN = 0.6
_CLAUSE = re.compile(
    r"[,;:()](?!\s(?:что|чтобы|що|што|каб|that)\b)|\s[—–-]\s|\s(?:and|but|while|whereas|и|а|но|і|але|ды)\s"
)
_BACK = re.compile(
    r"(?i)\b(?:he|she|it|they|him|her|them|his|its|their|this|these|those|он|она|оно|они|его|её|ее|их|ему|им|"
    r"это\w?|эт\w{1,2}|ён|яна|яно|яны|яго|яе|іх|яму|гэт\w{1,3})\b"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a sentence is not proven: its kind, and the words of the sentence or of its source."""

    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`support` is the model's probability, 0 to 1, that the quotes say what the sentence says; `supported` holds
    only where no rule objects too."""

    problems: tuple[Problem, ...]
    support: float
    supported: bool


@dataclass(frozen=True, slots=True)
class Model:
    """`weights` of FEATURES after `bias`; less than `threshold` is no support."""

    weights: tuple[float, ...]
    bias: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence of the quotes: which quote, and which sentence of it."""

    line: Line
    quote: int
    number: int


@dataclass(frozen=True, slots=True)
class Aligned:
    """A claim with the sentences of its quotes: for each of its clauses the one that covers it best, and all of them
    from the one that covers most of the claim to the one that covers least."""

    claim: Line
    clauses: tuple[tuple[Word, ...], ...]
    bearers: tuple[Place, ...]
    ranked: tuple[Place, ...]
    places: tuple[Place, ...]

    @property
    def sources(self) -> list[Line]:
        """The sentences that bear the claim, best first."""
        chosen = {id(p): p for p in self.bearers}
        return [p.line for p in self.ranked if id(p) in chosen]

    @property
    def across(self) -> bool:
        """Whether the claim is in another language than the sentence that bears most of it."""
        return self.claim.language != self.ranked[0].line.language


def check(
    claim: str, quotes: Sequence[str], glossary: Glossary, encode: Encode, published: Sequence[str | None] = ()
) -> Verdict:
    """Whether `quotes` prove `claim`. `published` has the ISO date of each quote's source, for "last year" and others.

    >>> check("The treaty stood.", ["It came. “The treaty stood.”"], Glossary(), lambda texts: [])
    Verdict(problems=(), support=1.0, supported=True)
    """
    if verbatim(claim, quotes):
        return Verdict((), 1.0, True)
    aligned = align(claim, quotes, glossary)
    if aligned is None:
        return Verdict((Problem("support", "nothing is cited" if claim.strip() else "nothing is said"),), 0.0, False)
    found = tuple(objections(aligned, quotes, glossary, published))
    model = load()["across" if aligned.across else "within"]
    measures = features(aligned, encode, timing.day(published))
    logit = model.bias + sum(w * f for w, f in zip(model.weights, measures, strict=True))
    support = round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 4)
    if support < max(model.threshold, _SHOWN):
        found += (Problem("support", "its words stand too far from those of its sources"),)
    return Verdict(found, support, not found)


def verbatim(claim: str, quotes: Sequence[str]) -> bool:
    """Whether the claim is a sentence, or several in a row, of one quote, but for quotation marks, dashes and spaces.

    >>> verbatim("«Да» — нет", ['"Да" - нет.']), verbatim("signed", ["It was not signed."])
    (True, False)
    """
    plain = _bare(claim)
    return bool(plain) and any(plain in _stretches(quote) for quote in quotes)


@lru_cache(maxsize=20_000)
def _stretches(quote: str) -> frozenset[str]:
    """The quote's sentences, and every two and three in a row, for comparison."""
    spans = split(quote)
    ends = [[spans[min(n + more, len(spans) - 1)][1] for more in range(_WINDOW)] for n in range(len(spans))]
    return frozenset(_bare(quote[start:end]) for (start, _), many in zip(spans, ends, strict=True) for end in many)


def _bare(text: str) -> str:
    return fold(text).strip(' ."')


def align(claim: str, quotes: Sequence[str], glossary: Glossary) -> Aligned | None:
    """The claim beside its quotes; None where either has no words."""
    line = read(claim, glossary)
    places = tuple(
        Place(s, q, n) for q, quote in enumerate(quotes) for n, s in enumerate(sentences(quote, glossary)) if s.words
    )
    if not places or not line.content:
        return None
    order = sorted(range(len(places)), key=lambda n: (-_share(line.content, places[n].line), n))
    ranked = tuple(places[n] for n in order)
    clauses = _clauses(line)
    bearers = tuple(max(ranked[:_COMPARED], key=lambda p: _share(c, p.line)) for c in clauses)
    return Aligned(line, clauses, bearers, ranked[:_COMPARED], places)


def objections(
    aligned: Aligned, quotes: Sequence[str], glossary: Glossary, published: Sequence[str | None] = ()
) -> list[Problem]:
    """What the rules find against the claim."""
    claim, sources = aligned.claim, aligned.sources
    lines = [read(q, glossary) for q in quotes]
    told = [*published, *[None] * (len(quotes) - len(published))]
    found: list[tuple[Kind, str | None]] = [("letters", naming.letters(claim.text, quotes))]
    found += [("date", d) for d in timing.undated(claim, lines, told)]
    found += [("number", n) for n in _uncounted(claim, lines, told, sources[0])]
    found += [("name", n) for n in naming.missing(claim, lines, glossary)]
    found += [("quotation", naming.misquoted(claim, lines)), ("negation", polarity.negation(claim, sources))]
    found += [("antonym", polarity.opposite(claim, sources)), ("quantifier", polarity.quantity(claim, sources))]
    found += [("modality", polarity.certainty(claim, sources)), ("splice", _spliced(aligned))]
    traded = next((t for s in sources if (t := naming.exchanged(claim, s, glossary))), None)
    found.append(("order", f"{traded[0]} and {traded[1]}" if traded else None))
    return [Problem(kind, what) for kind, what in found if what is not None]


def features(aligned: Aligned, encode: Encode, day: str | None = None) -> tuple[float, ...]:
    """What the model weighs, in the order of FEATURES, each between 0 and 1; `day` is the date of the sources."""
    claim, best = aligned.claim, aligned.ranked[0].line
    content = claim.content
    around = _windows(aligned)
    everything = frozenset(k for p in aligned.places for k in p.line.keys)
    covered = [w.meets(around) for w in content]
    amounts = figures.amounts(claim, timing.times(claim.text, day))
    values = {v for p in aligned.places for a in figures.amounts(p.line) for v in a.values}
    named = [w for w in content if claim.of(w)[0].isupper()]
    return (
        _share(content, best),
        sum(covered) / len(content),
        sum(w.meets(everything) for w in content) / len(content),
        _sequence(content, best.content) / len(content),
        _pairs(content, [p.line for p in aligned.ranked]),
        min(_share(c, p.line) for c, p in zip(aligned.clauses, aligned.bearers, strict=True)),
        1 - _longest(covered) / len(content),
        sum(w.meets(everything) for w in named) / len(named) if named else 1.0,
        sum(not a.values.isdisjoint(values) for a in amounts) / len(amounts) if amounts else 1.0,
        *_cosines(aligned, encode),
        1 / math.sqrt(len(content)),
    )


@lru_cache(maxsize=1)
def load() -> dict[str, Model]:
    """The fitted models, "within" one language and "across" two. Raises ValueError when fitted for other features."""
    raw = json.loads(files("assistant").joinpath("support_weights.json").read_text("utf-8"))
    models = {name: raw[name] for name in ("within", "across")}
    if any(list(m["weights"]) != list(FEATURES) for m in models.values()):
        raise ValueError("assistant/support_weights.json is for other features; run: python -m evals.fit_support")
    return {n: Model(tuple(m["weights"].values()), m["bias"], m["threshold"]) for n, m in models.items()}


def _clauses(line: Line) -> tuple[tuple[Word, ...], ...]:
    """The content words of each clause; clauses of fewer than two go with their neighbour."""
    borders = [m.start() for m in _CLAUSE.finditer(line.text)]
    parts: list[tuple[Word, ...]] = []
    for start, end in pairwise([-1, *borders, len(line.text)]):
        words = tuple(w for w in line.content if start <= w.start < end)
        if parts and (len(words) < 2 or len(parts[-1]) < 2):
            parts[-1] += words
        else:
            parts.append(words)
    return tuple(p for p in parts if p) or (line.content,)


def _share(words: Sequence[Word], source: Line) -> float:
    return sum(w.meets(source.keys) for w in words) / len(words)


def _windows(aligned: Aligned) -> frozenset[str]:
    """The keys of the three sentences in a row that cover most of the claim."""
    content, best = aligned.claim.content, (-1, frozenset[str]())
    for n in range(len(aligned.places)):
        row = [p for p in aligned.places[n : n + _WINDOW] if p.quote == aligned.places[n].quote]
        keys = frozenset(k for p in row for k in p.line.keys)
        best = max(best, (sum(w.meets(keys) for w in content), keys), key=lambda b: b[0])
    return best[1]


def _sequence(ours: Sequence[Word], theirs: Sequence[Word]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(theirs) + 1)
    for word in ours:
        before = 0
        for n, other in enumerate(theirs, 1):
            before, row[n] = row[n], before + 1 if word.meets(other.keys) else max(row[n], row[n - 1])
    return row[-1]


def _pairs(content: Sequence[Word], lines: Sequence[Line]) -> float:
    """The share of neighbouring words that one sentence has together."""
    if len(content) < 2:
        return 1.0
    together = [any(a.meets(s.keys) and b.meets(s.keys) for s in lines) for a, b in pairwise(content)]
    return sum(together) / len(together)


def _longest(covered: Sequence[bool]) -> int:
    """The longest run of words that no source has."""
    longest = run = 0
    for known in covered:
        run = 0 if known else run + 1
        longest = max(longest, run)
    return longest


def _cosines(aligned: Aligned, encode: Encode) -> tuple[float, float, float]:
    """Cosines of the claim with the nearest sentence by the first encoder and the last, and by the last with the mean
    of the three nearest. Where the first does not read both, the last speaks for it; 0 where that does not either."""
    ours, *theirs = encode([aligned.claim.text, *(p.line.text for p in aligned.ranked)])
    last, near = ours[-1], _nearest(ours[-1], [r[-1] for r in theirs])
    if last is None or not near:
        return 0.0, 0.0, 0.0
    first = _nearest(ours[0], [r[0] for r in theirs]) or near
    mean = np.sum([r for _, r in near[:_WINDOW]], axis=0)
    return first[0][0], near[0][0], float(last @ mean / max(float(np.linalg.norm(mean)), 1e-9))


def _nearest(ours: Vector | None, theirs: Sequence[Vector | None]) -> list[tuple[float, Vector]]:
    """The vectors an encoder has, with their cosines, nearest first."""
    pairs = [(float(ours @ r), r) for r in theirs if r is not None] if ours is not None else []
    return sorted(pairs, key=lambda p: -p[0])


def _spliced(aligned: Aligned) -> str | None:
    """Words of one sentence set among those of another that is about something else; None where there are none."""
    for words, bearer in zip(aligned.clauses, aligned.bearers, strict=True):
        context = _context(aligned, bearer)
        strange = [w for w in words if not w.meets(context) and not figures.is_numeral(aligned.claim.of(w).casefold())]
        here, there = (
            [
                w
                for w in strange
                if any((p.quote == bearer.quote) is own and w.meets(p.line.keys) for p in aligned.places)
            ]
            for own in (True, False)
        )
        foreign = [w for w in strange if w in here or w in there]
        names = [w for w in foreign if aligned.claim.of(w)[0].isupper()]
        if names or len(foreign) > 1 or aligned.claim.content[0] in there or len(there) > _STRANGE * len(words):
            return " ".join(aligned.claim.of(w) for w in foreign)
    for one, other in pairwise(aligned.bearers):
        if one is not other and not _related(one, other):
            return "sentences about different things"
    return None


def _context(aligned: Aligned, bearer: Place) -> frozenset[str]:
    """The keys of a sentence and, where it refers back, of up to three before it."""
    back = _WINDOW if _BACK.search(bearer.line.text) else 0
    near = [p for p in aligned.places if p.quote == bearer.quote and 0 <= bearer.number - p.number <= back]
    return frozenset(k for p in near for k in p.line.keys)


def _related(one: Place, other: Place) -> bool:
    """Whether two sentences are neighbours or share what they are about."""
    if one.quote == other.quote and abs(one.number - other.number) <= _WINDOW:
        return True
    shared = [w for w in one.line.content if w.meets(other.line.keys) and not w.stem[0].isdigit()]
    return len({w.entry or w.stem for w in shared}) > 1 or len({w.stem for w in shared}) > 2


def _uncounted(claim: Line, quotes: Sequence[Line], published: Sequence[str | None], best: Line) -> list[str]:
    """Amounts of the claim that the quotes do not have, or not of the same thing; and units they do not have."""
    ours = figures.amounts(claim, timing.times(claim.text, timing.day(published)))
    quoted = [a for q, p in zip(quotes, published, strict=True) for a in figures.amounts(q, timing.times(q.text, p))]
    keys = frozenset(k for q in quotes for k in (*q.keys, *figures.unit_keys(q)))
    across = all(q.language != claim.language for q in quotes)
    found = [claim.text[a.start : a.end] for a in figures.unproven(ours, quoted, keys, across)]
    found += figures.unknown_units(claim, keys)
    if found or not polarity.is_copy(claim, best):
        return found
    theirs = figures.amounts(best, timing.times(best.text, timing.day(published)))
    return figures.miscopied(claim, ours, best, theirs)
