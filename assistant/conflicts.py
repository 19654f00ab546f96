"""Where two sources give different values or framings for the same thing at the same time. Pure."""

from collections.abc import Sequence

from assistant.asked import Asked
from assistant.conversation import Citation, Conflict, Language, Sentence
from assistant.evidence import Evidence
from index.glossary import Glossary

Dispute = tuple[Evidence, Evidence]


def opposing(asked: Asked, chosen: Sequence[Evidence], ranked: Sequence[tuple[float, Evidence]]) -> list[Dispute]:
    """Pairs of a chosen sentence and another that answers the question otherwise."""
    return []


def shown(
    disputes: Sequence[Dispute], sentences: Sequence[Sentence], citations: Sequence[Citation], language: Language,
    glossary: Glossary,
) -> tuple[Conflict, ...]:  # fmt: skip
    """The disputes of which both sides stand in the answer."""
    return ()
