"""Which rule of Placement's own policy decides, and where it stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from oslo_config import cfg
from oslo_policy import opts

from placement_guard.api.policies import list_rules
from placement_guard.policy.files import PolicyError, Written, read

DEFAULTS: Final = {"policy_file": "policy.yaml", "policy_dirs": ["policy.d"]}
"""Those of ``[oslo_policy]``, as Placement has them."""


class GateRule(NamedTuple):
    """A rule, its check string, and where that stands; empty: it is Placement's default."""

    name: str
    text: str
    where: str = ""


def prepared(conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    """``conf`` with the options ``[oslo_policy]``."""
    opts.set_defaults(conf)
    for option, default in DEFAULTS.items():
        conf.set_default(option, default, group="oslo_policy")
    return conf


def policy_files(conf: cfg.ConfigOpts) -> Iterator[tuple[str, str, Path | None]]:
    """Option, name and place of what ``[oslo_policy]`` names; no place where it is not there."""
    for option, names in (
        ("policy_file", [conf.oslo_policy.policy_file]),
        ("policy_dirs", conf.oslo_policy.policy_dirs),
    ):
        for name in names:
            path = conf.find_file(name)
            yield option, name, Path(path) if path is not None else None


def gate_rules(conf: cfg.ConfigOpts | None) -> dict[str, GateRule]:
    """The rules in force, by name. Of a file that cannot be read the defaults hold."""
    rules = {rule.name: GateRule(rule.name, rule.check_str) for rule in list_rules()}
    if conf is None:
        return rules
    for _, _, path in policy_files(prepared(conf)):
        for file in _inside(path) if path is not None else ():
            for name, written in _written(file).items():
                rules[name] = GateRule(name, written.text, shown(str(written.place)))
    return rules


def _inside(path: Path) -> list[Path]:
    try:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError:
        return []
    return [file for file in inside if not file.name.startswith(".")]


def _written(file: Path) -> dict[str, Written]:
    try:
        return read([str(file)])
    except PolicyError:
        return {}


def shown(place: str) -> str:
    """As whoever runs the command would name it: oslo.config makes paths absolute."""
    return place.removeprefix(f"{Path.cwd()}/")
