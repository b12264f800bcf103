"""The guard's options in ``placement.conf``, and how they become Settings."""

import difflib
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg

from placement_guard.admission.opts import OPTIONS as ADMISSION
from placement_guard.observers.audit.opts import OPTIONS as AUDIT
from placement_guard.observers.capture.opts import OPTIONS as CAPTURE
from placement_guard.policy.opts import OPTIONS as POLICY
from placement_guard.settings import ConfigurationError, Problem, Settings

GROUP: Final = cfg.OptGroup(
    "placement_guard",
    title="placement-guard",
    help="Admission control in front of Placement.",
)

_defaults = Settings()

_OPTIONS: Final = (
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
        "hand_on",
        default=_defaults.hand_on,
        help=(
            "Hand on to Placement what the guard has found out: the decoded body of a request in "
            "which nothing was found, so that Placement does not parse and check it again, and "
            "the yes of the policy. Each request gets data of its own. Off, Placement does all of "
            "it again. Where the installed Placement is not as the guard knows it, nothing is "
            "handed on, and the log says why."
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
    cfg.BoolOpt(
        "status_page",
        default=_defaults.status_page,
        help=(
            "Serve a page for people on the listener of the metrics: what was refused last and "
            "why, what conflicts, how the guard is; the same as JSON at /status.json, and the "
            "providers that conflict most at /hot. It names users, projects and providers. Off, "
            "nothing is kept for it."
        ),
    ),
    cfg.StrOpt(
        "traces",
        default=_defaults.traces,
        secret=True,
        help=(
            "Where spans of OpenTelemetry go, one of each request, of each stage and of Placement: "
            "the URL of a collector that takes OTLP over HTTP, for example "
            "http://127.0.0.1:4318/v1/traces, or global for the provider that this process has. "
            "Needs the extra traces. Default: there are none."
        ),
    ),
    cfg.FloatOpt(
        "traces_share",
        default=_defaults.traces_share,
        help=(
            "Which share of the requests is traced (0 to 1), where the caller has not decided: a "
            "traceparent header of a caller that is traced is followed, and one that is not, too."
        ),
    ),
)

OPTIONS: Final = (*_OPTIONS, *POLICY, *ADMISSION, *AUDIT, *CAPTURE)
"""Every option of ``[placement_guard]``."""


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
    settings, problems = read_settings(conf)
    if problems:
        raise ConfigurationError(problems)
    return settings


def read_settings(conf: cfg.ConfigOpts) -> tuple[Settings, list[Problem]]:
    """The settings in ``conf``, and everything wrong with them.

    What cannot be read at all has its default value.
    """
    register(conf)
    problems = _unknown_options(conf)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        try:
            value = conf[GROUP.name][option.dest]
            values[option.dest] = tuple(value) if isinstance(value, list) else value
        except (ValueError, cfg.Error) as error:
            text = str(error).splitlines()[0]
            problems.append(Problem("settings.unreadable", option.name, text))
    settings = Settings(**values)
    return settings, [*problems, *settings.problems()]


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
