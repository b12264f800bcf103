"""What the guard changes inside Placement, and only in requests that it guards.

Placement tries an allocations write again inside the transaction that has just lost a race: that is
how it promises the same capacity twice. It does so in two places: a loop around the write, bounded
by ``[placement] allocation_conflict_retry_count``, and oslo.db's retry on a deadlock inside of it.
Behind a guard that sends the whole request again, neither does. A bare Placement in the same
process, or one that shares the configuration, behaves as ever. Source: ``replace_all`` and
``_set_allocations`` in ``placement.objects.allocation``, openstack-placement 16.
"""

from functools import wraps
from typing import Any, Final

from oslo_config import cfg
from oslo_log import log
from placement.handler import PlacementHandler
from placement.objects import allocation

LOG = log.getLogger(__name__)

_OPTION: Final = "allocation_conflict_retry_count"
_WRITE: Final = "_set_allocations"


class GuardedConf:
    """The configuration of a Placement behind a guard: all of it as it is, but for one option."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self.placement = _PlacementGroup(conf.placement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conf, name)

    def __getitem__(self, name: str) -> Any:
        return self.placement if name == "placement" else self._conf[name]


class _PlacementGroup:
    def __init__(self, group: Any) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return 1 if name == _OPTION else getattr(self._group, name)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def no_retry_inside(handler: PlacementHandler) -> None:
    """Let this handler's Placement try each allocations write once. Doing so again changes nothing.

    What cannot be done in the installed Placement is said in the log: it then keeps its ways.
    """
    conf = handler.config
    if isinstance(conf, GuardedConf):
        return
    if not hasattr(conf.placement, _OPTION):
        LOG.warning("This Placement has no [placement] %s: the guard changes nothing", _OPTION)
        return
    handler.config = GuardedConf(conf)
    _say(conf)
    if not _without_database_retry():
        LOG.warning(
            "This Placement writes allocations in a way that the guard does not know: it may try "
            "again inside a transaction after a deadlock"
        )


def _say(conf: cfg.ConfigOpts) -> None:
    """What changes at start-up; a warning where the operator has asked for something else."""
    asked = conf.placement.allocation_conflict_retry_count
    location = conf.get_location(_OPTION, "placement")
    if asked != 1 and location is not None and location.location.is_user_controlled:
        LOG.warning(
            "[placement] %s = %d has no effect behind the guard, which sends the whole request "
            "again instead: to try again inside the transaction promises capacity twice",
            _OPTION,
            asked,
        )
    else:
        LOG.info("Placement tries no allocations write again: the guard sends the whole request")


def _without_database_retry() -> bool:
    """Put a switch before oslo.db's retry; false where this Placement has none."""
    retried = getattr(allocation, _WRITE, None)
    if getattr(retried, "switched", False):
        return True
    once = getattr(retried, "__wrapped__", None)
    if retried is None or once is None:
        return False

    @wraps(retried)
    def switch(context: Any, *args: Any, **kwargs: Any) -> Any:
        guarded = isinstance(getattr(context, "config", None), GuardedConf)
        return (once if guarded else retried)(context, *args, **kwargs)

    switch.switched = True  # type: ignore[attr-defined]
    setattr(allocation, _WRITE, switch)
    return True
