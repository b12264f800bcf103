"""What a worker knows for people: bounded records, as they are stored and shown."""

from typing import Any, Final

from msgspec import Struct

from placement_guard.observers.board.sketch import Hot, Window

DECISIONS: Final = 64
"""How many decisions a worker keeps, and how many are shown."""

MINUTES: Final = 60
"""How many minutes are kept."""

OLD_CLIENTS: Final = 32
"""How many users of old microversions a worker keeps; who was seen longest ago makes room."""

MAX_TEXT: Final = 128
"""The longest text (characters) of a client's that is kept."""

OLD: Final = (1, 28)
"""Microversions below this one are old: a claim knows no generation of its consumer."""


class Decision(Struct, frozen=True):
    """A request that was refused, warned of, not let in, or that conflicted.

    ``at`` is in Unix seconds; ``verdict`` is rejected, warned, shed or conflict; ``why`` is the
    rule, the limit, or the kind of the conflict.
    """

    at: float
    verdict: str
    operation: str
    why: str
    status: int
    user: str | None = None
    project: str | None = None
    json_path: str | None = None
    policy: str | None = None
    request_id: str | None = None
    microversion: str | None = None


class Minute(Struct):
    """What was counted in one minute; ``at`` is its number since 1970, times are in seconds."""

    at: int
    requests: int = 0
    rejected: int = 0
    conflicts: int = 0
    failed: int = 0
    whole: float = 0.0
    placement: float = 0.0


class OldClient(Struct):
    """A user of old microversions: the lowest one, how often, and when last (Unix seconds)."""

    user: str
    microversion: str
    requests: int
    seen: float


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that one worker knows. ``written`` and ``started`` are in Unix seconds."""

    slot: str
    pid: int
    started: float
    written: float
    version: str
    decisions: tuple[Decision, ...] = ()
    minutes: tuple[Minute, ...] = ()
    hot: Window = Window()
    old: tuple[OldClient, ...] = ()
    told: dict[str, Any] = {}


class Status(Struct, frozen=True, kw_only=True):
    """What all workers of a service know together; ``shared`` says whether it is of all."""

    host: str
    at: float
    version: str
    shared: bool
    workers: tuple[Snapshot, ...]
    decisions: tuple[Decision, ...]
    minutes: tuple[Minute, ...]
    hot: tuple[Hot, ...]
    old: tuple[OldClient, ...]
    told: dict[str, Any]
    changed_modes: dict[str, str]
    modes: dict[str, str]
