"""What the assistant says when the sources do not: in the asker's language, what it looked for and what is near."""

from collections.abc import Sequence

import prompts
from assistant.conversation import Language, Reason
from assistant.evidence import Evidence

_SHOWN = 200


def say(reason: Reason, question: str, near: Sequence[Evidence], language: Language) -> str:
    """The refusal's text. It quotes no source and carries no marker."""
    words = prompts.load(f"refusal.{language}")
    first = words[reason].fill(question=_shortened(_unmarked(question)))
    abouts = list(dict.fromkeys(e.passage.about for e in near[:5]))[:3]
    titles = "; ".join(f"«{a.title}» ({a.publisher}, {a.published or words['undated'].fill()})" for a in abouts)
    named = bool(titles) and reason != "off_topic"
    second = words["near"].fill(titles=_unmarked(titles)) if named else words["nothing_near"].fill()
    return f"{first if first.endswith(('.', '?', '!', '…')) else first + '.'} {second}"


def _shortened(question: str) -> str:
    return question if len(question) <= _SHOWN else question[:_SHOWN].rstrip() + "…"


def _unmarked(text: str) -> str:
    """Text without square brackets, so that nothing in it looks like a citation."""
    return text.strip().replace("[", "(").replace("]", ")")
