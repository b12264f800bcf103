"""How an exchange ended: a pure function of what came back."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from placement_guard.api.conflicts import kind_of


class Ending(StrEnum):
    """Every value of the ``outcome`` metric label."""

    REJECTED = "rejected"
    """The guard refused it."""
    SERVED = "served"
    """Placement answered a read."""
    COMMITTED = "committed"
    """Placement made the change."""
    CONFLICT = "conflict"
    """Placement answered 409: the request met another state than it counted on."""
    REFUSED = "refused_by_placement"
    """Placement answered any other 4xx."""
    SHED = "shed"
    """The guard did not let it in now: a limit, or Placement's database is gone."""
    FAILED = "failed"
    """A 5xx or an exception, Placement's or the guard's."""


class Outcome(Struct, frozen=True):
    """An ending.

    conflict
        The kind of a conflict; empty otherwise.
    seconds
        The time that Placement took, all attempts and the pauses between them together; None where
        it was not asked.
    attempts
        How often Placement was asked.
    given_up
        Why it was not asked again after a conflict that this could have cured: attempts, deadline
        or budget. Empty otherwise.
    shed
        Why it was not let in; empty otherwise.
    lane, waited
        How the request came out of the queue for its lanes (held, timeout, full, unavailable), and
        how long that took (seconds). Empty where it takes none.
    queued
        How long it waited for a place under a limit (seconds).
    """

    ending: Ending
    status: int
    conflict: str = ""
    seconds: float | None = None
    attempts: int = 1
    given_up: str = ""
    shed: str = ""
    lane: str = ""
    waited: float = 0.0
    queued: float = 0.0


FAILED: Final = Outcome(Ending.FAILED, 500)
OUTAGE: Final = Outcome(Ending.FAILED, 503)


def classify(status: int, *, mutates: bool, code: str | None = None, detail: str = "") -> Outcome:
    """The outcome of Placement's answer.

    ``status`` is its HTTP status; ``code`` and ``detail`` are what the error says, needed for a
    409 only.
    """
    if status >= 500:
        return Outcome(Ending.FAILED, status)
    if status == 409:
        return Outcome(Ending.CONFLICT, status, kind_of(code, detail))
    if status >= 400:
        return Outcome(Ending.REFUSED, status)
    return Outcome(Ending.COMMITTED if mutates else Ending.SERVED, status)
