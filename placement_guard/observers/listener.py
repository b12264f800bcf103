"""Metrics and health on a listener of their own: no client's path and no token leads to them.

With several worker processes, set PROMETHEUS_MULTIPROC_DIR to a directory that is empty at start
and theirs alone: each worker writes there, and whichever bound the port serves the sum. The
listener is a thread: under uWSGI it needs ``enable-threads``.
"""

import errno
import os
import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from oslo_log import log
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

from placement_guard.observers.health import NOTHING_KNOWN, App
from placement_guard.settings import Settings

LOG = log.getLogger(__name__)

MULTIPROC_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"

SOCKET_SECONDS: Final = 10
"""How long a peer of the listener may be silent (seconds)."""


def served_registry(registry: CollectorRegistry = REGISTRY) -> CollectorRegistry:
    """What a scrape reads: ``registry``, or the sum over all processes in multiprocess mode."""
    if MULTIPROC_DIR not in os.environ:
        return registry
    total = CollectorRegistry()
    MultiProcessCollector(total)  # type: ignore[no-untyped-call]
    return total


class _Handler(WSGIRequestHandler):
    timeout = SOCKET_SECONDS

    def log_message(self, *_told: object) -> None:
        """Say nothing: a scrape every few seconds is no news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerIPv6(_Server):
    address_family = socket.AF_INET6


def listen(
    settings: Settings,
    registry: CollectorRegistry = REGISTRY,
    health: App = NOTHING_KNOWN,
) -> WSGIServer | None:
    """Serve metrics and health as the settings say; None where they say no, or another worker does.

    In multiprocess mode a port that is taken is a sibling's, most likely: it serves the sum.
    Otherwise OSError: :func:`listen_if_possible` goes on without.
    """
    if not settings.metrics_port:
        return None
    address = f"{settings.metrics_host}:{settings.metrics_port}"
    try:
        server = _bound(settings, make_wsgi_app(served_registry(registry)), health)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and MULTIPROC_DIR in os.environ:
            LOG.info("Metrics: %s is taken; the worker that has it serves the sum.", address)
            return None
        raise
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    LOG.info("Metrics are served on http://%s/metrics", address)
    return server


def _bound(settings: Settings, metrics: Any, health: App) -> WSGIServer:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = health(environ, start_response)
        return metrics(environ, start_response) if answer is None else answer

    host, port = settings.metrics_host, settings.metrics_port
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    kind = _ServerIPv6 if found[0][0] == socket.AF_INET6 else _Server
    return make_server(host, port, app, kind, _Handler)


def listen_if_possible(
    settings: Settings,
    registry: CollectorRegistry = REGISTRY,
    health: App = NOTHING_KNOWN,
) -> None:
    """Serve them, or say at ERROR why not: a service does not stop for its metrics."""
    try:
        listen(settings, registry, health)
    except OSError as error:
        LOG.error(  # noqa: TRY400  # a traceback would say no more
            "Metrics cannot be served on %s:%d (%s). If other workers of this service have the "
            "port, set %s for all of them; otherwise choose another metrics_port.",
            settings.metrics_host,
            settings.metrics_port,
            error.strerror,
            MULTIPROC_DIR,
        )
