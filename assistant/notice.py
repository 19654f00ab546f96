"""What an answer says about a chat model that was of no use, in the asker's language."""

import prompts
from assistant.conversation import Language
from assistant.generation import ModelFailed
from assistant.writing import Writer


def say(failure: ModelFailed | None, writer: Writer, language: Language) -> str | None:
    """One sentence, or None where the model's own sentences make the answer, or it rightly found none."""
    words = prompts.load(f"notice.{language}")
    if failure is not None:
        why = words[failure.reason].fill()
        return words["broken_off" if writer.worded else "failed"].fill(why=why)
    if writer.worded or (writer.declined and not writer.sentences):
        return None
    return words["unproven"].fill()
