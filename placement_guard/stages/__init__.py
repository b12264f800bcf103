"""The journey of a request: its stages, in order.

The order is Placement's own (context, framing, route and microversion, content type, policy,
body), so that a refused request gets the status that Placement would have given it. The policy
comes before the body is read: who may not write costs nothing.
"""

from collections.abc import Callable
from typing import Final

from oslo_config import cfg

from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings
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
)
"""The names of the stages, in order: the values of the ``stage`` metric label."""

_NOT_ON_READS: Final = frozenset({"content_type", "path", "body", "document", "invariants"})


def journey(settings: Settings, conf: cfg.ConfigOpts | None = None) -> Journey:
    """The stages of a guard with these settings, in order. ``conf`` holds ``[oslo_policy]``."""
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
        "document": DocumentStage(modes),
        "invariants": Invariants(modes),
    }
    return tuple((name, stages[name]) for name in ORDER)


def reading(journey: Journey, settings: Settings) -> Journey:
    """The stages of ``journey`` that can say something of a read.

    Placement reads no body then. The others would let it pass, but a request pays for each stage
    that it enters, and for its entry in the metrics.
    """
    left_out = _NOT_ON_READS if settings.policy_on_reads else _NOT_ON_READS | {"gate_policy"}
    return tuple((name, stage) for name, stage in journey if name not in left_out)
