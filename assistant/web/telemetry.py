"""Traces for OpenTelemetry: a span a request and one for each step of its answer, sent to a collector by OTLP.

Imported only where a collector is configured. The SDK's standard OTEL_ variables say where it is and what to sample.
No span holds what was asked or answered, or who asked.
"""

import logging
import os
import re
import threading
import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.settings import COLLECTOR
from assistant.steps import Step, heard
from index.errors import ConfigurationError

_NAME = "union-state-assistant"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_LAST_SECONDS = 3.0  # for the last spans, when the server stops
_AGAIN_SECONDS = 60.0  # between two lines of log about a collector that fails


class Telemetry:
    """Collects spans and sends them from a thread of its own: who answers waits for no collector."""

    def __init__(self) -> None:
        """Raises ConfigurationError for what the OTEL_ variables ask and this does not do."""
        _check()
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._exporter = trace_exporter.OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        logging.getLogger(trace_exporter.__name__).addFilter(_Seldom())

    def traced(self, app: ASGIApp) -> ASGIApp:
        """`app`, whose requests are traced."""
        return _Traced(app, self._provider.get_tracer(_NAME))

    def close(self) -> None:
        """Send what is left. Gives up on a collector that takes longer than three seconds."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_SECONDS)
        if last.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it tries no more


class _Traced:
    """Pure ASGI, around the guard. Puts `trace_id` into the scope; the guard leaves there what it `told` of the
    request."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer, self._propagator = app, tracer, TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request within a span, the child of its caller's where the caller has one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        theirs = self._propagator.extract(dict(Headers(scope=scope)))
        span = self._tracer.start_span("HTTP", theirs, SpanKind.SERVER)
        ours = span.get_span_context()
        if ours.is_valid:
            scope["trace_id"] = format(ours.trace_id, "032x")
        around = set_span_in_context(span)
        try:
            with heard(lambda step: self._step(step, around)):
                await self._app(scope, receive, send)
        finally:
            _end(span, scope)

    def _step(self, step: Step, around: Context) -> None:
        """A step is told when it is over, so its span has both ends at once."""
        span = self._tracer.start_span(step.name, around, start_time=step.began)
        if step.dropped:
            span.set_attribute("assistant.dropped", True)
        if step.failed is not None:
            span.set_attribute("error.type", step.failed)
            span.set_status(StatusCode.ERROR)
        span.end(step.began + int(step.seconds * 1e9))


def _end(span: Span, scope: Scope) -> None:
    told = scope.get("told", {})
    span.update_name(f"{told.get('method')} {told.get('route')}")
    names = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code",
             "request_id": "assistant.request_id", "trace": "assistant.trace"}  # fmt: skip
    span.set_attributes({names[n]: v for n, v in told.items() if n in names})
    if told.get("status", 500) >= 500:
        span.set_status(StatusCode.ERROR)
    span.end()


def _check() -> None:
    for name in COLLECTOR:
        url = os.environ.get(name)
        if url and not re.match(r"https?://[^/\s]", url):
            raise ConfigurationError(f"{name} must be a URL such as http://127.0.0.1:4318")
    for name in _PROTOCOLS:
        if (os.environ.get(name) or "http/protobuf") != "http/protobuf":
            raise ConfigurationError(f"{name} {os.environ[name]!r} is not spoken here: use http/protobuf, port 4318")


def _resource() -> Resource:
    """Who sends: as the OTEL_ variables have it, else by our name."""
    found = Resource.create()
    unnamed = str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return found.merge(Resource({SERVICE_NAME: _NAME})) if unnamed else found


class _Seldom(logging.Filter):
    """Lets an error a minute pass, and nothing less: a collector that is down is one trouble and not thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        if record.levelno < logging.ERROR or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _AGAIN_SECONDS
        return True
