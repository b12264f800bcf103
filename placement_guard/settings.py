"""How the guard behaves: one frozen value, checked whole before anything starts."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import Struct, structs

from placement_guard import lanes
from placement_guard.rules import BY_ID, Mode, Modes, modes


class Range(NamedTuple):
    """The values that a number may have, both ends included, and their unit."""

    least: float
    most: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.least} and {self.most} {self.unit}".rstrip()


RANGES: Final[Mapping[str, Range]] = {
    "max_body_bytes": Range(1024, 1024 * 1024 * 1024, "bytes"),
    "resend_attempts": Range(1, 50),
    "resend_seconds": Range(0.001, 60, "seconds"),
    "lane_width": Range(1, 64),
    "lane_wait_seconds": Range(0.001, 30, "seconds"),
    "lane_max_waiting": Range(1, 256),
    "limit_claims": Range(0, 64),
    "limit_writes": Range(0, 64),
    "limit_candidates": Range(0, 64),
    "limit_wait_seconds": Range(0.001, 30, "seconds"),
    "limit_max_waiting": Range(1, 256),
    "verify_share": Range(0, 1),
    "breaker_failures": Range(0, 1000),
    "breaker_seconds": Range(0.1, 60, "seconds"),
}
"""The bounds of the settings that are numbers."""


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
    hand_on
        Let Placement take what the guard has found out: the decoded body, the policy's yes.
    policy_on_reads
        Ask the policy before reads too. Placement asks it anyway.
    resend, resend_attempts, resend_seconds
        Whether a write that lost a race inside Placement is sent again; how often it is sent at
        most, the first time included; and for how long after it came (seconds).
    lanes
        Whether writes that touch the same provider queue for it.
    lane_width
        How many claims on one provider are in Placement at once.
    lane_wait_seconds
        How long a request waits for its lanes at most; it then goes on without.
    lane_max_waiting
        How many requests wait for one lane at most, on one host; the next goes on without.
    lane_directory
        Where the lanes of a host are; empty: ``/run/placement-guard``, else a directory in the
        temporary one.
    coordination_url
        The Redis through which several hosts share lanes; empty: each host has its own.
    breaker_failures, breaker_seconds
        After how many requests in a row that found the database gone Placement is not asked any
        more (0: it is always asked), and after how long (seconds) one request is let in to see
        whether it is back.
    limit_claims, limit_writes, limit_candidates
        How many claims, other writes, and requests for allocation candidates are in work at once on
        one host; 0: no limit.
    limit_wait_seconds, limit_max_waiting
        How long a request waits for its place at most, and behind how many others; it is then
        answered with 503 and a Retry-After.
    user_rate, project_rate
        How many requests a user, or a project, may send in a time (``100/second``); empty: any.
    verify_share, verify_reshapes
        The share (0 to 1) of committed claims after which is looked at what is stored, and whether
        that is done after each reshape.
    target_policy_file, target_policy_dirs
        Policy files that see the payload; none: nothing is asked. Paths are absolute.
    target_policy_observe
        Patterns of the policy rules (``cyborg:*``) that warn where they would refuse.
    break_glass_role
        Who has this role is not judged by target policy; empty: nobody.
    metrics_host, metrics_port
        Where the listener of the metrics binds; port 0 means no listener. Used by the ways in that
        serve (``placement_guard.wsgi``, paste, ``placement-guard serve``).
    """

    observe: bool = False
    max_body_bytes: int = 10 * 1024 * 1024
    hand_on: bool = True
    policy_on_reads: bool = False
    resend: bool = True
    resend_attempts: int = 10
    resend_seconds: float = 5.0
    lanes: bool = True
    lane_width: int = 2
    lane_wait_seconds: float = 2.0
    lane_max_waiting: int = 16
    lane_directory: str = ""
    coordination_url: str = ""
    breaker_failures: int = 5
    breaker_seconds: float = 1.0
    limit_claims: int = 0
    limit_writes: int = 0
    limit_candidates: int = 0
    limit_wait_seconds: float = 1.0
    limit_max_waiting: int = 16
    user_rate: str = ""
    project_rate: str = ""
    verify_share: float = 0.01
    verify_reshapes: bool = False
    target_policy_file: str = ""
    target_policy_dirs: tuple[str, ...] = ()
    target_policy_observe: tuple[str, ...] = ()
    break_glass_role: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9778
    rules: Mapping[str, str] = {}

    def problems(self) -> list[Problem]:
        """Everything wrong with these values; empty where they can be used."""
        found = [*self._range_problems()]
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
        return [
            *found,
            *self._lane_problems(),
            *self._policy_problems(),
            *self._rate_problems(),
            *self._rule_problems(),
        ]

    def _range_problems(self) -> Iterator[Problem]:
        for name, bounds in RANGES.items():
            value = getattr(self, name)
            if not bounds.least <= value <= bounds.most:
                yield Problem(f"settings.{name}", name, f"{value} is not between {bounds}")

    def _lane_problems(self) -> Iterator[Problem]:
        if self.lane_directory and not self.lane_directory.startswith("/"):
            yield Problem("settings.lane_directory", "lane_directory", "is not an absolute path")
        text = lanes.problem(self.coordination_url) if self.coordination_url else None
        if text is not None:
            yield Problem("settings.coordination_url", "coordination_url", text)

    def _policy_problems(self) -> Iterator[Problem]:
        named = [("target_policy_file", self.target_policy_file)] if self.target_policy_file else []
        named += [("target_policy_dirs", directory) for directory in self.target_policy_dirs]
        for name, path in named:
            if not path.startswith("/"):
                yield Problem(f"settings.{name}", name, f"{path!r} is not an absolute path")

    def _rate_problems(self) -> Iterator[Problem]:
        for name in ("user_rate", "project_rate"):
            rate = getattr(self, name)
            text = _rate_problem(rate) if rate else None
            if text is not None:
                yield Problem(f"settings.{name}", name, text)

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

    @property
    def has_target_policy(self) -> bool:
        """Whether there are policy files that see the payload."""
        return bool(self.target_policy_file or self.target_policy_dirs)

    def modes(self) -> Modes:
        """The mode of every rule under these settings."""
        changed = {rule: Mode(mode) for rule, mode in self.rules.items()}
        return modes(changed, observe=self.observe)

    def __str__(self) -> str:
        """For the log: without the password that a URL may hold."""
        hidden = "..." if self.coordination_url else ""
        return repr(structs.replace(self, coordination_url=hidden))

    def check(self) -> "Settings":
        """These settings, or ConfigurationError with all their problems."""
        problems = self.problems()
        if problems:
            raise ConfigurationError(problems)
        return self


def _rate_problem(rate: str) -> str | None:
    """What is wrong with the text of a rate; None where it can be used."""
    try:
        from limits import parse  # noqa: PLC0415
    except ImportError:
        return "needs the extra placement-guard[limits]"
    try:
        parse(rate)
    except ValueError:
        return f"{rate!r} is no rate; write for example 100/second, or 2000 per 5 minutes"
    return None
