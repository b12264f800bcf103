"""Lanes: bounded, fair queues for writes that touch the same resource provider.

They join threads, processes and, over Redis, hosts. They are an optimisation: with them, few writes
meet in Placement and have to be sent again. So they fail open. Nothing here raises to its caller or
waits for longer than asked, and no data depends on a lane being held.
"""

from oslo_log import log

from placement_guard.lanes.files import FileLanes
from placement_guard.lanes.hold import Hold, Lane, Lanes, NoLanes, Result, State
from placement_guard.lanes.place import Place
from placement_guard.lanes.turns import LANES, MAX_LANES, MAX_SECONDS, MAX_WIDTH

LOG = log.getLogger(__name__)

__all__ = [
    "LANES",
    "MAX_LANES",
    "MAX_SECONDS",
    "MAX_WIDTH",
    "Hold",
    "Lane",
    "Lanes",
    "NoLanes",
    "Result",
    "State",
    "open_lanes",
    "problem",
]


def open_lanes(url: str | None, directory: str | None, width: int, max_waiting: int) -> Lanes:
    """Lanes of ``width`` requests each (1 to MAX_WIDTH).

    url
        Of a Redis server that joins several hosts (``redis://``, ``rediss://``, ``unix://``);
        without one, lanes join the processes of this host. One that cannot be used is said at
        ERROR: :func:`problem` says it before.
    directory
        Where the file of this host's lanes is; without one, ``/run/placement-guard`` or
        ``<temporary directory>/placement-guard-<uid>``. All workers of a host need the same.
    max_waiting
        Who finds so many before it in a queue does not wait.
    """
    files = FileLanes(Place(directory), width, max_waiting)
    if not url:
        return files
    why = problem(url)
    if why is not None:
        LOG.error("Lanes: Redis is not used: %s. Each host queues for itself.", why)
        return files
    from placement_guard.lanes.redis import RedisLanes  # noqa: PLC0415  # an extra, and slow
    from placement_guard.lanes.server import Server  # noqa: PLC0415

    return RedisLanes(Server(url), files)


def problem(url: str) -> str | None:
    """Why this address of a Redis server cannot be used; the text quotes nothing of it.

    Asks no server: one that is away may come back.
    """
    try:
        from placement_guard.lanes.server import Address, Server  # noqa: PLC0415  # an extra
    except ImportError:
        return "redis-py is not installed; it comes with placement-guard[redis]"
    try:
        Server(url)
    except Address as why:
        return str(why)
    return None
