"""Traces: a span for the guard's part of a request, one for each stage, one for Placement.

It is an extra, and off unless ``traces`` says where spans go. They carry W3C trace context on: a
span of the caller's is the parent, and its decision what is sampled holds. The spans of stages are
made after the request, from the times that were taken anyway. No span has anything of a body.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from time import perf_counter_ns, time_ns
from typing import Any, Final, NamedTuple, Protocol

from placement_guard.answer import WSGIApp
from placement_guard.exchange import Environ, Exchange
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings

MAX_HEADER: Final = 512
"""The longest ``traceparent`` or ``tracestate`` (characters) that is read."""

MAX_TEXT: Final = 128
"""The longest text (characters) of an attribute that comes from a client."""

_HEADERS: Final = (("traceparent", "HTTP_TRACEPARENT"), ("tracestate", "HTTP_TRACESTATE"))


class Spans(Protocol):
    """What makes spans: OpenTelemetry, as :mod:`placement_guard.observers.tracing.spans` sets it
    up."""

    def begin(self, name: str, headers: dict[str, str]) -> Any:
        """A span that is sampled, with that of the headers as its parent; None where it is not."""

    def stage(self, parent: Any, name: str, began: int, ended: int) -> None:
        """A span that has ended; times in nanoseconds since 1970."""

    def inside(self, parent: Any, name: str) -> Any:
        """A context manager: a span that is the current one meanwhile."""

    def end(self, span: Any, attributes: dict[str, Any], *, failed: bool, ended: int) -> None:
        """End it."""


class _Trace:
    """One request that is traced."""

    __slots__ = ("offset", "span")

    def __init__(self, span: Any) -> None:
        self.span = span
        self.offset = time_ns() - perf_counter_ns()


class Tracing:
    """Traces the requests of one guard. An observer, too: it is told of each that has ended."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._now: ContextVar[_Trace | None] = ContextVar("placement_guard_trace", default=None)

    def around(self, answer: WSGIApp) -> WSGIApp:
        """``answer``, with each request in a trace of its own, if it is sampled."""

        def traced(environ: Environ, start_response: Any) -> Iterable[bytes]:
            headers = {name: environ[key][:MAX_HEADER] for name, key in _HEADERS if key in environ}
            span = self._spans.begin("placement-guard", headers)
            if span is None:
                return answer(environ, start_response)
            token = self._now.set(_Trace(span))
            try:
                return answer(environ, start_response)
            finally:
                self._now.reset(token)

        return traced

    def placement(self, app: WSGIApp) -> WSGIApp:
        """The application behind, with a span around each time that it is asked."""
        return _Placement(app, self)

    def inside(self) -> Any:
        """The span of Placement, for the request that is traced; None where there is none."""
        trace = self._now.get()
        return None if trace is None else self._spans.inside(trace.span, "placement")

    def __call__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        trace = self._now.get()
        if trace is None:
            return
        for name, *times in exchange.timed:
            began, ended = (int(moment * 1e9) + trace.offset for moment in times)
            self._spans.stage(trace.span, f"stage {name}", began, ended)
        failed = outcome.ending is Ending.FAILED
        attributes = _attributes(exchange, outcome, rejection)
        ended = perf_counter_ns() + trace.offset
        self._spans.end(trace.span, attributes, failed=failed, ended=ended)


class _Placement:
    """Finds Placement where the layers of its stack are looked for: as ``application``."""

    def __init__(self, application: WSGIApp, tracing: Tracing) -> None:
        self.application, self._tracing = application, tracing

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        span = self._tracing.inside()
        if span is None:
            return self.application(environ, start_response)
        with span:
            return self.application(environ, start_response)


def tracing_from(settings: Settings, failed: Callable[[int], None]) -> Tracing | None:
    """What the settings ask for; None where they ask for none.

    failed
        Called with the number of spans that could not be sent.
    """
    if not settings.traces:
        return None
    from placement_guard.observers.tracing.spans import OpenTelemetry  # noqa: PLC0415  # an extra

    return Tracing(OpenTelemetry(settings.traces, settings.traces_share, failed))


class _Named(NamedTuple):
    name: str
    value: Any


def _attributes(
    exchange: Exchange, outcome: Outcome, rejection: Rejection | None
) -> dict[str, Any]:
    """What is told of a request: values from tables, and short texts."""
    version = exchange.version
    told = (
        _Named("http.request.method", exchange.method[:MAX_TEXT]),
        _Named("http.response.status_code", outcome.status),
        _Named("placement_guard.operation", exchange.operation.name),
        _Named("placement_guard.outcome", outcome.ending.value),
        _Named("placement_guard.microversion", f"{version[0]}.{version[1]}" if version else None),
        _Named("placement_guard.request_id", ascii(exchange.request_id[:MAX_TEXT])[1:-1]),
        _Named("placement_guard.stage", rejection.rule.stage if rejection else None),
        _Named("placement_guard.rule", rejection.rule.id if rejection else None),
        _Named("placement_guard.conflict", outcome.conflict or None),
        _Named("placement_guard.shed", outcome.shed or None),
        _Named("placement_guard.lane", outcome.lane or None),
        _Named("placement_guard.lane_wait_seconds", outcome.waited or None),
        _Named("placement_guard.attempts", outcome.attempts if outcome.attempts > 1 else None),
    )
    return {name: value for name, value in told if value is not None}
