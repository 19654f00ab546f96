"""Time to the first verified sentence of a chat model, and what is ours of it.

    ASSISTANT_MODEL=openai:local ASSISTANT_MODEL_BASE_URL=http://127.0.0.1:8081/v1 python -m evals.pace
    python -m evals.pace --gold evals/gold/elsewhere/analysis.jsonl --sources FOLDER --most 10

Asks gold questions of the model of these settings and takes the time spent waiting for its words apart from the rest:
searching, composing, proving. The overhead is that rest, as a share of the waiting. Prints one line of JSON.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.chain import Assistant, Shown
from assistant.compose import NAME
from assistant.conversation import Answer, Question
from assistant.generation import Cancel, Message, Usage
from assistant.models import make_chat_model
from assistant.settings import AssistantSettings
from assistant.tape import Model, Speech
from evals.cases import GOLD, Case, load
from evals.run import question
from evals.session import on_index_of


class Watched:
    """A model, and the seconds for which its words were waited for since `waited` was last set to 0."""

    def __init__(self, model: Model) -> None:
        self.name, self.waited, self._model = model.name, 0.0, model

    def stream(self, messages: Sequence[Message], cancel: Cancel) -> Speech:
        """Ask it."""
        started = time.perf_counter()
        speech = self._model.stream(messages, cancel)
        self.waited += time.perf_counter() - started
        return _Watched(speech, self)

    def close(self) -> None:
        """End what runs for it."""
        self._model.close()


class _Watched:
    """One call, its waiting counted."""

    def __init__(self, speech: Speech, model: Watched) -> None:
        self._speech, self._model = speech, model

    @property
    def usage(self) -> Usage:
        """What it took."""
        return self._speech.usage

    @property
    def truncated(self) -> bool:
        """Whether it ended before it was done."""
        return self._speech.truncated

    def __enter__(self) -> Iterator[str]:
        return self._pieces(self._speech.__enter__())

    def __exit__(self, *details: object) -> None:
        self._speech.__exit__(*details)

    def _pieces(self, pieces: Iterator[str]) -> Iterator[str]:
        while True:
            started = time.perf_counter()
            piece = next(pieces, None)
            self._model.waited += time.perf_counter() - started
            if piece is None:
                return
            yield piece


def pace(cases: Sequence[Case], assistant: Assistant, model: Watched) -> list[tuple[float, float, float, float]]:
    """For each question that the model worded: seconds to the first sentence, those of them spent waiting for the
    model, and the same for the whole answer."""
    assistant.answer(Question("What is the Union State?"))
    found = []
    for case in cases:
        model.waited, started = 0.0, time.perf_counter()
        first: tuple[float, float] | None = None
        for event in assistant.stream(question(case), Cancel(), record=False):
            if isinstance(event, Shown) and first is None:
                first = time.perf_counter() - started, model.waited
            if isinstance(event, Answer) and first is not None and event.model != NAME:
                found.append((*first, time.perf_counter() - started, model.waited))
    return found


def report(found: Sequence[tuple[float, float, float, float]], asked: int) -> dict[str, float | int]:
    """The figures, in seconds and shares."""
    first, waited, whole, waited_whole = (list(column) for column in zip(*found, strict=True))
    return {
        "asked": asked, "worded by the model": len(found),
        "first sentence p50": round(statistics.median(first), 2), "first sentence max": round(max(first), 2),
        "answer p50": round(statistics.median(whole), 2),
        "ours until the first sentence p50": round(statistics.median(map(_less, first, waited)), 3),
        "overhead until the first sentence": round(sum(map(_less, first, waited)) / sum(waited), 4),
        "overhead of the whole answer": round(sum(map(_less, whole, waited_whole)) / sum(waited_whole), 4),
    }  # fmt: skip


def _less(all_: float, part: float) -> float:
    return all_ - part


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when the model worded no answer."""
    parser = argparse.ArgumentParser(prog="python -m evals.pace", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gold", type=Path, nargs="+", default=sorted(GOLD.glob("*.jsonl")), help="gold files")
    parser.add_argument("--sources", type=Path, nargs="+", default=[Path("sources")], help="folders of documents")
    parser.add_argument("--most", type=int, default=20, help="so many answerable questions")
    options = parser.parse_args(arguments)
    cases = [c for c in load(options.gold) if c.answerable][: options.most]
    settings = AssistantSettings()
    if settings.model == NAME:
        parser.error("ASSISTANT_MODEL names no chat model; for a small real one run: make model")
    model = Watched(make_chat_model(settings.model, settings.model_base_url))
    with on_index_of(options.sources, model=model) as assistant:
        found = pace(cases, assistant, model)
    sys.stdout.write(json.dumps(report(found, len(cases)) if found else {"worded by the model": 0}) + "\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
