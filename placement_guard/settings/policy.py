"""Settings of target policy, and the modes of rules."""

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from placement_guard.rules import BY_ID, Mode
from placement_guard.settings.problems import Problem, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with the names of files."""
    file = settings.target_policy_file
    named = [("target_policy_file", file)] if file else []
    named += [("target_policy_dirs", directory) for directory in settings.target_policy_dirs]
    for name, path in named:
        if not path.startswith("/"):
            yield of_setting(name, f"{path!r} is not an absolute path")


def mode_problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with the modes of rules."""
    known = ", ".join(Mode)
    for rule, mode in settings.rules.items():
        if rule not in BY_ID:
            near = difflib.get_close_matches(rule, BY_ID, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            yield Problem("settings.unknown_rule", "rules", f"there is no rule {rule}{hint}")
        elif mode not in set(Mode):
            text = f"{rule} cannot be {mode}; the modes are {known}"
            yield Problem("settings.unknown_mode", "rules", text)
