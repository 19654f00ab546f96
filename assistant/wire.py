"""Puts the real parts together: the only file of this package that names them all."""

from assistant import answerability
from assistant.chain import Assistant
from assistant.compose import NAME
from assistant.settings import AssistantSettings
from assistant.trace import Traces
from index.encoders import make_encoders
from index.errors import ConfigurationError
from index.generation import Generations
from index.live import LiveIndex
from index.wire import open_generation, open_index


def make_assistant(settings: AssistantSettings, generation: str | None = None) -> Assistant:
    """The assistant of these settings, on the served generation or the one named. The index opens with the first
    question."""
    if settings.model != NAME:
        raise ConfigurationError(
            f"ASSISTANT_MODEL is {settings.model!r}, but this version answers with {NAME!r} only; unset it"
        )
    encoders = make_encoders(settings.embedding)
    if generation is None:
        live = LiveIndex(Generations(settings.data).current, lambda: open_index(settings, encoders))
    else:
        live = LiveIndex(lambda: generation, lambda: open_generation(settings, generation, encoders))
    return Assistant(live, answerability.load(), Traces(settings.data / "traces"))
