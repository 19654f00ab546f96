"""This project: `index build` with its verification, search, whole proven answers."""

import shutil
import time
from pathlib import Path
from typing import Any

from assistant import answerability
from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.steps import Step, heard
from assistant.trace import Traces
from evals.bench import corpus
from evals.bench.clock import Clock, TimedEncoder, core_seconds, disk_mb, peak_mb, resident_mb, timed
from evals.bench.place import Place, Told
from index import glossary, lexicon, wire
from index.batches import InTurn
from index.encoders import make_encoders
from index.generation import Generations
from index.live import LiveIndex
from index.ports import Encoder
from index.store import VectorStore
from index.sync import Builder, BuildReport


class _TimedStore(VectorStore):
    """Counts on `clock` what it takes to store vectors."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder)
        self.clock = clock

    def add(self, *arguments: Any) -> None:
        with self.clock.part("store vectors"):
            super().add(*arguments)


def build(place: Place) -> Told:
    """Build the index of the documents from nothing, then again unchanged."""
    shutil.rmtree(place.work, ignore_errors=True)
    texts = corpus.documents(place.chunks)
    corpus.write(texts, place.sources)
    clock, encoders = Clock(), make_encoders("bundled")
    for encoder in encoders:
        encoder.encode(["warm"])
    chosen: tuple[Encoder, ...] = encoders if place.is_real else corpus.derived(encoders, place.base)
    started, worked = time.perf_counter(), core_seconds()
    report = _build(place, chosen, clock)
    seconds, worked = time.perf_counter() - started, core_seconds() - worked
    started = time.perf_counter()
    again = _build(place, chosen, Clock())
    unchanged = time.perf_counter() - started
    characters = sum(map(len, texts))
    return {"characters": characters, "characters_per_second": round(characters / seconds), "chunks": report.chunks,
            "seconds": round(seconds, 2), "core_seconds": round(worked, 2), "steps": clock.told(), "peak_mb": peak_mb(),
            "unchanged_seconds": round(unchanged, 2), "unchanged_embedded": again.embedded,
            "disk_mb": disk_mb(Generations(place.data).folder(report.generation))}  # fmt: skip


def _build(place: Place, encoders: tuple[Encoder, ...], clock: Clock) -> BuildReport:
    """As `index.wire.build`, with a clock on its parts."""
    settings = place.settings()
    timed = [TimedEncoder(e, clock) for e in encoders]

    def open_store(name: str, folder: Path) -> VectorStore:
        return _TimedStore(folder / "chroma", clock)

    def verify(name: str) -> None:
        with clock.part("verify"):
            wire.verify_in_child(settings, name)

    names = glossary.find(settings.sources, lexicon.bundled())
    with clock.part("all"):
        builder = Builder(Generations(place.data), InTurn(timed), names, open_store, verify, lambda *_: None)
        return builder.build(settings.sources)


def ask(place: Place) -> Told:
    """Search with the first half of the questions, answer the second: a question is encoded only once."""
    clock, settings = Clock(), place.settings()
    encoders = tuple(TimedEncoder(e, clock) for e in make_encoders("bundled"))
    started = time.perf_counter()
    live = LiveIndex(Generations(settings.data).current, lambda: wire.open_index(settings, encoders))
    assistant = Assistant(live, answerability.load(), Traces(settings.data / "traces"))
    assistant.ready()
    opened = time.perf_counter() - started
    asked = corpus.questions(2 * place.questions)
    clock.seconds.clear()
    searched = timed(lambda q: assistant.search(q, 10), asked[: place.questions])
    search_steps = _milliseconds(clock, place.questions)
    clock.seconds.clear()
    answers: list[bool] = []
    with heard(lambda step: _count(clock, step)):
        answered = timed(lambda q: answers.append(assistant.answer(Question(q)).refused), asked[place.questions :])
    told = {"open_seconds": round(opened, 2), "search_ms": searched.told(), "answer_ms": answered.told(),
            "search_steps_ms": search_steps, "answer_steps_ms": _milliseconds(clock, place.questions),
            "answered": round(1 - sum(answers) / len(answers), 3),
            "memory_mb": resident_mb(), "peak_mb": peak_mb()}  # fmt: skip
    assistant.close()
    return told


def _count(clock: Clock, step: Step) -> None:
    clock.seconds[step.name] += step.seconds


def _milliseconds(clock: Clock, questions: int) -> dict[str, float]:
    return {name: round(seconds * 1000 / questions, 3) for name, seconds in clock.seconds.items()}
