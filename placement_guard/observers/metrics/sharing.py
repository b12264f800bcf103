"""Counting in files that several workers share, each in those of its slot.

prometheus_client names the files of a process after its pid: with workers that come and go there
would be ever more of them. Here they are named after the slot.
"""

import os
import struct
from functools import partial
from typing import Final

from oslo_log import log
from prometheus_client import values

from placement_guard.observers.metrics.values import File, Files, Value
from placement_guard.observers.slots import Slots, shared_directory

LOG = log.getLogger(__name__)

MODE: Final = 0o700
"""Of the directory, where it has to be made."""

_shared: dict[str, Slots] = {}


def share() -> Slots | None:
    """The slots in which the workers of this service count together; None: each for itself.

    Called before any metric of the guard is made. A directory that cannot be used is said at
    ERROR: this process then counts for itself, as a service does not stop for its metrics.
    """
    directory = shared_directory()
    if directory is None:
        return None
    slots = _shared.get(directory)
    if slots is None:
        slots = _shared[directory] = Slots(directory)
        try:
            os.makedirs(directory, MODE, exist_ok=True)  # noqa: PTH103  # as the library names it
            _mend(slots)
            values.ValueClass = partial(Value, Files(slots))
        except OSError as error:
            LOG.error(  # noqa: TRY400  # a traceback would say no more
                "Metrics: %s cannot be used (%s); this process counts for itself.",
                directory,
                error.strerror,
            )
            values.ValueClass = values.MutexValue
    return slots if values.ValueClass is not values.MutexValue else None


def _mend(slots: Slots) -> None:
    """Put files away that the worker before has left broken: the library stops at them."""
    for path in slots.directory.glob(f"*_{slots.mine()}.db"):
        try:
            File(path)
        except (OSError, ValueError, struct.error):
            LOG.error("Metrics: %s is broken; what was counted in it is lost.", path)  # noqa: TRY400
            path.unlink()
