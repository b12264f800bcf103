"""How many requests a user, or a project, may send in a time. Off unless an option says so."""

import math
import time
from typing import Any, Final

from oslo_log import log

from placement_guard.admission.shed import PROJECT_RATE, USER_RATE, Shed, Why
from placement_guard.exchange import Exchange
from placement_guard.settings import Settings

LOG = log.getLogger(__name__)

REDIS_SECONDS: Final = 0.2
"""How long Redis may take to connect, and to answer. Then the request goes on, not counted."""


class Rates:
    """The rates of users and of projects; kept in this process, or in Redis for all.

    Who asks is what keystone's middleware has confirmed. Fails open: where a rate cannot be
    counted, the request goes on.
    """

    def __init__(self, settings: Settings) -> None:
        asked = ((settings.user_rate, USER_RATE), (settings.project_rate, PROJECT_RATE))
        self._limits: list[tuple[Any, Why]] = []
        if any(rate for rate, _ in asked):
            # An extra: who wants no rates needs no library for them.
            from limits import parse  # noqa: PLC0415

            self._limits = [(parse(rate), why) for rate, why in asked if rate]
            self._limiter = _limiter(settings.coordination_url)
            self._failing = False

    def __call__(self, exchange: Exchange) -> Shed | None:
        """A Shed where this request is one too many; it is counted otherwise."""
        for limit, why in self._limits:
            context = exchange.context
            who = context and (context.user_id if why is USER_RATE else context.project_id)
            if who and not self._hit(limit, why, who):
                return Shed(why, self._until(limit, why, who))
        return None

    def _hit(self, limit: Any, why: Why, who: str) -> bool:
        try:
            hit = bool(self._limiter.hit(limit, "placement_guard", why.name, who))
        except Exception:
            if not self._failing:
                LOG.exception("Rates cannot be counted: requests go on")
            self._failing = True
            return True
        self._failing = False
        return hit

    def _until(self, limit: Any, why: Why, who: str) -> int:
        """Seconds until the next request of this user or project may pass."""
        try:
            stats = self._limiter.get_window_stats(limit, "placement_guard", why.name, who)
        except Exception:
            return 1
        return max(1, math.ceil(stats.reset_time - time.time()))


def _limiter(url: str) -> Any:
    from limits.storage import storage_from_string  # noqa: PLC0415
    from limits.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415

    if not url:
        return SlidingWindowCounterRateLimiter(storage_from_string("memory://"))
    timeouts = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    at = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    return SlidingWindowCounterRateLimiter(storage_from_string(at, **timeouts))
