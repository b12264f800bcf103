"""Whether this process lives, and whether it can serve: ``/healthz`` and ``/readyz``.

Beside the metrics, on their listener, so that no token is needed and no client comes by. What is
told names no user, no resource and no secret.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Final

from oslo_log import log

LOG = log.getLogger(__name__)

CHECK_SECONDS: Final = 2.0
"""How long the checks may take (seconds). What takes longer has failed."""

Check = Callable[[], None]
"""Raises where something is not as it should be."""

App = Callable[[Mapping[str, Any], Any], Iterable[bytes] | None]
"""Answers what is about health; None to anything else. A Health is one."""

Told = Callable[[], Mapping[str, Any]]
"""Says how something is that no answer depends on."""


class Health:
    """The health of one process.

    checks
        By name, what must work: Placement, its database. One set of them runs at a time; who asks
        meanwhile waits for the same.
    told
        By name, what is shown along: lanes, breaker.
    """

    def __init__(self, checks: Mapping[str, Check], told: Mapping[str, Told]) -> None:
        self._checks, self._told = checks, told
        self._lock = threading.Lock()
        self._running: Future[dict[str, str]] | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether every check passes, and all that is known."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._pool.submit(self._check)
            running = self._running
        try:
            results = running.result(CHECK_SECONDS)
        except TooLate:
            results = dict.fromkeys(self._checks, f"no answer in {CHECK_SECONDS} seconds")
        ready = all(result == "ok" for result in results.values())
        shown = {name: dict(told()) for name, told in self._told.items()}
        return ready, {"ready": ready, "checks": results, **shown}

    def _check(self) -> dict[str, str]:
        results = {}
        for name, check in self._checks.items():
            try:
                check()
                results[name] = "ok"
            except Exception as error:
                # What it says may hold an address or SQL: that is for the log.
                LOG.warning("Not ready: %s: %s", name, ascii(str(error)[:1024]))
                results[name] = "failed"
        return results

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes] | None:
        """The answer to ``/healthz`` and ``/readyz``; None to anything else."""
        path = environ.get("PATH_INFO")
        if path == "/healthz":
            return _answer(start_response, "200 OK", {"alive": True})
        if path == "/readyz":
            ready, told = self.ready()
            status = "200 OK" if ready else "503 Service Unavailable"
            return _answer(start_response, status, told)
        return None


def _starting() -> None:
    raise RuntimeError("it has not started yet")


STARTING: Final = Health({"placement": _starting}, {})
"""Of a process that does not serve yet."""

NOTHING_KNOWN: Final = Health({}, {})
"""Of a process of which no more is known than that it answers."""


def _answer(start_response: Any, status: str, told: Mapping[str, Any]) -> Iterable[bytes]:
    body = json.dumps(told, indent=1).encode() + b"\n"
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
