"""OpenTelemetry, as the guard uses it: over OTLP and HTTP, or by the provider that is there."""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from random import random
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from oslo_log import log

from placement_guard.version import __version__

LOG = log.getLogger(__name__)

GLOBAL: Final = "global"
"""For ``traces``: the provider of this process, set up by whoever has instrumented it."""

MAX_QUEUE: Final = 2048
"""How many spans of a process wait at most; what comes then is dropped."""

BATCH: Final = 512
"""How many are sent at once."""

SEND_SECONDS: Final = 2.0
"""How long the collector may take (seconds)."""

FLUSH_MILLIS: Final = 2000
"""How long the end of a process may take for what still waits (milliseconds)."""

_NAME: Final = "placement_guard"
_propagator: Final = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Spans over OTLP to a URL, or by the provider of this process.

    share
        Of the requests (0 to 1) whose caller has not decided whether they are traced.
    failed
        Called with the number of spans that the collector did not take.
    """

    def __init__(self, where: str, share: float, failed: Callable[[int], None]) -> None:
        self._where, self._share, self._failed = where, share, failed
        self._lock = threading.Lock()
        self._pid = 0
        self._tracer: Any = None

    def begin(self, name: str, headers: dict[str, str]) -> Any:
        """As in Spans."""
        if self._pid != os.getpid():  # a thread that sends does not live on after a fork
            self._set_up()
        parent = _propagator.extract(headers) if headers else None
        if not (self._is_decided(parent) or random() < self._share):  # noqa: S311
            return None
        span = self._tracer.start_span(name, parent, SpanKind.SERVER)
        return span if span.is_recording() else None

    def _is_decided(self, parent: Any) -> bool:
        """Whether the caller, or whoever has set the provider up, decides; else chance does.

        A sampler would decide the same, and takes twenty times as long: for a request of which
        nothing is to be seen.
        """
        if self._where == GLOBAL:
            return True
        return parent is not None and trace.get_current_span(parent).get_span_context().is_valid

    def stage(self, parent: Any, name: str, began: int, ended: int) -> None:
        """As in Spans."""
        context = trace.set_span_in_context(parent)
        self._tracer.start_span(name, context, start_time=began).end(ended)

    def inside(self, parent: Any, name: str) -> Any:
        """As in Spans."""
        context = trace.set_span_in_context(parent)
        return self._tracer.start_as_current_span(
            name, context, record_exception=False, set_status_on_exception=False
        )

    def end(self, span: Any, attributes: dict[str, Any], *, failed: bool, ended: int) -> None:
        """As in Spans."""
        span.set_attributes(attributes)
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def _set_up(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            if self._where == GLOBAL:
                self._tracer = trace.get_tracer(_NAME, __version__)
            else:
                self._tracer = self._provider().get_tracer(_NAME, __version__)
            self._pid = os.getpid()

    def _provider(self) -> TracerProvider:
        # What it has to say of a collector that is away, it says at each attempt.
        logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.CRITICAL)
        logging.getLogger("opentelemetry.exporter.otlp.proto.http").setLevel(logging.CRITICAL)
        exporter = OTLPSpanExporter(endpoint=self._where, timeout=SEND_SECONDS)
        processor = BatchSpanProcessor(
            Sending(exporter, self._failed),
            max_queue_size=MAX_QUEUE,
            max_export_batch_size=BATCH,
            export_timeout_millis=SEND_SECONDS * 1000,
        )
        provider = TracerProvider(
            ParentBased(ALWAYS_ON),  # at the root, chance has decided
            Resource.create({"service.name": "placement", "service.version": __version__}),
            shutdown_on_exit=False,  # it would wait for as long as it takes
        )
        provider.add_span_processor(processor)
        atexit.register(provider.force_flush, FLUSH_MILLIS)
        return provider


class Sending(SpanExporter):
    """Sends, counts what could not be sent, and says when that begins and when it ends."""

    def __init__(self, exporter: SpanExporter, failed: Callable[[int], None]) -> None:
        self._exporter, self._failed = exporter, failed
        self._wrong = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As the library wants it."""
        try:
            result = self._exporter.export(spans)
        except Exception as error:
            LOG.debug("Traces: %s", error)
            result = SpanExportResult.FAILURE
        wrong = result is not SpanExportResult.SUCCESS
        if wrong:
            self._failed(len(spans))
        if wrong and not self._wrong:
            LOG.warning("Traces: the collector does not take spans; they are dropped")
        elif self._wrong and not wrong:
            LOG.info("Traces: the collector takes spans again")
        self._wrong = wrong
        return result

    def shutdown(self) -> None:
        """As the library wants it."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = FLUSH_MILLIS) -> bool:
        """As the library wants it."""
        return self._exporter.force_flush(timeout_millis)
