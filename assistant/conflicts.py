"""Where two sources give different values or framings for the same thing at the same time.

A small model whose weights are data, written by `python -m evals.fit_conflicts`. Not for: which side is right, and
disagreement that only shows when several sentences are read together.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from assistant import dates
from assistant.asked import Asked
from assistant.conversation import Citation, Conflict, Language, Position, Sentence
from assistant.evidence import Evidence
from index.glossary import Glossary
from index.keywords import is_common, number, stem, tokenize
from index.search import Index, last_day

Dispute = tuple[Evidence, Evidence]
MOST_DISPUTES = 2
SEEN = 12  # ranked sentences that are looked at
FEATURES = (
    "near", "covered", "shared", "missing", "unasked", "apart", "together", "growing", "contrast", "negated", "marked",
)  # fmt: skip
# Of a rough amount, how far off an equal one may lie; words around a value; share of the best that comes near.
_ROUGH, _NEAR_WORDS, _NEAREST = 0.03, 6, 0.8


def opposing(
    asked: Asked,
    chosen: Sequence[Evidence],
    ranked: Sequence[tuple[float, Evidence]],
    index: Index,
) -> list[Dispute]:
    """Pairs of a chosen sentence and another, that answers about as well, which contradict each other; surest first."""
    model = _load()
    best = ranked[0][0] if ranked else 0.0
    near = [e for score, e in ranked[:SEEN] if best - score <= model.margin]
    found: list[tuple[float, Evidence, Evidence]] = []
    for place, one in enumerate(chosen):
        rivals = [e for e in near if e not in chosen[: place + 1] and _key(e)[0] != _key(one)[0]]
        found += [(contradicts(asked, one, e, index), one, e) for e in rivals]
    disputes: list[Dispute] = []
    for sure, one, other in sorted(found, key=lambda f: (-f[0], _key(f[1]), _key(f[2]))):
        if sure >= model.threshold and not any(other in d for d in disputes):
            disputes.append((one, other))
    return disputes[:MOST_DISPUTES]


def contradicts(asked: Asked, one: Evidence, other: Evidence, index: Index) -> float:
    """Probability, 0 to 1, that the two contradict each other on what the question asks."""
    model = _load()
    logit = model.bias + sum(w * f for w, f in zip(model.weights, features(asked, one, other, index), strict=True))
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 4)


def shown(
    disputes: Sequence[Dispute], sentences: Sequence[Sentence], citations: Sequence[Citation], language: Language,
    glossary: Glossary,
) -> tuple[Conflict, ...]:  # fmt: skip
    """The disputes of which both sides stand in the answer."""
    found = []
    for one, other in disputes:
        positions = [_position(e, sentences, citations) for e in (one, other)]
        if positions[0] and positions[1] and positions[0].citations != positions[1].citations:
            found.append(Conflict(_about(one.text, other.text, language, glossary), (positions[0], positions[1])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Model:
    """`weights` of FEATURES after `bias`; a pair below `threshold` is no conflict, and evidence that ranks more than
    `margin` behind the best is not asked."""

    weights: tuple[float, ...]
    bias: float
    threshold: float
    margin: float


@lru_cache(maxsize=1)
def _load() -> Model:
    raw = json.loads(files("assistant").joinpath("conflict_weights.json").read_text("utf-8"))
    if list(raw["weights"]) != list(FEATURES):
        raise ValueError("assistant/conflict_weights.json has other features; run: python -m evals.fit_conflicts")
    return Model(tuple(raw["weights"].values()), raw["bias"], raw["threshold"], raw["margin"])


def _key(evidence: Evidence) -> tuple[str, int]:
    return evidence.passage.chunk.document_id, evidence.start


@dataclass(frozen=True, slots=True)
class Value:
    """An amount or a time from `low` to `high`; `kind` is "%", "dollar", "rouble", "time", or "" for what is counted.

    `slack` is how far off an equal one may lie, `around` the words around it."""

    low: float
    high: float
    kind: str
    slack: float
    around: str

    def holds(self, other: "Value") -> bool:
        """Whether the other is the same or lies within it."""
        return self.kind == other.kind and self.low <= other.low and other.high <= self.high

    def equals(self, other: "Value") -> bool:
        """Whether both may be the same, put more or less exactly."""
        if self.kind == "time":
            long = max(self.high - self.low, other.high - other.low) > 400
            return (self.low, self.high) == (other.low, other.high) if long else self.holds(other) or other.holds(self)
        slack = max(self.slack, other.slack)
        return self.low - slack <= other.high and other.low - slack <= self.high


def features(asked: Asked, one: Evidence, other: Evidence, index: Index) -> tuple[float, ...]:
    """What tells a contradiction, each between -1 and 1, in the order of FEATURES; all are 0 where the two neither give
    different values nor deny each other."""
    texts = one.text, other.text
    differ, near = _compared(asked, one, other, index)
    contrast = _contrast(*texts) * (not _wants(asked))
    negated = _negated(*texts) * (_says("whether", asked.text) or _opens(asked.text))
    told, apart = max(differ, contrast, negated), _apart(asked, one, other)
    known = [e.tokens | e.context for e in (one, other)]
    covered = told * min(asked.share(k) for k in known)
    return (
        differ * near,
        covered,
        told * _shared(one, other),
        told * max(asked.missing(k) for k in known),
        differ * (not _wants(asked)),
        told * max(0.0, apart),
        told * (apart < 0),
        told * max(0.0, min(1.0, 12 * apart)) * all(_says("growing", t) for t in texts),  # a month is long here
        contrast,
        negated,
        covered * any(_says("marked", t) for t in texts),
    )


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = tomllib.loads(
        files("assistant").joinpath("conflict_words.toml").read_text("utf-8")
    )
    return table


@lru_cache(maxsize=100)
def _words(name: str) -> str:
    """The alternatives of a list of words, as a pattern."""
    return "|".join(_table()["words"][name])


@lru_cache(maxsize=20_000)
def _says(name: str, text: str) -> bool:
    """Whether the text has a word of that list."""
    return bool(re.search(rf"\b(?:{_words(name)})\b", text, re.IGNORECASE))


def _opens(text: str) -> bool:
    return bool(re.match(rf"\W*(?:{_words('opens_whether')})\b", text, re.IGNORECASE))


def _named(name: str) -> dict[str, float]:
    """The numbers of a list by their words."""
    return {word: float(amount) for amount, words in _table()[name].items() for word in words}


@lru_cache(maxsize=1)
def _amount() -> re.Pattern[str]:
    """An amount: whether it is rough, its lower end, its figure, thousands or millions, and its unit."""
    figure = r"\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
    numbers = "|".join(sorted(_named("numbers"), key=len, reverse=True))
    return re.compile(
        rf"(?P<rough>\b(?:{_words('rough')})\s+)?(?P<dollar>\$)?(?<![\w.,-])"
        rf"(?:(?P<low>{figure})(?:\s*[–-]\s*|\s+(?:to|and|до|да)\s+))?(?P<figure>{figure}|\b(?:{numbers})\b)"
        rf"(?!\d|-?(?:{_words('ordinal')})\b)(?:[\s-]*(?P<times>{'|'.join(_named('times'))})\w*\.?)?"
        r"(?:[\s-]*(?P<unit>%|per ?cent\b|процент\w*|працэнт\w*|dollar\w*|долл?ар\w*|долл\.|rou?ble\w*|руб\w*))?",
        re.IGNORECASE,
    )


@lru_cache(maxsize=20_000)
def _values(text: str, published: str | None) -> tuple[Value, ...]:
    """The amounts and times of a sentence; numbers of articles and of names like "Zapad-2021" are none."""
    moments = dates.moments(text, published)
    found: list[Value] = []
    for m in _amount().finditer(text):
        start, end = m.start("low" if m["low"] else "figure"), m.end("figure")
        numbered = re.search(rf"(?:\b(?:{_words('numbered')})|№|\w-)\s*$", text[:start], re.IGNORECASE)
        if not numbered and not any(moment.start < end and start < moment.end for moment in moments):
            money = next((v.kind for v in reversed(found) if v.kind in ("dollar", "rouble")), "")
            found.append(_value(m, text, money))
    for share, words in _table()["shares"].items():
        for m in re.finditer(rf"\b(?:{'|'.join(words)})", text, re.IGNORECASE):
            found.append(Value(float(share), float(share), "%", 2.5, _near(text, *m.span())))
    # The day of the report is no answer where the sentence names another.
    late = [m for m in moments if not published or m.first.isoformat()[: len(published)] != published]
    return (*found, *(
        Value(m.first.toordinal(), m.last.toordinal(), "time", 0.0, _near(text, m.start, m.end))
        for m in late or moments
    ))  # fmt: skip


def _value(m: re.Match[str], text: str, money: str) -> Value:
    """An amount; one in millions without a currency has that of the one before it."""
    times = _named("times").get((m["times"] or "").casefold(), 1.0)
    sign = (m["dollar"] or m["unit"] or "").casefold()[:2]
    kind = {"%": "%", "pe": "%", "пр": "%", "$": "dollar", "do": "dollar", "до": "dollar", "": money * bool(m["times"])}
    high, step = _figure(m["figure"])
    low = min(high, _figure(m["low"])[0]) if m["low"] else high
    slack = max(step * 0.5, high * _ROUGH * bool(m["rough"]))
    around = _near(text, m.start(), m.end())
    return Value(low * times, high * times, kind.get(sign, "rouble"), slack * times, around)


def _figure(text: str) -> tuple[float, float]:
    """The number, and what its last digit counts."""
    known = _named("numbers").get(text.casefold())
    if known is not None:
        return known, 0.0
    plain = number(re.sub(r"[\u00a0\u202f ]", "", text))
    return float(plain), 10.0 ** -len(plain.partition(".")[2]) if "." in plain else 0.9


def _near(text: str, start: int, end: int) -> str:
    """The words around a place."""
    return " ".join((*text[:start].split()[-_NEAR_WORDS:], *text[end:].split()[:_NEAR_WORDS]))


def _wants(asked: Asked) -> str:
    """Whether the question asks for a "time", an "amount" or neither."""
    if asked.kind == "number":
        return "amount"
    if asked.kind == "date" or _says("time", asked.text):
        return "time"
    return "amount" if _says("amount", asked.text) else ""


def _compared(asked: Asked, one: Evidence, other: Evidence, index: Index) -> tuple[float, float]:
    """How surely the values that answer are comparable and differ, and how much of the question stands around them."""
    ours, theirs = _offered(asked, one), _offered(asked, other)
    kinds = {a.kind for a in ours} & {b.kind for b in theirs}
    kinds = kinds & {"%"} if _says("share", asked.text) else kinds & {"dollar", "rouble"} or kinds
    marked = _says("marked", one.text) or _says("marked", other.text)
    if not marked and any(a.kind == b.kind and a.equals(b) for a in ours for b in theirs if a.kind in kinds):
        return 0.0, 0.0
    found = [
        (_alike(asked, a.kind, near_a, near_b), min(asked.share(near_a), asked.share(near_b)))
        for a, near_a in _nearest(asked, [v for v in ours if v.kind in kinds], one, index)
        for b, near_b in _nearest(asked, [v for v in theirs if v.kind in kinds], other, index)
        if a.kind == b.kind and not a.equals(b)
    ]  # fmt: skip
    return max(found, default=(0.0, 0.0))


def _offered(asked: Asked, evidence: Evidence) -> list[Value]:
    """The values that may answer: of the kind that is asked for, not those of the question; none where it asks for
    several, which may well differ."""
    if _says("several", asked.text) or asked.text.count("?") > 1:
        return []
    held, timed = _values(asked.text, None), _wants(asked) == "time"
    found = [
        v for v in _values(evidence.text, evidence.passage.about.published)
        if (v.kind == "time") == timed and not any(v.holds(h) for h in held)
    ]  # fmt: skip
    return [v for v in found if any(h.holds(v) for h in held)] or found


def _nearest(
    asked: Asked, values: Sequence[Value], evidence: Evidence, index: Index
) -> list[tuple[Value, frozenset[str]]]:
    """Of each kind of value those nearest to the words of the question, with the words around them; all of a sentence
    that sets a value right."""
    kinds = [v.kind for v in values]
    told = [(v, evidence.tokens if kinds.count(v.kind) == 1 else index.tokens(v.around)) for v in values]
    best = {k: max(asked.share(near) for v, near in told if v.kind == k) for k in kinds}
    marked = _says("marked", evidence.text)
    return [(v, near) for v, near in told if marked or asked.share(near) >= _NEAREST * best[v.kind]]


def _alike(asked: Asked, kind: str, one: frozenset[str], other: frozenset[str]) -> float:
    """Whether two values may be of the same thing; of plain numbers, by what the question names or a word near both."""
    if kind or (asked.focus & one and asked.focus & other):
        return 1.0
    return 0.7 if (one & other) - asked.focus or asked.focus & (one | other) else 0.0


def _apart(asked: Asked, one: Evidence, other: Evidence) -> float:
    """How far apart the times of the two lie, 1 for a year and more; -1 where both have the question's time. Where a
    time is asked for, that of two plans is when they were published."""
    if _wants(asked) == "time":
        planned = _says("planned", one.text) or _says("planned", other.text)
        days = [last_day(d).toordinal() for e in (one, other) if (d := e.passage.about.published)]
        return min(1.0, abs(days[0] - days[-1]) / 365) if planned and days else 0.0
    ours, theirs = ([m for m in e.moments if m.explicit] for e in (one, other))
    if asked.moments and all(any(dates.overlap(m, a) for m in own for a in asked.moments) for own in (ours, theirs)):
        return -1.0
    if not ours or not theirs:
        return 0.0
    gap = min(max((b.first - a.last).days, (a.first - b.last).days, 0) for a in ours for b in theirs)
    return min(1.0, gap / 365)


def _shared(one: Evidence, other: Evidence) -> float:
    """Share of the shorter sentence's words that the other has too, names counting thrice."""
    a, b = (frozenset(t for t in e.tokens if not t[0].isdigit()) for e in (one, other))
    return _weigh(a & b) / max(1.0, min(_weigh(a), _weigh(b)))


