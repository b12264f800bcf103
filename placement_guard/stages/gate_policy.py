"""Whether the policy lets this user do this operation, before the body is read."""

import os
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, Protocol

from oslo_config import cfg
from oslo_policy import opts, policy

from placement_guard.api.policies import list_rules
from placement_guard.exchange import Allowed, Exchange
from placement_guard.rejection import Rejection, reject

REMEMBERED_SECONDS: Final = 1.0
"""How long a yes of the policy is remembered (seconds)."""

MAX_REMEMBERED: Final = 1024
"""How many are remembered in a process."""


class Asks(Protocol):
    """Answers whether a context may do what a rule names."""

    def __call__(self, context: Any, rule: str) -> bool: ...


class GatePolicy:
    """The gate policy stage. Rule ``policy.forbidden``: 403, in Placement's wording.

    A context that can answer for itself, as Placement's can, is asked: its enforcer is the one
    that Placement goes by, whatever changed it meanwhile. Any other context is judged by an
    enforcer with Placement's rules and defaults, and the same ``[oslo_policy]`` options and file.

    A yes is remembered for REMEMBERED_SECONDS: most of what is asked is a search for files of the
    operator's. It lets nobody in, for Placement asks again then: only what was asked in this very
    request is handed on. A no is not remembered: it would keep out whom the operator has just let
    in.
    """

    def __init__(
        self, ask: Asks, *, reads: bool = False, clock: Callable[[], float] = monotonic
    ) -> None:
        self._ask = ask
        self._reads = reads
        self._clock = clock
        self._until: dict[tuple[Any, Allowed], float] = {}

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        rule = exchange.operation.rule
        # Below its first microversion Placement answers 404 or 405 before it asks the policy.
        if rule is None or not exchange.served:
            return exchange
        if not (self._reads or exchange.operation.mutates):
            return exchange
        context = exchange.context
        if context is None:  # and the rules about that let it pass
            return exchange
        can: Any = getattr(context, "can", None)
        # What only this context has says nothing of another.
        by = getattr(can, "__func__", None) if can else self._ask
        asked = Allowed.of(context, rule)
        now = self._clock()
        if by is not None and self._until.get((by, asked), now) > now:
            return exchange
        if not (can(rule, fatal=False) if can else self._ask(context, rule)):
            return reject("policy.forbidden", _wording(can, rule))
        if by is None:
            return exchange
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[by, asked] = now + REMEMBERED_SECONDS
        return exchange.extended(allowed=asked) if can else exchange


def _wording(can: Any, rule: str) -> str:
    """What Placement says of a refusal; of a token with the wrong scope, no more than the rule."""
    try:
        if can:
            can(rule)
    except Exception as refused:  # Placement's own; it need not be installed here
        if str(refused) == rule:
            return rule
    return f"Policy does not allow {rule} to be performed."


def enforcer_of(conf: cfg.ConfigOpts | None) -> Asks:
    """An enforcer of Placement's rules, for contexts that cannot answer for themselves.

    ``conf`` gives it the ``[oslo_policy]`` options; without, the defaults hold and no file is
    read. Like Placement's, the target is the caller's own project and user.
    """
    enforcer = policy.Enforcer(conf or _without_files())
    enforcer.suppress_default_change_warnings = True
    enforcer.suppress_deprecation_warnings = True
    enforcer.register_defaults(list_rules())

    def ask(context: Any, rule: str) -> bool:
        target = {"project_id": context.project_id, "user_id": context.user_id}
        try:
            return bool(enforcer.authorize(rule, target, context, do_raise=False))
        except policy.InvalidScope:
            return False

    return ask


def _without_files() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, policy_file=os.devnull, policy_dirs=[])
    conf([], default_config_files=[], default_config_dirs=[])
    return conf
