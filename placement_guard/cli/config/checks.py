"""All the checks of a configuration directory, and what they have in common."""

import os
from pathlib import Path
from typing import Final

from oslo_config import cfg

from placement_guard import opts
from placement_guard.cli.config import files, places, policy
from placement_guard.cli.config.kinds import Concern, Severity, concern, of_option
from placement_guard.cli.errors import CommandError
from placement_guard.settings import Settings

DEFAULT: Final = "/etc/placement"
"""Where Placement looks for its configuration."""

RETRIES: Final = 10
"""The default of ``[placement] allocation_conflict_retry_count``."""


def directory_of(asked: Path | None) -> Path:
    """The directory to look into: the one that was asked for, or the one that Placement takes."""
    return asked or Path(os.environ.get("OS_PLACEMENT_CONFIG_DIR", "").strip() or DEFAULT)


def look(directory: Path, *, connect: bool) -> list[Concern]:
    """All problems of a configuration directory, the worst first. CommandError if there is none.

    Makes nothing, and asks nobody, but the Redis server where ``connect`` says so.
    """
    paths = files.found_in(directory)
    sections, found = files.parsed(paths)
    conf = cfg.ConfigOpts()
    opts.register(conf)
    try:
        conf(
            [],
            project="placement",
            default_config_files=[str(path) for path in sections],
            default_config_dirs=[],
        )
    except cfg.Error as error:
        raise CommandError(f"{directory}: {' '.join(str(error).split())}") from None
    settings, problems = opts.read_settings(conf)
    found += [of_option(problem) for problem in problems]
    found += files.concerns(sections)
    found += _of_settings(settings, sections)
    found += policy.concerns(conf, sections)
    wrong = {problem.option for problem in problems}
    if not wrong & {"target_policy_file", "target_policy_dirs"}:
        found += policy.target_concerns(settings)
    found += places.concerns(settings, wrong, connect=connect)
    order = list(Severity)
    return sorted(found, key=lambda one: order.index(one.severity))


def _of_settings(settings: Settings, sections: files.Sections) -> list[Concern]:
    found = []
    if settings.observe:
        found.append(concern("settings.observing", f"[{opts.GROUP.name}] observe", "it is on"))
    if settings.has_target_policy and settings.break_glass_role:
        where = f"[{opts.GROUP.name}] break_glass_role"
        found.append(concern("policy.glass_can_be_broken", where, settings.break_glass_role))
    name = "allocation_conflict_retry_count"
    said = files.last(sections, "placement", name)
    where = f"[placement] {name}"
    if not settings.resend and said != "1":
        what = f"it is {said or RETRIES}, and resend is off"
        found.append(concern("placement.retry_inside", where, what))
    elif settings.resend and said is not None:
        found.append(concern("placement.retry_ignored", where, f"it is {said}"))
    return found
