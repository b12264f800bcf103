"""Audit: a record of each mutation, and of each refusal.

docs/audit.md tells what is in a record, and where it goes. A request makes the record and appends
it to a queue, or has the thread make it that takes it to the file, the log or the message bus.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from oslo_config import cfg

from placement_guard.exchange import Exchange
from placement_guard.observers.audit.ended import FEW, Ended
from placement_guard.observers.audit.logged import NAME, Logged
from placement_guard.observers.audit.metrics import FILE, LOG, NOTIFICATIONS
from placement_guard.observers.audit.record import is_recorded, line_of
from placement_guard.observers.writing.counters import SinkCounters
from placement_guard.observers.writing.file import RotatedFile
from placement_guard.observers.writing.queue import SinkQueue
from placement_guard.observers.writing.sink import Sink, Way
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection
from placement_guard.settings import AUDIT_LOG, Settings

__all__ = ["Audit", "audit_from"]

FILE_MODE = 0o640
"""Who may read a new file: its owner, and its group for what ships logs."""


class Audit:
    """An observer that has a record put into each queue."""

    def __init__(self, *queues: SinkQueue[Ended, Any]) -> None:
        self._queues = queues

    def __call__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        if is_recorded(exchange, outcome, rejection):
            ended = Ended(exchange, outcome, rejection)
            for queue in self._queues:
                if queue.waiting() >= FEW:
                    ended.record()
                queue.put(ended)

    def close(self) -> None:
        """Write what is waiting, in bounded time. Done when the process ends, too."""
        for queue in self._queues:
            queue.close()


def audit_from(
    settings: Settings, counters: Mapping[str, SinkCounters], conf: cfg.ConfigOpts | None = None
) -> tuple[Audit, ...]:
    """The audit of a guard with these settings; none where it is off."""
    queues = [
        SinkQueue(way, counters[sink], most=settings.audit_queue)
        for sink, way in _ways(settings, conf)
    ]
    return (Audit(*queues),) if queues else ()


def _ways(settings: Settings, conf: cfg.ConfigOpts | None) -> Iterator[tuple[str, Way[Ended, Any]]]:
    """Where records go, each with what it is counted as."""
    if settings.audit == AUDIT_LOG:
        yield LOG, Way("Audit", f"the log {NAME}", Logged, _text)
    elif settings.audit:
        path, size, kept = settings.audit, settings.audit_max_bytes, settings.audit_kept_files
        yield (
            FILE,
            Way("Audit", path, lambda: RotatedFile(path, size, kept, mode=FILE_MODE), _line),
        )
    if settings.audit_notifications_url:
        yield NOTIFICATIONS, Way("Audit", "the message bus", lambda: _bus(settings, conf), _event)


def _text(ended: Ended) -> str:
    return line_of(ended.record())


def _line(ended: Ended) -> bytes:
    return _text(ended).encode()


def _event(ended: Ended) -> dict[str, Any]:
    from placement_guard.observers.audit.cadf import event_of  # noqa: PLC0415  # an extra

    return event_of(ended.record())


def _bus(settings: Settings, conf: cfg.ConfigOpts | None) -> Sink[dict[str, Any]]:
    from placement_guard.observers.audit.notifications import (  # noqa: PLC0415  # an extra
        Notifications,
    )

    if conf is None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
    return Notifications(
        settings.audit_notifications_url,
        settings.audit_notifications_topic,
        settings.audit_notifications_driver,
        conf,
    )
