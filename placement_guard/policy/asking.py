"""From oslo.policy's checks to callables that are asked: the same answers, and no more work."""

from collections.abc import Callable, Mapping
from typing import Any

from oslo_policy import policy

from placement_guard.policy.question import OF_CALLER, Question

Ask = Callable[[Question], bool]
"""Whether a question passes; what it raises makes the rule one that cannot be evaluated."""


def compiled(check: Any, asks: Mapping[str, Ask]) -> Ask:
    """What oslo.policy's check answers, without its look at signatures and literals each time."""
    if isinstance(check, policy.AndCheck):
        every = [compiled(inner, asks) for inner in check.rules]
        return lambda question: all(ask(question) for ask in every)
    if isinstance(check, policy.OrCheck):
        return _any([compiled(inner, asks) for inner in check.rules])
    if isinstance(check, policy.NotCheck):
        return _not(compiled(check.rule, asks))
    if isinstance(check, policy.RuleCheck):
        name = check.match
        return lambda question: asks[name](question)  # noqa: PLW0108  # it may not be there yet
    kind = getattr(check, "kind", None)
    if kind == "role" and "%" not in check.match:
        role = check.match.lower()
        return lambda question: role in question.roles
    if kind in OF_CALLER:
        return _of_caller(check.kind, check.match)
    return lambda question: bool(check(question, question.creds, None, None))


def _any(some: list[Ask]) -> Ask:
    def ask(question: Question) -> bool:
        told = len(question.refused)
        if any(one(question) for one in some):
            del question.refused[told:]
            return True
        return False

    return ask


def _not(inner: Ask) -> Ask:
    def ask(question: Question) -> bool:
        told = len(question.refused)
        passed = inner(question)
        del question.refused[told:]
        return not passed

    return ask


def _of_caller(kind: str, match: str) -> Ask:
    if "%" in match:
        return lambda question: _is(question.creds[kind], match % question)
    return lambda question: _is(question.creds[kind], match)


def _is(value: Any, match: str) -> bool:
    """Nothing that is absent is equal to anything; of a list, one must be."""
    if isinstance(value, list):
        return match in map(str, value)
    return value is not None and str(value) == match
