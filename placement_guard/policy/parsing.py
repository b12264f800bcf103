"""From rules as they are written to rules that can be asked, or a list of what is wrong with them.

The language is oslo.policy's, and so are its parser and its checks. What oslo.policy takes for a
check that never passes (a mistyped name, a rule that does not exist) is an error here: who
mistypes a rule shall learn it when the file is read.
"""

import ast
import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct
from oslo_policy import policy

from placement_guard.policy.asking import Ask, compiled
from placement_guard.policy.checks import PayloadCheck
from placement_guard.policy.files import Place, PolicyError, PolicyProblem, Written
from placement_guard.policy.kinds import CHECKS
from placement_guard.policy.patterns import NAMES
from placement_guard.policy.question import OF_CALLER

_TOKEN: Final = re.compile(r"\S+")
_WORDS: Final = frozenset({"and", "or", "not"})
_REMOTE: Final = frozenset({"http", "https"})


class PolicyRule(Struct, frozen=True):
    """A rule that can be asked; ``reads_state`` says whether it asks what is stored."""

    name: str
    text: str
    place: Place
    ask: Ask
    reads_state: bool


def parsed(written: Mapping[str, Written]) -> dict[str, PolicyRule]:
    """The rules, each ready to be asked. PolicyError with all that is wrong."""
    problems = [problem for rule in written.values() for problem in _token_problems(rule)]
    if problems:  # oslo.policy would log each with a traceback
        raise PolicyError(problems)
    checks = policy.Rules.from_dict({name: rule.text for name, rule in written.items()})
    problems = [
        problem
        for name, rule in written.items()
        for problem in _check_problems(rule, checks[name], written)
    ]
    problems += [p for rule in written.values() for p in _denied_problems(rule, checks)]
    problems += _circles(written, checks)
    if problems:
        raise PolicyError(problems)
    asks: dict[str, Ask] = {}
    for name in written:
        asks[name] = compiled(checks[name], asks)
    reading = {name for name in written if _reads_state(name, checks)}
    return {
        name: PolicyRule(name, rule.text, rule.place, asks[name], name in reading)
        for name, rule in written.items()
    }


# What is wrong --------------------------------------------------------------------------------


def _token_problems(rule: Written) -> Iterator[PolicyProblem]:
    for found in _TOKEN.finditer(rule.text):
        token = found[0].strip("()") if not found[0].endswith(")s)") else found[0].lstrip("(")
        plain = token.lower() in _WORDS or token in {"", "!", "@"}
        if not plain and ":" not in token and token[0] not in "'\"":
            yield _in(rule, found.start(), f"{token} is no check; a check is KIND:MATCH")


def _check_problems(
    rule: Written, check: Any, written: Mapping[str, Written]
) -> Iterator[PolicyProblem]:
    wanted = sum(1 for t in _TOKEN.findall(rule.text) if t.strip("()") == "!")
    leaves = list(_leaves(check))
    if sum(str(leaf) == "!" for leaf in leaves) > wanted:
        yield PolicyProblem(rule.text_place, f"{rule.name} cannot be understood: {rule.text}")
    for leaf in leaves:
        text = _leaf_problem(leaf, written) if isinstance(leaf, policy.Check) else None
        if text is not None:
            yield _in(rule, max(rule.text.find(str(leaf)), 0), text)


def _denied_problems(rule: Written, checks: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    """Of checks of all of several things that stand behind a not, here or in a rule named here."""
    for leaf in _denied(checks[rule.name], checks, frozenset({rule.name})):
        text = f"not {leaf} would say: not all of them; write ! before a pattern to exclude it"
        yield _in(rule, max(rule.text.find(str(leaf)), 0), text)


def _denied(
    check: Any, checks: Mapping[str, Any], seen: frozenset[str], *, denied: bool = False
) -> Iterator[Any]:
    if isinstance(check, policy.NotCheck):
        yield from _denied(check.rule, checks, seen, denied=True)
    elif isinstance(check, policy.AndCheck | policy.OrCheck):
        for inner in check.rules:
            yield from _denied(inner, checks, seen, denied=denied)
    elif isinstance(check, policy.RuleCheck):
        name = check.match
        if denied and name in checks and name not in seen:
            yield from _denied(checks[name], checks, seen | {name}, denied=True)
    elif denied and getattr(check, "of_all", False):
        yield check


def _leaf_problem(leaf: Any, written: Mapping[str, Written]) -> str | None:
    if isinstance(leaf, PayloadCheck):
        text = leaf.problem()
        return f"{leaf}: {leaf.match!r} {text}" if text else None
    if isinstance(leaf, policy.RuleCheck):
        if leaf.match in written:
            return None
        return f"there is no rule {leaf.match}{near(leaf.match, written)}"
    if leaf.kind in _REMOTE:
        return f"{leaf}: a policy that asks another server is not supported here"
    text = _interpolation_problem(leaf.match)
    if text is not None or type(leaf) is not _generic():
        return text and f"{leaf}: {text}"
    if leaf.kind.partition(".")[0] in OF_CALLER or _is_literal(leaf.kind):
        return None
    known = {*CHECKS, *OF_CALLER, "rule", "role"}
    return f"there is no check {leaf.kind}{near(leaf.kind, known)}"


def _interpolation_problem(match: str) -> str | None:
    """What of ``%(name)s`` in a match could not be filled in."""
    if "%" not in match:
        return None
    try:
        match % dict.fromkeys(NAMES, "")
    except KeyError as error:
        return f"there is no %({error.args[0]})s"
    except (ValueError, TypeError):
        return "has a % that is no %(name)s"
    return None


def near(name: str, known: Any) -> str:
    """A hint at what a mistyped name may mean."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _in(rule: Written, offset: int, text: str) -> PolicyProblem:
    """A problem at an offset of the check string; exact where it stands on one line."""
    place = rule.text_place
    return PolicyProblem(place._replace(column=place.column + offset), text)


def _circles(written: Mapping[str, Written], checks: Mapping[str, Any]) -> list[PolicyProblem]:
    """Rules that lead back to themselves."""
    after = {name: _named_rules(checks[name]) & written.keys() for name in written}
    problems, done = [], set()
    for name in written:
        reached, new = set(after[name]), set(after[name])
        while new:
            new = {n for r in new for n in after[r]} - reached
            reached |= new
        if name in reached and name not in done:
            done |= reached
            problems.append(PolicyProblem(written[name].place, f"{name} leads back to itself"))
    return problems


def _named_rules(check: Any) -> set[str]:
    return {leaf.match for leaf in _leaves(check) if isinstance(leaf, policy.RuleCheck)}


def _reads_state(name: str, checks: Mapping[str, Any]) -> bool:
    leaves = list(_leaves(checks[name]))
    return any(getattr(leaf, "reads_state", False) for leaf in leaves) or any(
        _reads_state(other, checks) for other in _named_rules(checks[name])
    )


def _leaves(check: Any) -> Iterator[Any]:
    if isinstance(check, policy.AndCheck | policy.OrCheck):
        for inner in check.rules:
            yield from _leaves(inner)
    elif isinstance(check, policy.NotCheck):
        yield from _leaves(check.rule)
    else:
        yield check


@cache
def _generic() -> type[Any]:
    """The class of checks that compare something of the caller: oslo.policy does not export it."""
    return type(policy.Rules.from_dict({"": "user_id:x"})[""])


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True
