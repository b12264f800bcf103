"""What uWSGI does otherwise: its threads may be off, and its parent loads what its workers run."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from oslo_log import log

LOG = log.getLogger(__name__)

ENABLE: Final = "enable-threads"
THREADS: Final = "threads"
"""The options of uWSGI by either of which threads run between the requests; of the second it takes
more than one."""


def server() -> Any:
    """UWSGI's own module, which is there inside of it; None elsewhere."""
    try:
        return importlib.import_module("uwsgi")
    except ImportError:
        return None


def say_if_threads_are_off() -> None:
    """Say at ERROR that threads do not run. The guard's serve the metrics and write the audit."""
    uwsgi = server()
    if uwsgi is not None and not _has_threads(uwsgi.opt):
        LOG.error(
            "uWSGI runs without threads: metrics are not served, and the audit is not written, "
            "between requests. Set enable-threads = true."
        )


def _has_threads(options: Mapping[Any, Any]) -> bool:
    given = {_text(name): _text(value) for name, value in options.items()}
    threads = given.get(THREADS, "0")
    return ENABLE in given or (threads.isdigit() and int(threads) > 1)


def _text(given: Any) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)


def in_each_worker(begin: Callable[[], None]) -> None:
    """Call ``begin`` in each process that serves: now, or, in the parent of uWSGI's workers, in
    each of them after the fork. Threads of the parent would not run."""
    uwsgi = server()
    if uwsgi is None or uwsgi.worker_id() > 0 or not uwsgi.masterpid():
        begin()
        return
    before = getattr(uwsgi, "post_fork_hook", None)

    def after_the_fork() -> None:
        if before is not None:
            before()
        begin()

    uwsgi.post_fork_hook = after_the_fork
