"""Whether the policy lets this user do just this: with these classes, these providers, so many."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from placement_guard.api.jsonpath import json_path
from placement_guard.exchange import Exchange
from placement_guard.policy.before import Before, Read, unread
from placement_guard.policy.judge import MUTATIONS, Judgement
from placement_guard.policy.question import Question, caller
from placement_guard.policy.watch import PolicyFiles
from placement_guard.rejection import Rejection, reject
from placement_guard.target import Target

Reading = Callable[[Exchange], Read]
"""How what is stored is read for a request: through Placement, in the name of its user."""


def no_reading(_exchange: Exchange) -> Read:
    """Of who has no Placement to ask: a rule that needs it cannot be evaluated."""
    return unread


class TargetPolicy:
    """The target policy stage. Rules ``policy.target_forbidden``, ``policy.not_evaluable``: 403.

    files
        Give the policy in force; one request is judged by one policy.
    reading
        How what was there before is read, for rules that ask for it.
    observed
        Patterns of policy rules that warn only.
    break_glass_role
        Who has this role is not judged; empty: nobody.
    """

    def __init__(
        self,
        files: PolicyFiles,
        reading: Reading = no_reading,
        observed: Sequence[str] = (),
        break_glass_role: str = "",
    ) -> None:
        self.files = files
        self._reading = reading
        self._observed = observed
        self._break_glass = break_glass_role.lower()

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        if exchange.operation.name not in MUTATIONS or not exchange.served:
            return exchange
        context = exchange.context
        if context is None:  # and the rules about that are not enforced
            return reject("policy.not_evaluable", "Nobody is known to ask: there is no context.")
        if self._break_glass and self._break_glass in map(str.lower, context.roles or ()):
            return exchange.extended(break_glass=True)
        judgement = self.judge(exchange)
        if judgement.observed is not None:
            exchange = exchange.warned(_rejection(exchange, judgement.observed))
        if judgement.allowed:
            return exchange
        rejection = _rejection(exchange, judgement)
        return exchange.warned(rejection) if self._is_observed(judgement.rule) else rejection

    def _is_observed(self, rule: str) -> bool:
        return any(fnmatchcase(rule, pattern) for pattern in self._observed)

    def judge(self, exchange: Exchange) -> Judgement:
        """What the policy in force says of a request that has a context."""
        before = Before(self._reading(exchange), exchange.operation.name)
        question = Question(Target(exchange), caller(exchange.context), before)
        return self.files().judge(question, self._is_observed)


def _rejection(exchange: Exchange, judgement: Judgement) -> Rejection:
    lead = f"Policy does not allow {exchange.operation.name} to be performed like this."
    by = f"by policy rule {judgement.rule}"
    if judgement.error:
        rule, what, path = "policy.not_evaluable", f"{judgement.error} ({by})", ""
    else:
        reason = judgement.reason
        what = f"{reason.what}, {by}" if reason else f"not allowed {by}"
        rule, path = "policy.target_forbidden", json_path(reason.path) if reason else ""
        if reason and reason.path:
            what += f": {path}"
    rejected = reject(rule, f"{lead}\n{what}", path)
    return Rejection(rejected.rule, rejected.detail, rejected.path, judgement.rule)
