"""Metrics and health on a listener of their own: no client's path and no token leads to them.

With several worker processes, set PROMETHEUS_MULTIPROC_DIR to a directory that is theirs alone:
each worker counts there in the files of its slot, and whichever has bound the port serves the sum.
The others look whether it is free, so that one of them takes over when that one ends. The listener
is a thread: under uWSGI it needs ``enable-threads``.
"""

import errno
import socket
import threading
from collections.abc import Iterable, Sequence
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from oslo_log import log
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from placement_guard.observers.health import NOTHING_KNOWN, App
from placement_guard.observers.metrics.sharing import share
from placement_guard.observers.metrics.summing import Summed
from placement_guard.observers.slots import MULTIPROC_DIR, shared_directory
from placement_guard.settings import Settings

LOG = log.getLogger(__name__)

SOCKET_SECONDS: Final = 10
"""How long a peer of the listener may be silent (seconds)."""

MAX_PEERS: Final = 16
"""How many are answered at once. Who comes then is hung up on: a scrape that failed."""

LOOK_SECONDS: Final = 1.0
"""How often a worker that does not listen looks whether the port is free (seconds)."""


def served_registry(registry: CollectorRegistry = REGISTRY) -> CollectorRegistry:
    """What a scrape reads: ``registry``, or the sum over all processes in multiprocess mode."""
    slots = share()
    return registry if slots is None else Summed.registry(slots)


class _Handler(WSGIRequestHandler):
    timeout = SOCKET_SECONDS

    def log_message(self, *_told: object) -> None:
        """Say nothing: a scrape every few seconds is no news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        self._room = threading.BoundedSemaphore(MAX_PEERS)
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """A peer that hangs up is no news either."""
        LOG.debug("Metrics: %s was not answered", client_address)


class _ServerIPv6(_Server):
    address_family = socket.AF_INET6


class Listener:
    """Serves metrics and ``apps`` on the address that the settings name, as soon as it is free."""

    def __init__(
        self, settings: Settings, registry: CollectorRegistry, apps: Sequence[App]
    ) -> None:
        self._host, self._port = settings.metrics_host, settings.metrics_port
        self._metrics = make_wsgi_app(served_registry(registry))
        self._apps = apps
        self._closed = threading.Event()
        self._server: WSGIServer | None = None

    def begin(self) -> None:
        """Bind, and serve from a thread. In multiprocess mode a port that is taken is a sibling's,
        most likely: it is tried again until it is free. Otherwise OSError."""
        try:
            self._bind()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or shared_directory() is None:
                raise
            where = f"{self._host}:{self._port}"
            LOG.info("Metrics: %s is taken; the worker that has it serves the sum.", where)
        threading.Thread(target=self._serve, name="metrics", daemon=True).start()

    @property
    def serves(self) -> bool:
        """Whether it has the port."""
        return self._server is not None

    def close(self) -> None:
        """Let go of the port."""
        self._closed.set()
        server = self._server
        if server is not None:
            server.shutdown()
            server.server_close()

    def _bind(self) -> None:
        found = socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        kind = _ServerIPv6 if found[0][0] == socket.AF_INET6 else _Server
        self._server = make_server(self._host, self._port, self._app, kind, _Handler)
        LOG.info("Metrics are served on http://%s:%d/metrics", self._host, self._port)

    def _serve(self) -> None:
        while self._server is None:
            if self._closed.wait(LOOK_SECONDS):
                return
            try:
                self._bind()
            except OSError as error:
                LOG.debug("Metrics: still no port (%s)", error.strerror)
        self._server.serve_forever()

    def _app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
            return []
        for app in self._apps:
            answer = app(environ, start_response)
            if answer is not None:
                return answer
        return self._metrics(environ, start_response)


def listen(
    settings: Settings,
    registry: CollectorRegistry = REGISTRY,
    *apps: App,
) -> Listener | None:
    """Serve metrics and ``apps`` as the settings say; None where they say no.

    OSError where the address cannot be bound: :func:`listen_if_possible` goes on without.
    """
    if not settings.metrics_port:
        return None
    listener = Listener(settings, registry, apps or (NOTHING_KNOWN,))
    listener.begin()
    return listener


def listen_if_possible(
    settings: Settings,
    registry: CollectorRegistry = REGISTRY,
    *apps: App,
) -> Listener | None:
    """Serve them, or say at ERROR why not: a service does not stop for its metrics."""
    try:
        return listen(settings, registry, *apps)
    except OSError as error:
        LOG.error(  # noqa: TRY400  # a traceback would say no more
            "Metrics cannot be served on %s:%d (%s). If other workers of this service have the "
            "port, set %s for all of them; otherwise choose another metrics_port.",
            settings.metrics_host,
            settings.metrics_port,
            error.strerror,
            MULTIPROC_DIR,
        )
        return None
