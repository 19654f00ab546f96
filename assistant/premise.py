"""Questions that take for granted what the sources contradict: finds the sentence that sets them right. Pure."""

import re
from collections.abc import Sequence

from assistant.asked import Asked, Term
from assistant.evidence import Evidence, denies
from index.glossary import Glossary

# A yes-or-no question presupposes nothing; these do.
_PRESUPPOSES = re.compile(
    r"^\W*(?:(?:and|but|so|а|и|і|ды)\s+)?(?:(?:in|on|at|by|from|since|under|в|во|с|со|на|у|з|са|из|после|пасля)\s+)?"
    r"(?:when|why|how|where|who|whom|which|what|what year|since|когда|почему|зачем|как\w*|где|кто|кого|каки\w*|сколько|"
    r"калі|чаму|навошта|як\w*|дзе|хто|каго|колькі)\b",
    re.IGNORECASE,
)
# Of these, the ones that take an event for granted: who and what may also ask about what our sources do not cover.
_OF_EVENTS = re.compile(
    r"^\W*(?:when|why|how (?!many|much|large|big|long|old|far)|since when|in what year|в каком году|когда|почему|зачем|"
    r"калі|чаму|навошта|у якім годзе)",
    re.IGNORECASE,
)
_REST_COVERED, _DENIED_COVERED, _ALL_NAMES = 0.5, 0.5, 0.99
_LOOKED_AT = 5
_SWAPPED = ("person", "place", "institution", "organisation", "company", "exercise", "weapon", "treaty", "document")


def correction(asked: Asked, ranked: Sequence[tuple[float, Evidence]], glossary: Glossary) -> Evidence | None:
    """The sentence that contradicts what `asked` takes for granted; None where none does, or nothing is presupposed.

    It denies what is asked about, or tells the same of somebody or something else of the same sort."""
    if not _PRESUPPOSES.search(asked.text):
        return None
    top = [e for _, e in ranked[:_LOOKED_AT]]
    denied = next((e for e in top if _denied(asked, e)), None)
    if denied or not _OF_EVENTS.search(asked.text):
        return denied
    return next((e for e in top[:3] if _swapped(asked, e, glossary)), None)


def _denied(asked: Asked, evidence: Evidence) -> bool:
    known = evidence.tokens | evidence.context
    same = asked.share(known) >= _DENIED_COVERED and asked.share(known, "entity") > _ALL_NAMES
    return same and denies(evidence.text) and not denies(asked.text)


def _swapped(asked: Asked, evidence: Evidence, glossary: Glossary) -> bool:
    known = evidence.tokens | evidence.context
    missing = [t for t in asked.terms if t.kind == "entity" and t.worth(known) < 1]
    rest = sum(t.weight for t in asked.terms if t not in missing)
    covered = sum(t.weight * t.worth(known) for t in asked.terms if t not in missing)
    if not missing or not rest or covered / rest < _REST_COVERED:
        return False
    named = {form for t in asked.terms for form, _ in t.forms}
    others = {glossary.entries[t[1:]].type for t in evidence.tokens if t.startswith("@") and t not in named}
    return any(_type(t, glossary) in others for t in missing)


def _type(term: Term, glossary: Glossary) -> str:
    kind = glossary.entries[term.forms[0][0][1:]].type
    return kind if kind in _SWAPPED else ""
