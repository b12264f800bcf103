"""The journey of a request: its stages, in order.

The order is Placement's own (context, framing, route and microversion, content type, policy,
body), so that a refused request gets the status that Placement would have given it. The policy
comes before the body is read: who may not write costs nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final

from oslo_config import cfg

from placement_guard.api.operations import UNMATCHED, Operation
from placement_guard.exchange import Exchange
from placement_guard.policy.files import PolicyError
from placement_guard.policy.judge import MUTATIONS
from placement_guard.policy.watch import PolicyFiles
from placement_guard.rejection import Rejection
from placement_guard.settings import ConfigurationError, Problem, Settings
from placement_guard.stages.body import Body
from placement_guard.stages.content_type import content_type
from placement_guard.stages.document import DocumentStage
from placement_guard.stages.framing import framing
from placement_guard.stages.gate_policy import GatePolicy, enforcer_of
from placement_guard.stages.identity import Identity
from placement_guard.stages.invariants import Invariants
from placement_guard.stages.operation import operation
from placement_guard.stages.path import path
from placement_guard.stages.query import query
from placement_guard.stages.target_policy import Reading, TargetPolicy, no_reading

Stage = Callable[[Exchange], Exchange | Rejection]
"""One step: an exchange in; the same exchange, extended, or a rejection out."""

Journey = tuple[tuple[str, Stage], ...]

ORDER: Final = (
    "identity",  # 401
    "framing",  # 400
    "operation",  # 404
    "content_type",  # 415
    "gate_policy",  # 403
    "query",  # 400
    "path",  # 400
    "body",  # 413, 400
    "document",  # 400
    "invariants",  # 400
    "target_policy",  # 403
)
"""The names of the stages, in order: the values of the ``stage`` metric label."""

_OF_BODIES: Final = frozenset({"content_type", "body", "document"})

_CONCERNED: Final[Mapping[str, frozenset[str]]] = {
    "query": frozenset({"usages", "allocation_candidates:list"}),
    "path": frozenset({"allocations:update", "resource_classes:update", "traits:update"}),
    "invariants": frozenset(
        {
            "reshaper:reshape",
            "resource_providers:inventories:create",
            "resource_providers:inventories:update",
        }
    ),
    "target_policy": MUTATIONS,
}
"""By stage, the operations that it can say something of."""


def journey(
    settings: Settings,
    conf: cfg.ConfigOpts | None = None,
    *,
    reading: Reading = no_reading,
    told: Callable[[bool], None] | None = None,
    worded: bool = True,
) -> Journey:
    """The stages of a guard with these settings, in order. ConfigurationError.

    conf
        Holds ``[oslo_policy]``.
    reading
        How target policy reads what is stored; without, rules that ask for it refuse.
    told
        Called after target policy was read again, with whether it could be.
    worded
        Whether a rejection for a broken schema says how it is broken.
    """
    modes = settings.modes()
    stages: dict[str, Stage] = {
        "identity": Identity(modes),
        "framing": framing,
        "operation": operation,
        "content_type": content_type,
        "gate_policy": GatePolicy(enforcer_of(conf), reads=settings.policy_on_reads),
        "query": query,
        "path": path,
        "body": Body(max_body_bytes=settings.max_body_bytes),
        "document": DocumentStage(modes, worded=worded),
        "invariants": Invariants(modes),
    }
    if settings.has_target_policy:  # otherwise nothing is paid for it
        stages["target_policy"] = TargetPolicy(
            policy_files(settings, told),
            reading,
            settings.target_policy_observe,
            settings.break_glass_role,
        )
    return tuple((name, stages[name]) for name in ORDER if name in stages)


def policy_files(settings: Settings, told: Callable[[bool], None] | None = None) -> PolicyFiles:
    """Target policy as these settings say. ConfigurationError with all that is wrong in it."""
    try:
        return PolicyFiles(settings.target_policy_file, settings.target_policy_dirs, told)
    except PolicyError as error:
        raise ConfigurationError(
            [Problem("policy.unusable", "target_policy_file", str(p)) for p in error.problems]
        ) from None


def of_operation(journey: Journey, operation: Operation, settings: Settings) -> Journey:
    """The stages of ``journey`` that can say something of this operation.

    The others would let it pass, but a request pays for each stage that it enters, and for its
    entry in the metrics.
    """
    if operation == UNMATCHED:
        return journey
    asked = operation.mutates or settings.policy_on_reads
    left_out = {name for name, of in _CONCERNED.items() if operation.name not in of}
    left_out |= set() if operation.bodies else _OF_BODIES
    left_out |= set() if operation.rule and asked else {"gate_policy"}
    return tuple((name, stage) for name, stage in journey if name not in left_out)
