"""What an answer says about itself: that a chat model was of no use, or that it gives others' word than asked."""

from collections.abc import Sequence

import prompts
from assistant import claims
from assistant.asked import Asked
from assistant.conversation import Citation, Language, Sentence
from assistant.tape import Tape
from assistant.writing import Writer
from index.glossary import Glossary


def say(tape: Tape | None, writer: Writer, language: Language) -> str | None:
    """One sentence, or None where no model was asked, its own sentences make the answer, or it rightly found none."""
    if tape is None or not tape.calls:
        return None
    words = prompts.load(f"notice.{language}")
    if tape.failure is not None:
        why = words[tape.failure.reason].fill()
        return words["broken_off" if writer.worded else "failed"].fill(why=why)
    if writer.worded or (writer.declined and not writer.sentences):
        return None
    return words["unproven"].fill()


def other_word(
    asked: Asked, sentences: Sequence[Sentence], citations: Sequence[Citation], language: Language, glossary: Glossary
) -> str | None:
    """One sentence where the question asks for somebody's word ("as the treaty says") and no sentence gives it."""
    if asked.speaker is None or not sentences:
        return None
    entry = glossary.entries.get(asked.speaker)
    names = sorted({*(entry.names.values() if entry else ()), asked.speaker})
    abouts = [c.passage.about for c in citations]
    told = [f"{s.text} {s.holder or ''}" for s in sentences] + [f"{a.publisher} {a.title} {a.holder}" for a in abouts]
    if any(claims.names(name, text, glossary) for name in names for text in told):
        return None
    shown = (entry.names.get(language) if entry else None) or asked.speaker
    return prompts.load(f"notice.{language}")["other_word"].fill(holder=shown)
