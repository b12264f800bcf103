"""The policy files, Placement's and those of target policy: do they say what they seem to say?"""

import contextlib
import difflib
import graphlib
import logging
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg
from oslo_policy import policy

from placement_guard.api.policies import list_rules
from placement_guard.cli import gate
from placement_guard.cli.config import files
from placement_guard.cli.config.kinds import Concern, concern
from placement_guard.opts import GROUP
from placement_guard.policy.files import PolicyError
from placement_guard.policy.judge import load
from placement_guard.settings import Settings

MAX_BYTES: Final = 1024 * 1024
"""The largest policy file that is looked at (bytes)."""

_NOBODY: Final = "!"


def concerns(conf: cfg.ConfigOpts, sections: files.Sections) -> Iterator[Concern]:
    """What is wrong with the files. ``conf`` knows where to look for them."""
    rules = {rule.name: rule.check_str for rule in list_rules()}
    known = set(rules)
    for path in _named(gate.prepared(conf), sections):
        if isinstance(path, Concern):
            yield path
            continue
        said, why = _said(path)
        if why:
            yield concern("policy_file.unreadable", gate.shown(str(path)), why)
        for name, check in said.items():
            rules[name] = check
            yield from _of_rule(f"{gate.shown(str(path))}: {name}", name, check, known)
    yield from _of_references(rules)


def target_concerns(settings: Settings) -> Iterator[Concern]:
    """What is wrong with target policy, and what of the options about it has no effect."""
    if not settings.has_target_policy:
        return
    try:
        policy_in_force = load(settings.target_policy_file, list(settings.target_policy_dirs))
    except PolicyError as error:
        for problem in error.problems:
            yield concern("policy.unusable", gate.shown(str(problem.place)), problem.text)
        return
    for pattern in settings.target_policy_observe:
        if not any(fnmatchcase(name, pattern) for name in policy_in_force.rules):
            where = f"[{GROUP.name}] target_policy_observe"
            yield concern("policy.observes_nothing", where, f"no policy rule is like {pattern}")


def _named(conf: cfg.ConfigOpts, sections: files.Sections) -> Iterator[Path | Concern]:
    """The files in the order in which they are read, and what is named and not there."""
    for option, name, path in gate.policy_files(conf):
        if path is not None:
            yield from _in(path)
        elif files.last(sections, "oslo_policy", option) is not None:
            where = f"[oslo_policy] {option}"
            yield concern("policy_file.missing", where, f"{name} is not there")


def _in(path: Path) -> list[Path | Concern]:
    if not path.is_dir():
        return [path]
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        why = error.strerror or type(error).__name__
        return [concern("policy_file.unreadable", gate.shown(str(path)), why)]
    return [one for one in inside if one.is_file() and not one.name.startswith(".")]


def _said(path: Path) -> tuple[dict[str, str], str]:
    """The rules of a file, or why there are none."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            return {}, f"it is larger than {MAX_BYTES} bytes"
        parsed: Any = policy.parse_file_contents(text)
    except (OSError, UnicodeError) as error:
        return {}, getattr(error, "strerror", None) or "it is not UTF-8"
    except (ValueError, RecursionError) as error:
        return {}, " ".join(str(error).split())
    if not isinstance(parsed, dict):
        return {}, "it holds no rules by name"
    odd = [name for name, check in parsed.items() if not isinstance(check, str | list)]
    if odd:
        return {}, f"what {odd[0]} asks is no text"
    return {str(name): check for name, check in parsed.items()}, ""


def _of_rule(where: str, name: str, check: str, known: set[str]) -> Iterator[Concern]:
    # oslo.policy does not say that it cannot read a rule: it reads that nobody may.
    if str(_parsed(check)) == _NOBODY and str(check).strip("() ") != _NOBODY:
        yield concern("policy_file.unparsable_rule", where, f"{str(check)[:200]!r}")
    if name.startswith("placement:") and name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield concern("policy_file.unknown_rule", where, f"there is no such rule{hint}")


def _of_references(rules: dict[str, str]) -> Iterator[Concern]:
    graph = {name: set(_references(_parsed(check))) for name, check in rules.items()}
    for name, references in graph.items():
        for missing in sorted(references - graph.keys()):
            yield concern("policy_file.undefined_rule", name, f"there is no rule {missing}")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        yield concern(
            "policy_file.undefined_rule", error.args[1][0], f"it refers to itself: {circle}"
        )


def _references(check: Any) -> Iterator[str]:
    """The rules that a check refers to."""
    if isinstance(check, policy.RuleCheck):
        yield check.match
    for inner in (*getattr(check, "rules", ()), getattr(check, "rule", None)):
        if inner is not None:
            yield from _references(inner)


def _parsed(check: str) -> Any:
    """What oslo.policy makes of a rule; what it cannot take at all is for nobody, too."""
    with _quiet():
        try:
            return policy.Rules.from_dict({"": check})[""]
        except Exception:
            return _NOBODY


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what oslo.policy logs of a rule: it is told as a problem."""
    log = logging.getLogger("oslo_policy")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
