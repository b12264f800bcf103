"""The guard's options in ``placement.conf``, and how they become Settings."""

import difflib
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg

from placement_guard.settings import ConfigurationError, Problem, Settings

GROUP: Final = cfg.OptGroup(
    "placement_guard",
    title="placement-guard",
    help="Admission control in front of Placement.",
)

_defaults = Settings()

OPTIONS: Final = (
    cfg.BoolOpt(
        "observe",
        default=_defaults.observe,
        help=(
            "Let every request through that would be refused, count it, log it, and mark the "
            "answer with ``Placement-Guard: decision=warn``. The way to try the guard before it "
            "is trusted."
        ),
    ),
    cfg.IntOpt(
        "max_body_bytes",
        default=_defaults.max_body_bytes,
        help=(
            "The largest request body, in bytes (1024 to 1073741824). A larger one is refused "
            "with 413 before it is read."
        ),
    ),
    cfg.DictOpt(
        "rules",
        default=dict(_defaults.rules),
        help=(
            "The mode of each rule that is not to have its default one: enforce refuses, warn "
            "lets the request through, counts it, logs it and marks the answer, off does not ask "
            "the rule. For example json.duplicate_key:warn,inventory.min_above_max:enforce. Sound "
            "rules, which never refuse what Placement would serve correctly, are enforced by "
            "default; opinions warn."
        ),
    ),
    cfg.BoolOpt(
        "policy_on_reads",
        default=_defaults.policy_on_reads,
        help=(
            "Ask the policy before reads too. Placement asks it for every read anyway, so this "
            "only moves the refusal, and its count, to the guard."
        ),
    ),
    cfg.BoolOpt(
        "resend",
        default=_defaults.resend,
        help=(
            "Send an allocations write or a reshape again that lost a race inside Placement, from "
            "its beginning and outside of its transaction. Placement's own way of trying again, "
            "inside the transaction, promises the same capacity twice: behind the guard it is "
            "off then, whatever [placement] allocation_conflict_retry_count says. Switch this off "
            "only to see what a bare Placement does."
        ),
    ),
    cfg.IntOpt(
        "resend_attempts",
        default=_defaults.resend_attempts,
        help=(
            "How often one request is sent to Placement at most, the first time included (1 to "
            "50). Nova tries 4 times itself, so a claim may be sent four times as often."
        ),
    ),
    cfg.FloatOpt(
        "resend_seconds",
        default=_defaults.resend_seconds,
        help=(
            "How long after it came, in seconds (at most 60), a request is still sent again. Then "
            "the client gets Placement's 409 placement.concurrent_update, with Retry-After."
        ),
    ),
    cfg.BoolOpt(
        "lanes",
        default=_defaults.lanes,
        help=(
            "Let writes that touch the same resource provider queue for it, so that they rarely "
            "collide inside Placement. An optimisation: without lanes nothing is promised twice "
            "either, but more is sent again. Two races that lose a claim in any Placement are "
            "closed by lanes only: a provider deleted under a claim, and, below microversion 1.28, "
            "two first requests for one consumer."
        ),
    ),
    cfg.IntOpt(
        "lane_width",
        default=_defaults.lane_width,
        help="How many claims on one provider are in Placement at once (1 to 64).",
    ),
    cfg.FloatOpt(
        "lane_wait_seconds",
        default=_defaults.lane_wait_seconds,
        help=(
            "How long, in seconds (at most 30), a request waits for its lanes. Then it goes on "
            "without them, and is counted."
        ),
    ),
    cfg.IntOpt(
        "lane_max_waiting",
        default=_defaults.lane_max_waiting,
        help=(
            "How many requests may wait for one lane on one host (1 to 256). The next one goes on "
            "without its lane, and is counted. Keep it below the number of workers, so that one "
            "hot provider cannot hold them all."
        ),
    ),
    cfg.StrOpt(
        "lane_directory",
        default=_defaults.lane_directory,
        help=(
            "The directory of the lanes of this host, the same for all workers. It is made with "
            "mode 0700, must belong to the user of the workers, and holds one empty file. Default: "
            "/run/placement-guard where that can be used, else placement-guard-<uid> in the "
            "temporary directory."
        ),
    ),
    cfg.StrOpt(
        "coordination_url",
        default=_defaults.coordination_url,
        secret=True,
        help=(
            "The Redis through which several hosts share their lanes, for example "
            "redis://:password@redis.example.org:6379/0; rediss:// and unix:// too. It needs the "
            "extra placement-guard[redis]. While it cannot be reached each host uses lanes of its "
            "own. Default: each host has its own."
        ),
    ),
    cfg.IntOpt(
        "breaker_failures",
        default=_defaults.breaker_failures,
        help=(
            "After how many requests in a row that found the database gone a worker stops asking "
            "Placement, and answers 503 with Retry-After at once (at most 1000); 0 never stops."
        ),
    ),
    cfg.FloatOpt(
        "breaker_seconds",
        default=_defaults.breaker_seconds,
        help=(
            "How long, in seconds (0.1 to 60), a worker that has stopped asking waits before it "
            "lets one request in to see whether the database is back."
        ),
    ),
    cfg.FloatOpt(
        "verify_share",
        default=_defaults.verify_share,
        help=(
            "The share of committed claims, 0 to 1, after which the guard reads what is stored: "
            "whether the claim is, and whether its providers are over-committed, by whomever. What "
            "is found is counted and logged. A claim that went without its lanes is always read."
        ),
    ),
    cfg.BoolOpt(
        "verify_reshapes",
        default=_defaults.verify_reshapes,
        help=(
            "Read back what each committed reshape wrote, of its first 16 providers and consumers, "
            "and compare it with what was asked. A difference is counted and logged."
        ),
    ),
    cfg.HostAddressOpt(
        "metrics_host",
        default=_defaults.metrics_host,
        help=(
            "The address on which Prometheus metrics are served. They name no user and no "
            "resource, but they are not protected: bind them where only your monitoring "
            "reaches."
        ),
    ),
    cfg.IntOpt(
        "metrics_port",
        default=_defaults.metrics_port,
        help=(
            "The port on which Prometheus metrics are served, 0 for none. Of several worker "
            "processes the first one binds it; set PROMETHEUS_MULTIPROC_DIR to a directory of "
            "their own, so that it serves the sum."
        ),
    ),
)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """For oslo-config-generator (``--namespace placement-guard``)."""
    return [(GROUP, list(OPTIONS))]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options; doing so again changes nothing."""
    conf.register_group(GROUP)
    conf.register_opts(OPTIONS, group=GROUP)


def settings_from(conf: cfg.ConfigOpts) -> Settings:
    """The settings in ``conf``, whose files have been read.

    Raises ConfigurationError with all problems at once: unknown options, unreadable values, values
    out of range.
    """
    register(conf)
    problems = _unknown_options(conf)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        try:
            values[option.dest] = conf[GROUP.name][option.dest]
        except (ValueError, cfg.Error) as error:
            text = str(error).splitlines()[0]
            problems.append(Problem("settings.unreadable", option.name, text))
    settings = Settings(**values)
    problems += settings.problems()
    if problems:
        raise ConfigurationError(problems)
    return settings


def _unknown_options(conf: cfg.ConfigOpts) -> list[Problem]:
    known = {option.name for option in OPTIONS}
    problems = []
    for path in _files(conf):
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(path, sections).parse()
        for name in sections.get(GROUP.name, {}):
            if name in known:
                continue
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(
                Problem("settings.unknown_option", name, f"there is no such option ({path}){hint}")
            )
    return problems


def _files(conf: cfg.ConfigOpts) -> list[str]:
    """The files that ``conf`` has read: oslo.config's own two options say which."""
    try:
        files, directories = list(conf.config_file or ()), list(conf.config_dir or ())
    except cfg.NoSuchOptError:  # never called: nothing was read
        return []
    for directory in directories:
        files += sorted(map(str, Path(directory).glob("*.conf")))
    return [path for path in files if Path(path).is_file()]
