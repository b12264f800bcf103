"""How the guard behaves: one frozen value, checked whole before anything starts."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, structs

from placement_guard.rules import Mode, Modes, modes
from placement_guard.settings import admission, audit, capture, policy, serving
from placement_guard.settings.audit import AUDIT_LOG, DRIVERS
from placement_guard.settings.problems import ConfigurationError, Problem, Range

__all__ = ["AUDIT_LOG", "DRIVERS", "RANGES", "ConfigurationError", "Problem", "Settings"]

RANGES: Final[Mapping[str, Range]] = {
    "max_body_bytes": Range(1024, 1024 * 1024 * 1024, "bytes"),
    **admission.RANGES,
    **audit.RANGES,
    **capture.RANGES,
    **serving.RANGES,
}
"""The bounds of the settings that are numbers."""

SECRET: Final = ("coordination_url", "audit_notifications_url", "traces")
"""The settings that may hold a password."""


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
    status_page
        Whether that listener has a page for people too, and ``/status.json`` and ``/hot``.
    traces
        Where spans go: the URL of a collector that speaks OTLP over HTTP, or ``global`` for the
        provider of this process; empty: there are none.
    traces_share
        Of the requests (0 to 1) whose caller has not decided whether they are traced.
    audit
        Where the records of the audit go: ``log``, or the absolute path of a file; empty: nowhere.
    audit_max_bytes, audit_kept_files
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
    status_page: bool = True
    traces: str = ""
    traces_share: float = 0.01
    audit: str = ""
    audit_max_bytes: int = 100 * 1024 * 1024
    audit_kept_files: int = 10
    audit_queue: int = 4096
    audit_notifications_url: str = ""
    audit_notifications_topic: str = "notifications"
    audit_notifications_driver: str = DRIVERS[0]
    rules: Mapping[str, str] = {}

    def problems(self) -> list[Problem]:
        """Everything wrong with these values; empty where they can be used."""
        return [
            *self._range_problems(),
            *serving.problems(self),
            *admission.problems(self),
            *policy.problems(self),
            *audit.problems(self),
            *capture.problems(self),
            *policy.mode_problems(self),
        ]

    def _range_problems(self) -> Iterator[Problem]:
        for name, bounds in RANGES.items():
            value = getattr(self, name)
            if not bounds.least <= value <= bounds.most:
                yield Problem(f"settings.{name}", name, f"{value} is not between {bounds}")

    @property
    def has_target_policy(self) -> bool:
        """Whether there are policy files that see the payload."""
        return bool(self.target_policy_file or self.target_policy_dirs)

    @property
    def has_status_page(self) -> bool:
        """Whether there is a status page: it needs the listener."""
        return self.status_page and bool(self.metrics_port)

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
