"""Metrics of who asks: the microversions that are spoken, and services that are refused."""

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter

from placement_guard.api.operations import LAST_VERSION
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import RULES

NEWER: Final = "newer"
NONE: Final = "none"

MICROVERSIONS: Final = (*(f"1.{minor}" for minor in range(LAST_VERSION[1] + 1)), NEWER, NONE)
"""Every value of the ``microversion`` metric label."""

SERVICE: Final = "service"
"""The role by which a service of OpenStack is told."""


class ClientMetrics:
    """Those of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        spoken = Counter(
            "placement_guard_requests_by_microversion",
            "Requests, by the microversion that they were served at. Below 1.28 a claim knows no "
            "generation of its consumer; the status page names who speaks so.",
            ("microversion",),
            registry=registry,
        )
        refused = Counter(
            "placement_guard_service_rejections",
            "Requests of services (role service, or a service token) that a sound rule refused: "
            "one is sent only by a service with a fault, or by none.",
            ("rule",),
            registry=registry,
        )
        self._spoken = {version: spoken.labels(version).inc for version in MICROVERSIONS}
        self._refused = {rule.id: refused.labels(rule.id).inc for rule in RULES if rule.sound}

    def __call__(self, exchange: Exchange, rejection: Rejection | None) -> None:
        """Count a request that has ended."""
        self._spoken[microversion(exchange)]()
        if rejection is not None and rejection.rule.sound and is_service(exchange.context):
            self._refused[rejection.rule.id]()


def microversion(exchange: Exchange) -> str:
    """That of a request, as its label says it."""
    version = exchange.version
    if version is None:
        return NONE
    return _LABELS.get(version, NEWER)


_LABELS: Final[Mapping[tuple[int, int], str]] = {
    (1, minor): f"1.{minor}" for minor in range(LAST_VERSION[1] + 1)
}


def is_service(context: Any) -> bool:
    """Whether a service asks, for itself or for a user."""
    if context is None:
        return False
    return bool(context.service_roles) or SERVICE in (context.roles or ())