def _weigh(tokens: frozenset[str]) -> float:
    return sum(3.0 if t[0] == "@" else 1.0 for t in tokens)


def _contrast(one: str, other: str) -> float:
    """1 where each sentence takes a side of a known contrast, and none the other's; else 0."""
    for sides in _table()["contrasts"].values():
        ours, theirs = (
            {n for n, side in enumerate(sides) if re.search(rf"\b(?:{side})", text, re.IGNORECASE)}
            for text in (one, other)
        )
        if ours and theirs and not ours & theirs:
            return 1.0
    return 0.0


def _negated(one: str, other: str) -> float:
    """How many content words one of the two negates and the other affirms; 1 for two and more."""
    (no_one, yes_one), (no_other, yes_other) = _polarity(one), _polarity(other)
    return min(1.0, (len(no_one & yes_other) + len(no_other & yes_one)) / 2)


@lru_cache(maxsize=20_000)
def _polarity(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of the words close behind a negation, and of the others."""
    words = re.findall(r"[\w'’]+", text)
    at = [n for n, w in enumerate(words) if _says("no", w) or w.casefold().endswith(("n't", "n’t"))]
    stems = [(n, stem(w)) for n, w in enumerate(words) if len(w) > 3 and not is_common(stem(w))]
    no = frozenset(s for n, s in stems if any(0 < n - a <= 4 for a in at))
    return no, frozenset(s for _, s in stems) - no


def _position(evidence: Evidence, sentences: Sequence[Sentence], citations: Sequence[Citation]) -> Position | None:
    """The shown sentence that quotes `evidence`, as one side; None where none does."""
    about = evidence.passage.about
    quoting = {
        c.number for c in citations
        if c.passage.chunk.document_id == evidence.passage.chunk.document_id
        and c.start <= evidence.start and c.end >= evidence.end
    }  # fmt: skip
    sentence = next((s for s in sentences if quoting & set(s.citations)), None)
    if sentence is None:
        return None
    return Position(
        sentence.holder or about.holder or about.publisher, sentence.text, about.published, sentence.citations
    )


def _about(one: str, other: str, language: Language, glossary: Glossary) -> str:
    """What both speak of: names that they share, else words."""
    theirs = set(glossary.mentions(other))
    entries = [glossary.entries[i] for i in dict.fromkeys(glossary.mentions(one)) if i in theirs]
    if entries:
        return ", ".join(e.names.get(language) or next(iter(e.names.values())) for e in entries[:3])
    return ", ".join(_shared_words(one, set(tokenize(other)))) or one[:60].split(",")[0].strip(" .") or one


def _shared_words(text: str, known: set[str]) -> Iterator[str]:
    """The first words of `text`, up to three, whose stems are known."""
    words = dict.fromkeys(w for w in re.findall(r"[^\W\d_]{3,}", text) if not is_common(stem(w)) and stem(w) in known)
    yield from list(words)[:3]
