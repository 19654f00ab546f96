"""What the assistant says when the sources do not: in the asker's language, what it looked for and what is near."""

from collections.abc import Sequence

import prompts
from assistant import dates
from assistant.conversation import Language, Reason
from assistant.evidence import Evidence
from assistant.smalltalk import is_small_talk

_SHOWN = 200


def say(
    reason: Reason, question: str, near: Sequence[Evidence], language: Language, correction: Evidence | None = None
) -> str:
    """The refusal's text. It carries no marker; what it quotes to set a question right it names the source of."""
    words = prompts.load(f"refusal.{language}")
    if reason == "off_topic" and is_small_talk(question):
        return words["small_talk"].fill()
    first = words[reason].fill(question=_shortened(_unmarked(question)))
    first = first if first.endswith(("?", ".", "!", "…")) else first + "."
    if correction is not None:
        source = _source(correction, language, words["undated"].fill())
        return f"{first} {words['instead'].fill(quote=_unmarked(correction.text), source=source)}"
    abouts = list(dict.fromkeys(_source(e, language, words["undated"].fill()) for e in near[:5]))[:3]
    named = bool(abouts) and reason != "off_topic"
    return f"{first} {words['near'].fill(titles='; '.join(abouts)) if named else words['nothing_near'].fill()}"


def _source(evidence: Evidence, language: Language, undated: str) -> str:
    about = evidence.passage.about
    published = dates.published_shown(about.published, language) if about.published else undated
    return _unmarked(f"«{about.title}» ({about.publisher}, {published})")


def _shortened(question: str) -> str:
    return question if len(question) <= _SHOWN else question[:_SHOWN].rstrip() + "…"


def _unmarked(text: str) -> str:
    """Text without square brackets, so that nothing in it looks like a citation."""
    return text.strip().replace("[", "(").replace("]", ")")
