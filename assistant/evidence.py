"""Sentences that may answer a question, with the features that rank them. Reads the index, decides nothing.

Each feature lies between -1 and 1, so that weights fitted on one corpus hold on another.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from assistant import claims, dates
from assistant.asked import Asked
from assistant.dates import Moment
from assistant.echo import is_question
from assistant.orders import orders
from assistant.terms import names, numbers, offers
from index.channels import Scores
from index.chunk import contextual
from index.documents import About, Document, Passage
from index.search import Index
from index.sentences import language_of, split

FEATURES = (
    "cosine", "cosine_across", "cosine_english", "across", "coverage", "coverage_context", "coverage_passage",
    "entities", "numbers", "time", "speaker", "offers", "counts", "focus", "together", "rank", "brief",
)  # fmt: skip
_OTHER_TIME = -0.5
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nor|neither|without|failed|refus\w+|n['’]t|не|нет|ни|никогда|никто|отказ\w+|"
    r"няма|ніколі|ніхто|адмов\w+|нi|ні)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of a passage; `features` in the order of FEATURES, `tokens` its search tokens, `before` up to
    three sentences just before it in its block and the one above, nearest last."""

    passage: Passage
    start: int
    end: int
    text: str
    before: tuple[str, ...]
    features: tuple[float, ...]
    tokens: frozenset[str]
    context: frozenset[str]
    moments: tuple[Moment, ...]

    def feature(self, name: str) -> float:
        """One feature by name."""
        return self.features[FEATURES.index(name)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence with its surroundings, before it is compared with a question. `rank` is the score of its passage to
    that of the best one, `whole` the tokens of the passage."""

    passage: Passage
    start: int
    end: int
    text: str
    before: tuple[str, ...]
    tokens: frozenset[str]
    context: frozenset[str]
    whole: frozenset[str]
    rank: float


def gather(asked: Asked, passages: Sequence[Passage], index: Index) -> list[Evidence]:
    """Every sentence of `passages` that states something, each once, compared with the question."""
    return compared(asked, candidates(passages, index), index)


def candidates(passages: Sequence[Passage], index: Index) -> list[Candidate]:
    """Every sentence of `passages` that states something, each once."""
    found: dict[tuple[str, int], Candidate] = {}
    top = max((p.score for p in passages), default=1.0)
    for passage in passages:
        document = index.document(passage.chunk.document_id)
        if document is not None:
            for sentence in _sentences_of(passage, passage.score / top if top > 0 else 0.0, document, index):
                found.setdefault((document.id, sentence.start), sentence)
    return list(found.values())


def compared(asked: Asked, sentences: Sequence[Candidate], index: Index) -> list[Evidence]:
    """The sentences with the features that tell how well each answers the question."""
    vectors = index.encode([s.text for s in sentences])
    return [
        Evidence(
            s.passage, s.start, s.end, s.text, s.before, _features(asked, s, vector, index),
            s.tokens, s.context, dates.moments(s.text, s.passage.about.published),
        )
        for s, vector in zip(sentences, vectors, strict=True)
    ]  # fmt: skip


def _sentences_of(passage: Passage, rank: float, document: Document, index: Index) -> list[Candidate]:
    around = index.tokens(contextual(passage.about, passage.chunk.heading, ""))
    whole = index.tokens(passage.chunk.text) | around
    found: list[Candidate] = []
    before: list[str] = []
    for start, end in sentences(document, passage.chunk.start, passage.chunk.end):
        text = document.text[start:end]
        near = index.tokens(before[-1]) if before else frozenset()
        if states(text):
            context = near | around
            near_by = tuple(before[-3:])
            found.append(Candidate(passage, start, end, text, near_by, index.tokens(text), context, whole, rank))
        before.append(text)
    return found


def sentences(document: Document, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the sentences that begin between `start` and `end`, by block."""
    first = max(0, bisect_right([b.start for b in document.blocks], start) - 1)
    spans = []
    for block in document.blocks[first:]:
        if block.start >= end:
            break
        spans += [
            (block.start + a, block.start + b)
            for a, b in _split(document.text[block.start : block.end])
            if start <= block.start + a < end
        ]
    return spans


@lru_cache(maxsize=20_000)
def _split(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(split(text))


@lru_cache(maxsize=20_000)
def states(text: str) -> bool:
    """Whether `text` is a sentence that states something, not a headline, caption line, question or order."""
    words = sum(any(c.isalpha() for c in w) for w in text.split())
    ended = text.rstrip("\"'»”)]").endswith((".", "!", "…", ";", ":"))
    return not is_question(text) and (words >= 4 if ended else words >= 8) and not orders(text)


def denies(text: str) -> bool:
    """Whether the sentence holds a negation."""
    return bool(_NEGATION.search(text))


def _features(asked: Asked, sentence: Candidate, vectors: tuple[Scores | None, ...], index: Index) -> tuple[float, ...]:
    text, about = sentence.text, sentence.passage.about
    cosines = [
        float(a @ b) if a is not None and b is not None else 0.0 for a, b in zip(asked.vectors, vectors, strict=True)
    ]
    across = language_of(text) != asked.language
    typed = 0.0 if asked.kind == "none" else 1.0 if offers(asked.kind, text, asked.text) else -1.0
    own, known = asked.shares(sentence.tokens), asked.shares(sentence.tokens | sentence.context)
    return (
        0.0 if across else cosines[-1],
        cosines[-1] if across else 0.0,
        0.0 if across or len(cosines) < 2 else cosines[0],
        float(across),
        own.all,
        known.all,
        asked.share(sentence.whole),
        known.entities,
        own.numbers,
        when(asked.moments, dates.moments(text, about.published), about.published),
        _speaks(asked, sentence, index),
        typed,
        _counts(asked, text, index) if asked.kind == "number" else 0.0,
        _focused(asked, sentence.tokens, index),
        _together(asked, text, index),
        sentence.rank,
        1.0 / (1.0 + len(text) / 120.0),
    )


def when(asked: Sequence[Moment], said: Sequence[Moment], published: str | None) -> float:
    """How well the times of a sentence fit those of the question: 1 all fit, -1 all are others, 0 nothing asked.

    A sentence without a time of its own speaks of about when it was published."""
    if not asked:
        return 0.0
    total = 0.0
    for moment in asked:
        if said:
            total += max(_fit(moment, s) for s in said)
        else:
            total += 0.3 if published and published[:4] == str(moment.first.year) else -0.5
    return total / len(asked)


def _fit(asked: Moment, said: Moment) -> float:
    if not dates.overlap(asked, said):
        return -1.0
    return 1.0 if asked.first <= said.first and said.last <= asked.last else 0.6


def _speaks(asked: Asked, sentence: Candidate, index: Index) -> float:
    """1 when the sentence gives the word of whom the question asks, -1 when another's, 0 when the question does not."""
    if asked.speaker is None:
        return 0.0
    about: About = sentence.passage.about
    held = claims.attribute(sentence.text, sentence.before, about, index.glossary).holder or about.holder
    entry = index.glossary.entries.get(asked.speaker)
    speaker = entry.names[asked.language] if entry and asked.language in entry.names else asked.speaker
    if claims.names(speaker, f"{held} {about.publisher}", index.glossary):
        return 1.0
    return 0.3 if claims.names(speaker, sentence.text, index.glossary) else -1.0


def _counts(asked: Asked, text: str, index: Index) -> float:
    """1 when a new number stands just before a word of what is counted, else 0."""
    found = list(re.finditer(r"[\w%]+(?:[.,]\d+)*", text))
    words = [m[0] for m in found]
    for place, word in enumerate(words):
        if word[0].isdigit() and not numbers(word) & asked.numbers:
            near = index.tokens(" ".join(words[place + 1 : place + 5]))
            if _names(asked.focus, near, index):
                return 1.0
    return 0.0


def _focused(asked: Asked, tokens: Set[str], index: Index) -> float:
    """1 when the sentence has a word for what is asked for by name, -1 when not, 0 where nothing is."""
    if not asked.focus:
        return 0.0
    return 1.0 if _names(asked.focus, tokens, index) else -1.0


def _names(stems: Set[str], tokens: Set[str], index: Index) -> bool:
    return bool(tokens & stems) or any(f"#{c}" in tokens for s in stems for c in index.glossary.lexicon.concepts(s))


def _together(asked: Asked, text: str, index: Index) -> float:
    """Share of the question's neighbouring terms that stand within six words of each other in the sentence."""
    places = index.places(text)
    at = [[p for form, _ in term.forms for p in places.get(form, ())] for term in asked.terms]
    pairs = list(pairwise(at))
    close = sum(any(abs(a - b) <= 6 for a in one for b in other) for one, other in pairs)
    return close / len(pairs) if pairs else 0.0


def question_features(asked: Asked, ranked: Sequence[tuple[float, Evidence]]) -> tuple[float, ...]:
    """What tells an answerable question: features of the best sentences, and of what none of them holds."""
    if not ranked:
        return (0.0,) * len(QUESTION_FEATURES)
    (first, best), second = ranked[0], ranked[1][0] if len(ranked) > 1 else 0.0
    everything = frozenset().union(*(e.tokens for _, e in ranked), *(e.context for _, e in ranked))
    known = best.tokens | best.context
    across = best.feature("across")
    return (
        first / 10,
        (first - second) / 10,
        *(best.feature(f) for f in BEST),
        asked.missing(known),
        asked.missing(known, "entity"),
        asked.missing(best.tokens, "number"),
        asked.missing(everything),
        asked.share(everything),
        _held(names(" " + asked.text), best.text),
        float(denies(best.text) and not denies(asked.text)),
        across * best.feature("coverage_context"),
        max((e.feature("cosine") + e.feature("cosine_across") for _, e in ranked[:10]), default=0.0),
        min(1.0, len(asked.terms) / 10),
        float(asked.kind == "number" and best.feature("offers") < 0),
        float(best.feature("time") <= _OTHER_TIME),
    )


BEST = (
    "cosine", "cosine_across", "cosine_english", "across", "coverage", "coverage_context", "coverage_passage",
    "entities", "numbers", "time", "speaker", "offers", "counts", "focus", "together",
)  # fmt: skip
QUESTION_FEATURES = (
    "first", "gap", *BEST, "missing", "missing_entity", "missing_number", "lost", "covered_by_all", "names_held",
    "denied", "across_coverage", "nearest", "length", "no_number", "other_time",
)  # fmt: skip


def _held(wanted_words: Set[str], text: str) -> float:
    """Share of the words that `text` holds by their first five letters; 1 where there are none."""
    folded = text.casefold()
    return sum(w[:5] in folded for w in wanted_words) / len(wanted_words) if wanted_words else 1.0
