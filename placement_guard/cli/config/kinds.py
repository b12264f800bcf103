"""The problems of a configuration directory beside those of the options: a table."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from placement_guard.opts import GROUP
from placement_guard.settings import Problem


class Severity(StrEnum):
    """How bad a problem is; the worst first."""

    ERROR = "error"
    """Placement does not start with it, or the guard does not do what it is told to."""
    WARNING = "warning"
    """Likely not what was meant."""
    NOTE = "note"
    """Worth knowing."""


class Kind(Struct, frozen=True):
    """One kind of problem. ``id`` never changes its meaning; ``meaning`` and ``advice`` tell it."""

    id: str
    severity: Severity
    meaning: str
    advice: str


class Concern(Struct, frozen=True):
    """One problem that was found, where, and what to do about it."""

    id: str
    severity: Severity
    where: str
    what: str
    advice: str


KINDS: Final = {
    kind.id: kind
    for kind in (
        Kind(
            "config.unreadable",
            Severity.ERROR,
            "a file of the directory cannot be read, or is not in the format of oslo.config",
            "Correct it: without it Placement does not start.",
        ),
        Kind(
            "config.unlikely_section",
            Severity.WARNING,
            "the name of a section looks like `placement_guard`, and is another",
            f"Write [{GROUP.name}]: what stands there is not read.",
        ),
        Kind(
            "config.misplaced_option",
            Severity.WARNING,
            "an option of the guard stands in a section of Placement",
            f"Move it to [{GROUP.name}]: where it stands nobody reads it.",
        ),
        Kind(
            "config.secret_exposed",
            Severity.WARNING,
            "everybody on the machine may read a file that holds a password",
            "Take the right to read it from others: chmod o-r.",
        ),
        Kind(
            "settings.observing",
            Severity.NOTE,
            "`observe` is on",
            "Nothing is refused. Switch it off when nothing good is warned of any more.",
        ),
        Kind(
            "placement.retry_inside",
            Severity.WARNING,
            "`resend` is off, and Placement tries again inside its transactions",
            "Placement promises the same capacity twice. Switch resend on, or set [placement] "
            "allocation_conflict_retry_count = 1.",
        ),
        Kind(
            "placement.retry_ignored",
            Severity.NOTE,
            "`allocation_conflict_retry_count` is set, and has no effect behind the guard",
            "Leave it out: the guard sends a write again that lost a race, up to resend_attempts.",
        ),
        Kind(
            "policy_file.unreadable",
            Severity.ERROR,
            "a policy file cannot be read, or does not hold rules in YAML",
            "Correct it: Placement does not start with it, or goes by another policy.",
        ),
        Kind(
            "policy_file.missing",
            Severity.WARNING,
            "a policy file or directory is named, and is not there",
            "Make it, or leave the option out: without the file the defaults hold.",
        ),
        Kind(
            "policy_file.unparsable_rule",
            Severity.ERROR,
            "what a rule asks is not in the language of oslo.policy",
            "Correct it: oslo.policy takes it for a rule that nobody passes.",
        ),
        Kind(
            "policy_file.undefined_rule",
            Severity.ERROR,
            "a rule refers to one that is not there, or to itself",
            "Correct it: who is asked for what is not there does not pass.",
        ),
        Kind(
            "policy_file.unknown_rule",
            Severity.WARNING,
            "a rule has the name of none of Placement's",
            "Correct the name: nobody asks for this rule.",
        ),
        Kind(
            "policy.unusable",
            Severity.ERROR,
            "a file of target policy cannot be used",
            "Correct it: Placement does not start with it; where it runs, the last good one stays.",
        ),
        Kind(
            "policy.observes_nothing",
            Severity.WARNING,
            "a pattern of `target_policy_observe` is like no policy rule",
            "Correct the pattern: what it was to observe refuses.",
        ),
        Kind(
            "policy.glass_can_be_broken",
            Severity.NOTE,
            "there is a `break_glass_role`",
            "Watch its use: who has this role is under no target policy.",
        ),
        Kind(
            "lanes.directory_unusable",
            Severity.ERROR,
            "the directory of the lanes cannot be used",
            "Make it usable for the user of the workers, mode 0700: without lanes more writes "
            "collide.",
        ),
        Kind(
            "lanes.directory_of_another",
            Severity.NOTE,
            "the directory of the lanes belongs to another user than this one",
            "Run this command as the user of the workers to have it looked at.",
        ),
        Kind(
            "coordination.unreachable",
            Severity.WARNING,
            "the Redis of `coordination_url` does not answer; looked for with `--connect`",
            "Each host queues for itself until it answers.",
        ),
        Kind(
            "metrics.address_unusable",
            Severity.ERROR,
            "nobody can listen on `metrics_host` and `metrics_port` on this machine",
            "Choose another address or port, or port 0 for none.",
        ),
        Kind(
            "metrics.port_taken",
            Severity.NOTE,
            "somebody listens on `metrics_port`",
            "Fine where it is a worker of this Placement; otherwise choose another port.",
        ),
        Kind(
            "audit.file_unusable",
            Severity.WARNING,
            "the file of `audit` cannot be written, or not be rotated, by this user",
            "Make its directory, for the user of the workers: until then records are dropped.",
        ),
        Kind(
            "capture.file_unusable",
            Severity.WARNING,
            "the file of `capture_file` cannot be written, or not be rotated, by this user",
            "Make its directory, for the user of the workers: until then nothing is recorded.",
        ),
        Kind(
            "metrics.multiproc_dir",
            Severity.ERROR,
            "PROMETHEUS_MULTIPROC_DIR names no directory that can be written to",
            "Make the directory, for the user of the workers: without it there are no metrics.",
        ),
    )
}
"""By id."""


def concern(kind: str, where: str, what: str) -> Concern:
    """A problem of this kind."""
    known = KINDS[kind]
    return Concern(known.id, known.severity, where, what, known.advice)


def of_option(problem: Problem) -> Concern:
    """A problem of an option: Placement does not start with it."""
    return Concern(
        problem.id,
        Severity.ERROR,
        f"[{GROUP.name}] {problem.option}",
        problem.text,
        "Correct the option: Placement does not start with it.",
    )
