"""How the guard behaves: one frozen value, checked whole before anything starts."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from placement_guard.rules import BY_ID, Mode, Modes, modes

MIN_BODY_BYTES: Final = 1024
MAX_BODY_BYTES: Final = 1024 * 1024 * 1024

MAX_ATTEMPTS: Final = 50
MAX_RESEND_SECONDS: Final = 60


class Problem(Struct, frozen=True):
    """One thing wrong with the configuration; ``id`` never changes its meaning."""

    id: str
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.id}: [placement_guard] {self.option}: {self.text}"


class ConfigurationError(Exception):
    """The configuration cannot be used. ``problems`` holds everything wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Settings(Struct, frozen=True, kw_only=True):
    """The guard's settings, with their defaults.

    observe
        Let every request through that would be refused, count it, log it, and say so in the
        ``Placement-Guard`` header of the answer.
    max_body_bytes
        The largest body (bytes) that is read; a larger one is refused with 413.
    rules
        The mode (enforce, warn, off) of each rule that is not to have its default one, by id.
    policy_on_reads
        Ask the policy before reads too. Placement asks it anyway.
    resend, resend_attempts, resend_seconds
        Whether a write that lost a race inside Placement is sent again; how often it is sent at
        most, the first time included; and for how long after it came (seconds).
    metrics_host, metrics_port
        Where the listener of the metrics binds; port 0 means no listener. Used by the ways in that
        serve (``placement_guard.wsgi``, paste, ``placement-guard serve``).
    """

    observe: bool = False
    max_body_bytes: int = 10 * 1024 * 1024
    policy_on_reads: bool = False
    resend: bool = True
    resend_attempts: int = 10
    resend_seconds: float = 5.0
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9778
    rules: Mapping[str, str] = {}

    def problems(self) -> list[Problem]:
        """Everything wrong with these values; empty where they can be used."""
        found = []
        if not MIN_BODY_BYTES <= self.max_body_bytes <= MAX_BODY_BYTES:
            found.append(
                Problem(
                    "settings.max_body_bytes",
                    "max_body_bytes",
                    f"{self.max_body_bytes} is not between {MIN_BODY_BYTES} and "
                    f"{MAX_BODY_BYTES} bytes",
                )
            )
        found += self._resend_problems()
        if not 0 <= self.metrics_port <= 65535:
            found.append(
                Problem(
                    "settings.metrics_port",
                    "metrics_port",
                    f"{self.metrics_port} is not a port (0 to 65535, 0 for none)",
                )
            )
        if self.metrics_port and not self.metrics_host.strip():
            found.append(
                Problem("settings.metrics_host", "metrics_host", "is empty; name an address")
            )
        return [*found, *self._rule_problems()]

    def _resend_problems(self) -> Iterator[Problem]:
        if not 1 <= self.resend_attempts <= MAX_ATTEMPTS:
            text = f"{self.resend_attempts} is not between 1 and {MAX_ATTEMPTS}"
            yield Problem("settings.resend_attempts", "resend_attempts", text)
        if not 0 < self.resend_seconds <= MAX_RESEND_SECONDS:
            text = f"{self.resend_seconds} is not between 0 and {MAX_RESEND_SECONDS} seconds"
            yield Problem("settings.resend_seconds", "resend_seconds", text)

    def _rule_problems(self) -> Iterator[Problem]:
        known = ", ".join(Mode)
        for rule, mode in self.rules.items():
            if rule not in BY_ID:
                near = difflib.get_close_matches(rule, BY_ID, n=3)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                text = f"there is no rule {rule}{hint}"
                yield Problem("settings.unknown_rule", "rules", text)
            elif mode not in set(Mode):
                text = f"{rule} cannot be {mode}; the modes are {known}"
                yield Problem("settings.unknown_mode", "rules", text)

    def modes(self) -> Modes:
        """The mode of every rule under these settings."""
        changed = {rule: Mode(mode) for rule, mode in self.rules.items()}
        return modes(changed, observe=self.observe)

    def check(self) -> "Settings":
        """These settings, or ConfigurationError with all their problems."""
        problems = self.problems()
        if problems:
            raise ConfigurationError(problems)
        return self
