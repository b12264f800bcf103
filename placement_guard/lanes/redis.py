"""Lanes of several hosts, in one Redis: each host queues for itself first, then all of them there.

So what is left while Redis is away is exact on each host, at once and without a change of hands.
And of one host, only as many requests as a lane is wide ask Redis about it at the same time. Only
the urgent do not wait at their host first: there they would wait for claims that wait in Redis.

What is held there is leased, so that a killed process holds nothing for long. A process that is
paused for longer than its lease may find its lanes taken by others: ``Hold.lost`` says so.
"""

import os
import time
from collections.abc import Collection
from typing import Final

from placement_guard.lanes.files import FileLanes
from placement_guard.lanes.hold import Hold, Lane, Result, State
from placement_guard.lanes.leases import Leases
from placement_guard.lanes.outage import Outage
from placement_guard.lanes.scripts import EXTEND, RELEASE, TAKE, Script
from placement_guard.lanes.server import ANSWER_SECONDS, Server
from placement_guard.lanes.turns import MAX_SECONDS, turns

DRIVER: Final = "redis"

PREFIX: Final = "{placement-guard}:lane:"
"""What every key begins with. The braces keep the keys of one script on one node of a cluster."""

HEAD_PAUSE: Final = 0.002
"""How long (seconds) the head of a queue sleeps between two questions; the next twice as long."""

LONGEST_PAUSE: Final = 0.05
"""How long (seconds) anybody sleeps at most."""

_PARTS: Final = ("holders", "queue", "waiters")
_TAKEN, _FULL = 1, 2
"""What the script says first; anything else: wait, and ask again."""


class RedisLanes:
    """Lanes that ``server`` keeps, over the lanes ``files`` of this host.

    The width and the most waiting are those of ``files``, here for all hosts together.
    """

    def __init__(self, server: Server, files: FileLanes) -> None:
        self._server = server
        self._files = files
        self._leases = Leases()
        self._outage = Outage(
            f"the Redis server {server.where}", "Each host queues for itself until it can."
        )
        try:
            server.run(EXTEND, (), ("",))  # what is wrong is to be said at start-up
        except Exception as error:
            self._failed(error)
        server.close()  # a fork may follow

    def hold(self, lanes: Collection[Lane], *, seconds: float, urgent: bool = False) -> Hold:
        """As in Lanes.

        Of the time, as much as the last question may take (at most half) is not waited for: a
        server that hangs does not make it longer. Only one that also hangs while it is connected
        to does, by ANSWER_SECONDS for each step of the greeting.
        """
        began = time.monotonic()
        seconds = min(seconds, MAX_SECONDS)
        seconds -= min(ANSWER_SECONDS, seconds / 2)
        ask = bool(lanes) and self._outage.may_try()
        local = self._files.hold(lanes, seconds=0 if ask and urgent else seconds, urgent=urgent)
        if not ask or local.result is Result.FULL:
            return local
        deadline = began + seconds
        try:
            hold = self._take(_Request(lanes, self._files), local, deadline, urgent=urgent)
        except Exception as error:
            self._failed(error)
            hold = local
            if urgent and local.result is Result.TIMEOUT:  # now it has to wait here after all
                local.release()
                left = deadline - time.monotonic()
                hold = self._files.hold(lanes, seconds=left, urgent=urgent)
        except BaseException:  # the worker is told to stop: nobody else will release it
            local.release()
            raise
        else:
            self._outage.end()
        hold.waited = time.monotonic() - began
        return hold

    def state(self) -> State:
        """As in Lanes."""
        return State(DRIVER, self._server.where, *self._outage.seen(), self._files.state())

    def close(self) -> None:
        """As in Lanes: the thread ends, and connections that nobody uses are closed."""
        self._leases.close()
        self._server.close()
        self._files.close()

    def _failed(self, error: Exception) -> None:
        self._outage.begin(self._server.why(error))

    def _take(self, request: "_Request", local: Hold, deadline: float, *, urgent: bool) -> Hold:
        """Wait until all lanes are there, and take them; at the deadline, those that are there."""
        order: object = ""
        while True:
            last = time.monotonic() >= deadline
            arguments = request.arguments(order, urgent=urgent, last=last)
            status, number, *more = self._server.run(TAKE, request.keys, arguments)
            if status == _TAKEN:
                in_time = urgent or local.result is not Result.TIMEOUT
                everything = in_time and number == len(request.turns)
                return self._held(request, local, number, everything=everything)
            if status == _FULL:
                return Hold(Result.FULL, 0.0, DRIVER, lambda _hold: local.release())
            order = more[0]
            left = deadline - time.monotonic()
            time.sleep(max(0, min(left, LONGEST_PAUSE, HEAD_PAUSE * (1 + number))))

    def _held(self, request: "_Request", local: Hold, taken: int, *, everything: bool) -> Hold:
        """The hold of so many of the request's lanes, and of the host's."""
        lost = False

        def extend() -> None:
            nonlocal lost
            if self._outage.may_try():
                lost = lost or self._run(EXTEND, request) < taken

        def leave(hold: Hold) -> None:
            self._leases.discard(request.token)
            kept = self._run(RELEASE, request) if self._outage.may_try() else 0
            hold.lost = lost or kept < taken

        result = Result.HELD if everything else Result.TIMEOUT
        if not taken:
            return Hold(result, 0.0, DRIVER, lambda _hold: local.release())
        self._leases.add(request.token, extend)
        return Hold(result, 0.0, DRIVER, lambda _hold: local.release(), leave)

    def _run(self, script: Script, request: "_Request") -> int:
        """How many lanes a hold still had; 0 where Redis cannot say."""
        try:
            kept: int = self._server.run(script, request.keys[::3], (request.token,))
        except Exception as error:
            self._failed(error)
            return 0
        self._outage.end()
        return kept


class _Request:
    """What a request asks of the scripts."""

    def __init__(self, lanes: Collection[Lane], files: FileLanes) -> None:
        self.token = os.urandom(12).hex()
        self.turns = turns(lanes)
        self.keys = [f"{PREFIX}{turn.number}:{part}" for turn in self.turns for part in _PARTS]
        self._most = files.max_waiting
        self._lanes = [
            value for turn in self.turns for value in (turn.width(files.width), int(turn.alone))
        ]

    def arguments(self, order: object, *, urgent: bool, last: bool) -> list[object]:
        return [self.token, order, int(urgent), int(last), self._most, *self._lanes]
