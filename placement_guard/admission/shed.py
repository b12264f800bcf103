"""A request that is not let in now, and why: a value, as a rejection is."""

from typing import Final, NamedTuple


class Why(NamedTuple):
    """A reason: the value of the ``why`` metric label, the status, and what the client is told."""

    name: str
    status: int
    message: str


OUTAGE: Final = Why("outage", 503, "The database of Placement cannot be reached.")
BUSY: Final = Why("busy", 503, "Too many requests of this kind are being worked on.")
USER_RATE: Final = Why("user_rate", 429, "This user has sent too many requests.")
PROJECT_RATE: Final = Why("project_rate", 429, "This project has sent too many requests.")

WHYS: Final = (OUTAGE, BUSY, USER_RATE, PROJECT_RATE)
"""Every reason."""


class Shed(NamedTuple):
    """Placement is not asked. ``retry_after`` is in seconds, at least 1."""

    why: Why
    retry_after: int = 1
