"""The policy in force: read at start-up, and read again when its files change.

A policy is taken whole or not at all. If a new one cannot be used, or its files are gone, the last
good one stays in force; that is logged once, counted and shown. A change is read once the files
have stayed as they are for SETTLE_SECONDS, so that no file is read while it is being written; who
moves a finished file into place need not care.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic, time
from typing import Any, Final

from msgspec import Struct
from oslo_log import log

from placement_guard.policy import judge
from placement_guard.policy.files import Place, PolicyError, PolicyProblem, signature
from placement_guard.policy.judge import Policy

LOG = log.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
"""How often it is looked whether a file has changed (seconds); a request pays for it."""

SETTLE_SECONDS: Final = 0.5
"""How long the files must have stayed as they are before they are read (seconds)."""

MAX_LOGGED: Final = 20
"""How many problems of one policy are logged."""


class PolicyState(Struct, frozen=True):
    """What is shown of a policy. ``loaded_at`` is in seconds since 1970."""

    rules: int
    loaded_at: float
    problems: tuple[str, ...] = ()


class PolicyFiles:
    """The policy of a file and directories. PolicyError where they cannot be used at start-up.

    told
        Called after each attempt to read them again, with whether it succeeded.
    """

    def __init__(
        self,
        file: str,
        directories: Sequence[str] = (),
        told: Callable[[bool], None] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._file, self._directories = file, list(directories)
        self._told, self._clock = told, clock
        self._lock = threading.Lock()
        self._signature = self._look()
        self._policy = judge.load(file, self._directories)
        self._state = PolicyState(len(self._policy.rules), time())
        self._next = clock() + LOOK_SECONDS
        self._seen: tuple[tuple[Any, ...], float] = (self._signature, clock())

    def __call__(self) -> Policy:
        """The policy in force. Of many threads one looks whether there is a new one; none waits."""
        if self._clock() >= self._next and self._lock.acquire(blocking=False):
            try:
                self._renew()
            finally:
                self._lock.release()
        return self._policy

    def state(self) -> PolicyState:
        """What is in force, and what is wrong with the files."""
        return self._state

    def _look(self) -> tuple[Any, ...]:
        return signature(self._file, self._directories)

    def _renew(self) -> None:
        now = self._clock()
        self._next = now + LOOK_SECONDS
        found = self._look()
        if found == self._signature:
            return
        if found != self._seen[0]:
            self._seen = found, now
        elif now - self._seen[1] >= SETTLE_SECONDS:
            self._read(found)

    def _read(self, found: tuple[Any, ...]) -> None:
        problems: tuple[PolicyProblem, ...] = ()
        try:
            policy = judge.load(self._file, self._directories)
        except PolicyError as error:
            problems = error.problems
        except Exception:  # no request pays for what nobody thought of
            LOG.exception("The policy could not be read again")
            problems = (PolicyProblem(Place(self._file), "cannot be read; the log has more"),)
        if self._look() != found:  # it changed while it was read
            return
        self._signature = found
        if problems:
            self._state = PolicyState(
                self._state.rules, self._state.loaded_at, tuple(map(str, problems[:MAX_LOGGED]))
            )
            for text in self._state.problems:
                LOG.error("The policy is not read again, the last good one stays: %s", ascii(text))
        else:
            self._policy = policy
            self._state = PolicyState(len(policy.rules), time())
            LOG.info("The policy was read again: %d rules", len(policy.rules))
        if self._told is not None:
            self._told(not problems)
