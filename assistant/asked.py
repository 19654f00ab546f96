"""A question taken apart once: its terms and their weights, what kind of thing it asks for, whose word, and when.

A term is a word, or the words that name one glossary entry. A text covers a term by the word itself, by the entry in
any language and spelling, or, for less, by a word of the same concept.
"""

import datetime
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from assistant import claims, dates, defining
from assistant.dates import Moment
from assistant.defining import Target
from assistant.terms import Wanted, focus, numbers, wanted
from index.channels import Scores
from index.glossary import Part
from index.keywords import is_common, stem
from index.search import Index
from index.sentences import language_of

TermKind = Literal["word", "entity", "number"]
_CONCEPT_WORTH, _NAME_WORD_WORTH = 0.8, 0.5
_GENERIC_SHARE = 0.25
_BACKGROUND = 0.3
# Words of questions that an answer need not repeat.
_GENERIC = frozenset(
    stem(w)
    for w in """year month day date time number amount share percent percentage proportion name person people thing kind
    happen happened say said tell claim describe explain mean give use call regard according view opinion know
    much many long source wiki did does state trace timeline step stage order chronology unfold history
    год года году число дата день месяц доля процент сумма имя человек люди сказать сказал говорить заявить заявил
    описать шаг этап порядок хронология проследить история
    назвать назвал считать объяснить означать случиться произойти произошло мнению словам данным источник
    годзе годам колькасць дзень месяц частка працэнт сума імя чалавек людзі сказаў казаў заявіў назваў лічыць тлумачыць
    крок этап парадак храналогія прасачыць гісторыя
    адбылося здарылася думку словах паводле""".split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """`forms` are search tokens with what each is worth, from 1 to 0, best first; `weight` is how telling the term
    is."""

    forms: tuple[tuple[str, float], ...]
    weight: float
    kind: TermKind

    def worth(self, tokens: Set[str]) -> float:
        """How well `tokens` cover the term, from 0 to 1."""
        for form, worth in self.forms:
            if form in tokens:
                return worth
        return 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart. `speaker` is whose word it asks for, None where anybody's; `moments` are the times it
    names, `focus` stems of what it asks for by name ("which committee", "how many programmes"), `defined` what it asks
    the definition of."""

    text: str
    kind: Wanted
    focus: frozenset[str]
    terms: tuple[Term, ...]
    vectors: tuple[Scores | None, ...]
    language: str
    speaker: str | None
    moments: tuple[Moment, ...]
    as_of: datetime.date | None
    numbers: frozenset[str] = field(default=frozenset())
    defined: Target | None = None

    def share(self, tokens: Set[str], kind: TermKind | None = None) -> float:
        """Weight of the terms that `tokens` cover, of all terms' weight; 1 where there are none of that kind."""
        return _share([(t.weight, t.weight * t.worth(tokens)) for t in self.terms if kind in (None, t.kind)])

    def shares(self, tokens: Set[str]) -> "Shares":
        """`share` of all terms, of the entities and of the numbers among them, for the price of one."""
        worth = [(t.kind, t.weight, t.weight * t.worth(tokens)) for t in self.terms]
        return Shares(
            _share([(w, c) for _, w, c in worth]),
            _share([(w, c) for kind, w, c in worth if kind == "entity"]),
            _share([(w, c) for kind, w, c in worth if kind == "number"]),
        )

    def missing(self, tokens: Set[str], kind: TermKind | None = None) -> float:
        """Weight of the heaviest term that `tokens` do not cover, of all terms' weight."""
        total = sum(t.weight for t in self.terms)
        lost = [t.weight * (1 - t.worth(tokens)) for t in self.terms if kind in (None, t.kind)]
        return max(lost, default=0.0) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of a question's terms a text covers, from 0 to 1; 1 where there are none of that kind."""

    all: float
    entities: float
    numbers: float


def _share(terms: Sequence[tuple[float, float]]) -> float:
    """Sum of what is covered, of the sum of weights."""
    total = covered = 0.0
    for weight, part in terms:
        total += weight
        covered += part
    return covered / total if total else 1.0


def ask(question: str, index: Index, as_of: datetime.date | None = None) -> Asked:
    """Take `question` apart."""
    parts = index.glossary.parts(question)
    terms = [_term(part, index) for part in parts if part.entry is not None or not is_common(part.stems[0])]
    return Asked(
        question,
        wanted(question),
        frozenset(focus(question)),
        tuple({t.forms: t for t in terms}.values()),
        index.encode([question])[0],
        language_of(question),
        claims.asked_holder(question, index.glossary),
        dates.moments(question),
        as_of,
        numbers(question),
        defining.target(question, index.glossary),
    )


def _term(part: Part, index: Index) -> Term:
    concepts = [c for s in part.stems for c in index.glossary.lexicon.concepts(s)]
    if part.entry is not None:
        words = [(s, _NAME_WORD_WORTH / len(part.stems)) for s in part.stems if not is_common(s)]
        return Term(((f"@{part.entry}", 1.0), *words), index.keywords.weight(f"@{part.entry}"), "entity")
    form = part.stems[0]
    forms = ((form, 1.0), *((f"#{c}", _CONCEPT_WORTH) for c in concepts))
    weight = _weight(form, concepts, index.keywords.frequency, index.keywords.weight)
    return Term(
        forms, weight * (_GENERIC_SHARE if form in _GENERIC else 1.0), "number" if form[0].isdigit() else "word"
    )


def _weight(form: str, concepts: list[str], frequency: Callable[[str], int], weight: Callable[[str], float]) -> float:
    """Of the word itself where the sources have it; else of its concept, since they may say it in another language."""
    known = [weight(f"#{c}") for c in concepts if frequency(f"#{c}")]
    return weight(form) if frequency(form) or not known else min(known)


def narrowed(whole: Asked, part: Asked) -> Asked:
    """A part of a question, with the rest of the question as its background."""
    own = {t.forms for t in part.terms}
    rest = tuple(replace(t, weight=t.weight * _BACKGROUND) for t in whole.terms if t.forms not in own)
    return replace(
        part,
        terms=part.terms + rest,
        moments=part.moments or whole.moments,
        speaker=part.speaker or whole.speaker,
        numbers=whole.numbers,
    )
