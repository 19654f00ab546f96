"""What the server counts, for Prometheus.

Each application has counters of its own; no label holds what a user wrote.
"""

import datetime
from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from assistant.exchanges import Json
from assistant.generation import Reason
from assistant.steps import NAMES, Step
from index.errors import IndexingError

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STEP_SECONDS = (0.0001, 0.0005, 0.001, *_SECONDS)
_FAILURES = [*(("model", reason) for reason in get_args(Reason)), ("open", "not_kept"), ("keep", "not_kept")]


class Metrics:
    """The counters of one application. `index` names the served generation and may raise IndexingError; `making` and
    `waiting` say how many answers are being made, and how many of them wait for their turn."""

    def __init__(self, index: Callable[[], str], making: Callable[[], int], waiting: Callable[[], int]) -> None:
        self._registry = registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("assistant_requests", "Requests served", labels, registry=registry)
        self._seconds = Histogram(
            "assistant_request_seconds", "Seconds to the end of a response", ("route",), buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._answers = Counter(
            "assistant_answers", "Answers given, by 'answered' or the reason of the refusal", ("outcome", "model"),
            registry=registry,
        )  # fmt: skip
        self._drops = Counter("assistant_verifier_drops", "Sentences that could not be proven", registry=registry)
        self._steps = Histogram(
            "assistant_step_seconds", "Seconds of a step of an answer", ("step",), buckets=_STEP_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._failures = Counter(
            "assistant_step_failures", "Steps that failed, those of a chat model by its reason", ("step", "reason"),
            registry=registry,
        )  # fmt: skip
        self._show_zeros()
        Gauge("assistant_answers_open", "Answers being made", registry=registry).set_function(making)
        Gauge("assistant_answers_waiting", "Those that wait for their turn", registry=registry).set_function(waiting)
        self.streams = Gauge("assistant_streams_open", "Event streams that are open now", registry=registry)
        registry.register(_Index(index))
        ProcessCollector(registry=registry)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `route` is its template, not its path."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, answer: Json) -> None:
        """Count an answer, the JSON of the contract."""
        self._answers.labels(answer["reason"] or "answered", answer["model"]).inc()

    def step(self, step: Step) -> None:
        """Count a step of an answer, the sentence that it dropped and its failure."""
        self._steps.labels(step.name).observe(step.seconds)
        self._drops.inc(step.dropped)
        if step.failed is not None:
            self._failures.labels(step.name, step.failed).inc()

    def _show_zeros(self) -> None:
        """What has not happened yet is 0, so that its first time is a rise."""
        for name in NAMES:
            self._steps.labels(name)
        for step, reason in _FAILURES:
            self._failures.labels(step, reason)

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Index(Collector):
    """The age of the served generation, told by its name; nothing where there is none."""

    def __init__(self, name: Callable[[], str]) -> None:
        self._name = name

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge."""
        try:
            name = self._name()
        except IndexingError:
            return
        made = datetime.datetime.strptime(name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=datetime.UTC)
        age = (datetime.datetime.now(datetime.UTC) - made).total_seconds()
        gauge = GaugeMetricFamily("assistant_index_age_seconds", "Seconds since the index was made", labels=["index"])
        gauge.add_metric([name], age)
        yield gauge

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registering must not ask for the index."""
        return []
