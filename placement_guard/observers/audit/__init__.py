"""Audit: a record of each mutation, and of each refusal.

docs/audit.md tells what is in a record, and where it goes. A request makes the record and appends
it to a queue; a thread takes it to the file, the log or the message bus.
"""

from collections.abc import Callable

from oslo_config import cfg

from placement_guard.exchange import Exchange
from placement_guard.observers.audit.counters import FILE, LOG, NOTIFICATIONS, AuditCounters
from placement_guard.observers.audit.file import RotatedFile
from placement_guard.observers.audit.logged import NAME, Logged
from placement_guard.observers.audit.record import Record, is_recorded, record_of
from placement_guard.observers.audit.sink import Sink
from placement_guard.observers.audit.trail import Trail
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection
from placement_guard.settings import AUDIT_LOG, Settings

__all__ = ["Audit", "audit_from"]


class Audit:
    """An observer that leaves a record on each trail."""

    def __init__(self, *trails: Callable[[Record], None]) -> None:
        self._trails = trails

    def __call__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        if is_recorded(exchange, outcome, rejection):
            record = record_of(exchange, outcome, rejection)
            for trail in self._trails:
                trail(record)


def audit_from(
    settings: Settings, counters: AuditCounters, conf: cfg.ConfigOpts | None = None
) -> tuple[Audit, ...]:
    """The audit of a guard with these settings; none where it is off."""
    trails = [
        Trail(name, make, counters.of[sink], settings.audit_queue)
        for sink, name, make in _sinks(settings, conf)
    ]
    return (Audit(*trails),) if trails else ()


def _sinks(
    settings: Settings, conf: cfg.ConfigOpts | None
) -> list[tuple[str, str, Callable[[], Sink]]]:
    """What is counted as, what the log calls it, and how it is made."""
    found: list[tuple[str, str, Callable[[], Sink]]] = []
    if settings.audit == AUDIT_LOG:
        found.append((LOG, f"the log {NAME}", Logged))
    elif settings.audit:
        path, size, keep = settings.audit, settings.audit_max_bytes, settings.audit_keep
        found.append((FILE, path, lambda: RotatedFile(path, size, keep)))
    if settings.audit_notifications_url:
        found.append((NOTIFICATIONS, "the message bus", lambda: _bus(settings, conf)))
    return found


def _bus(settings: Settings, conf: cfg.ConfigOpts | None) -> Sink:
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
