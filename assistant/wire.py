"""Puts the real parts together: the only file of this package that names them all."""

from assistant import answerability
from assistant.chain import Assistant
from assistant.compose import NAME
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.models import ChatModel, Limits, make_chat_model
from assistant.settings import AssistantSettings
from assistant.shared_traces import SharedTraces
from assistant.tape import Model
from assistant.trace import Records, Traces
from index.encoders import make_encoders
from index.errors import ConfigurationError
from index.generation import Generations
from index.live import LiveIndex
from index.wire import open_generation, open_index


def make_assistant(settings: AssistantSettings, generation: str | None = None, model: Model | None = None) -> Assistant:
    """The assistant of these settings, on the served generation or the one named, worded by their model or the one
    given. The index opens with the first question. Raises ConfigurationError for a model that cannot be set up."""
    encoders = make_encoders(settings.embedding)
    if generation is None:
        live = LiveIndex(Generations(settings.data).current, lambda: open_index(settings, encoders))
    else:
        live = LiveIndex(lambda: generation, lambda: open_generation(settings, generation, encoders))
    model = model or make_model(settings)
    return Assistant(live, answerability.load(), make_traces(settings), model)


def make_model(settings: AssistantSettings, limits: Limits | None = None) -> ChatModel | None:
    """The chat model of these settings; None for the embedded engine. Raises ConfigurationError."""
    if settings.model != NAME:
        return make_chat_model(settings.model, settings.model_base_url, limits)
    if settings.model_base_url:
        raise ConfigurationError("ASSISTANT_MODEL_BASE_URL is set: name a model of that server in ASSISTANT_MODEL too")
    return None


def make_dialogue(settings: AssistantSettings, assistant: Assistant) -> Dialogue:
    """Conversations with `assistant`, kept in the database of these settings, which opens with the first question.
    Raises ConfigurationError."""
    history = make_history(settings)
    return Dialogue(assistant.answer, history, make_traces(settings, history).forget)


def make_history(settings: AssistantSettings) -> History:
    """The database of conversations of these settings, which opens with the first use. Raises ConfigurationError."""
    url = settings.database_url
    return History(url.get_secret_value() if url else settings.data / "conversations.sqlite")


def make_traces(settings: AssistantSettings, history: History | None = None) -> Records:
    """Records of answers: files in the data folder, or where ASSISTANT_DATABASE_URL is set rows of that database,
    through `history` where given. Raises ConfigurationError."""
    files = Traces(settings.data / "traces")
    return files if settings.database_url is None else SharedTraces(history or make_history(settings), files)
