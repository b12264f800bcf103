"""What docs/policy.md has from the source: the checks, and what can be asked of the caller."""

import inspect
import re

from placement_guard.policy.before import MAX_READS, MAX_READS_RESHAPE
from placement_guard.policy.kinds import CHECKS
from placement_guard.policy.question import OF_CALLER
from tests.markdown import table

_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")


def checks_table() -> str:
    """Every check, as its docstring tells it."""
    kinds: dict[type, list[str]] = {}
    for kind, check in CHECKS.items():
        kinds.setdefault(check, []).append(f"`{kind}`")
    rows = [
        (", ".join(names), _told(check), "yes" if getattr(check, "reads_state", False) else "no")
        for check, names in kinds.items()
    ]
    return table(("Check", "It passes where", "Reads what is stored"), rows)


def _told(check: type) -> str:
    text = " ".join(inspect.getdoc(check).split()) if inspect.getdoc(check) else ""
    return _ROLE.sub(r"`\1`", text).replace("``", "`").replace("|", "\\|")


def callers_list() -> str:
    """What a rule can ask of the caller, and how much is read for one request."""
    names = ", ".join(f"`{name}`" for name in OF_CALLER)
    return (
        f"{names}.\n\nOf one request at most {MAX_READS} answers are read, of a reshape "
        f"{MAX_READS_RESHAPE}."
    )
