"""Settings of the audit."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from placement_guard import extras
from placement_guard.settings.problems import Problem, Range, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings

AUDIT_LOG: Final = "log"
"""The value of ``audit`` that means the log, not a file."""

MIN_AUDIT_BYTES: Final = 65536
"""The smallest size (bytes) at which a file of the audit is renamed."""

DRIVERS: Final = ("messagingv2", "messaging")
"""The values of ``audit_notifications_driver``, oslo.messaging's names."""

RANGES: Final[Mapping[str, Range]] = {
    "audit_max_bytes": Range(0, 2**40, "bytes"),
    "audit_kept_files": Range(1, 1000),
    "audit_queue": Range(16, 100_000),
}
"""The bounds of those that are numbers."""


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with them, beside numbers out of bounds."""
    audit, size = settings.audit, settings.audit_max_bytes
    if audit not in {"", AUDIT_LOG} and not audit.startswith("/"):
        yield of_setting("audit", f"is neither empty, nor {AUDIT_LOG}, nor an absolute path")
    if 0 < size < MIN_AUDIT_BYTES:
        text = f"{size} is neither 0 nor at least {MIN_AUDIT_BYTES} bytes"
        yield of_setting("audit_max_bytes", text)
    url = settings.audit_notifications_url
    wrong = extras.bus_problem(url) if url else None
    if wrong:
        yield of_setting("audit_notifications_url", wrong)
    if not extras.is_topic(settings.audit_notifications_topic):
        text = f"is no topic: at most {extras.MAX_TOPIC} letters, digits and _ . -"
        yield of_setting("audit_notifications_topic", text)
    if settings.audit_notifications_driver not in DRIVERS:
        yield of_setting("audit_notifications_driver", f"is none of {', '.join(DRIVERS)}")
