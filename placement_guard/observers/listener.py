"""The metrics on a listener of their own: neither a client's path nor a token leads to them.

With several worker processes, set PROMETHEUS_MULTIPROC_DIR to a directory that is empty at start
and theirs alone: each worker writes there, and whichever bound the port serves the sum. The
listener is a thread: under uWSGI it needs ``enable-threads``.
"""

import errno
import os
from typing import Final
from wsgiref.simple_server import WSGIServer

from oslo_log import log
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from placement_guard.settings import Settings

LOG = log.getLogger(__name__)

MULTIPROC_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"


def served_registry(registry: CollectorRegistry = REGISTRY) -> CollectorRegistry:
    """What a scrape reads: ``registry``, or the sum over all processes in multiprocess mode."""
    if MULTIPROC_DIR not in os.environ:
        return registry
    total = CollectorRegistry()
    MultiProcessCollector(total)  # type: ignore[no-untyped-call]
    return total


def listen(settings: Settings, registry: CollectorRegistry = REGISTRY) -> WSGIServer | None:
    """Serve the metrics as the settings say; None where they say no, or another worker does.

    In multiprocess mode a port that is taken is a sibling's, most likely: it serves the sum.
    Otherwise OSError: :func:`listen_if_possible` goes on without.
    """
    if not settings.metrics_port:
        return None
    address = f"{settings.metrics_host}:{settings.metrics_port}"
    try:
        server, _ = start_http_server(
            settings.metrics_port, settings.metrics_host, served_registry(registry)
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE and MULTIPROC_DIR in os.environ:
            LOG.info("Metrics: %s is taken; the worker that has it serves the sum.", address)
            return None
        raise
    LOG.info("Metrics are served on http://%s/metrics", address)
    return server


def listen_if_possible(settings: Settings, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve the metrics, or say at ERROR why not: a service does not stop for its metrics."""
    try:
        listen(settings, registry)
    except OSError as error:
        LOG.error(  # noqa: TRY400  # a traceback would say no more
            "Metrics cannot be served on %s:%d (%s). If other workers of this service have the "
            "port, set %s for all of them; otherwise choose another metrics_port.",
            settings.metrics_host,
            settings.metrics_port,
            error.strerror,
            MULTIPROC_DIR,
        )
