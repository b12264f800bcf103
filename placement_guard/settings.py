"""How the guard behaves: one frozen value, checked whole before anything starts."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import Struct, structs

from placement_guard import extras, lanes
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
    "audit_max_bytes": Range(0, 2**40, "bytes"),
    "audit_keep": Range(1, 1000),
    "audit_queue": Range(16, 100_000),
    "capture_max_bytes": Range(1024 * 1024, 1024**4, "bytes"),
    "capture_kept_files": Range(0, 1000),
}
"""The bounds of the settings that are numbers."""

BODIES: Final = ("whole", "shape", "none")
"""What can be recorded of a body."""


AUDIT_LOG: Final = "log"
"""The value of ``audit`` that means the log, not a file."""

MIN_AUDIT_BYTES: Final = 65536
"""The smallest size (bytes) at which a file of the audit is renamed."""

DRIVERS: Final = ("messagingv2", "messaging")
"""The values of ``audit_notifications_driver``, oslo.messaging's names."""


SECRET: Final = ("coordination_url", "audit_notifications_url")
"""The settings that may hold a password."""


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
    capture_file
        Where exchanges are recorded; empty: nowhere.
    capture_bodies
        What is recorded of the bodies: whole, shape, none.
    capture_reads
        Whether reads are recorded too.
    capture_max_bytes, capture_kept_files
        The size (bytes) at which a recording is put aside, and how many of those are kept.
    metrics_host, metrics_port
        Where the listener of the metrics binds; port 0 means no listener. Used by the ways in that
        serve (``placement_guard.wsgi``, paste, ``placement-guard serve``).
    audit
        Where the records of the audit go: ``log``, or the absolute path of a file; empty: nowhere.
    audit_max_bytes, audit_keep
        How large that file gets (bytes; 0: any size), and how many older ones are kept.
    audit_queue
        How many records wait in one process at most, on their way to each place.
    audit_notifications_url, audit_notifications_topic, audit_notifications_driver
        The transport of oslo.messaging by which they are sent too (empty: they are not), on which
        topic, and by which driver.
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
    capture_file: str = ""
    capture_bodies: str = "whole"
    capture_reads: bool = True
    capture_max_bytes: int = 100 * 1024 * 1024
    capture_kept_files: int = 4
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9778
    audit: str = ""
    audit_max_bytes: int = 100 * 1024 * 1024
    audit_keep: int = 10
    audit_queue: int = 4096
    audit_notifications_url: str = ""
    audit_notifications_topic: str = "notifications"
    audit_notifications_driver: str = DRIVERS[0]
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
            *self._audit_problems(),
            *self._capture_problems(),
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
            text = extras.rate_problem(rate) if rate else None
            if text is not None:
                yield Problem(f"settings.{name}", name, text)

    def _audit_problems(self) -> Iterator[Problem]:
        checks = {
            "audit": self.audit not in {"", AUDIT_LOG}
            and not self.audit.startswith("/")
            and f"is neither empty, nor {AUDIT_LOG}, nor an absolute path",
            "audit_max_bytes": 0 < self.audit_max_bytes < MIN_AUDIT_BYTES
            and f"{self.audit_max_bytes} is neither 0 nor at least {MIN_AUDIT_BYTES} bytes",
            "audit_notifications_url": self.audit_notifications_url
            and extras.bus_problem(self.audit_notifications_url),
            "audit_notifications_topic": not extras.is_topic(self.audit_notifications_topic)
            and f"is no topic: at most {extras.MAX_TOPIC} letters, digits and _ . -",
            "audit_notifications_driver": self.audit_notifications_driver not in DRIVERS
            and f"is none of {', '.join(DRIVERS)}",
        }
        for name, text in checks.items():
            if text:
                yield Problem(f"settings.{name}", name, text)

    def _capture_problems(self) -> Iterator[Problem]:
        if self.capture_file and not self.capture_file.startswith("/"):
            yield Problem("settings.capture_file", "capture_file", "is not an absolute path")
        if self.capture_bodies not in BODIES:
            text = f"{self.capture_bodies!r} is none of {', '.join(BODIES)}"
            yield Problem("settings.capture_bodies", "capture_bodies", text)

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
        """For the log: without the passwords that URLs may hold."""
        hidden = {name: "..." for name in SECRET if getattr(self, name)}
        return repr(structs.replace(self, **hidden))

    def check(self) -> "Settings":
        """These settings, or ConfigurationError with all their problems."""
        problems = self.problems()
        if problems:
            raise ConfigurationError(problems)
        return self
