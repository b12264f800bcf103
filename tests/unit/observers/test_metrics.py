"""Metrics: one set a registry, every series there from the start, none that a client could add."""

import importlib.metadata
import platform

from prometheus_client import CollectorRegistry

from placement_guard.admission.places import LIMITS
from placement_guard.admission.shed import WHYS
from placement_guard.api import conflicts, operations
from placement_guard.lanes import Result
from placement_guard.look_up import ReadResult
from placement_guard.observers.audit.metrics import SINKS
from placement_guard.observers.metrics import Metrics
from placement_guard.observers.metrics.admission import RESEND_RESULTS
from placement_guard.observers.metrics.clients import MICROVERSIONS
from placement_guard.observers.metrics.condition import COMPONENTS
from placement_guard.observers.writing.sink import REASONS
from placement_guard.outcome import Ending
from placement_guard.rules import RULES
from placement_guard.stages import ORDER
from placement_guard.verifying import Found
from placement_guard.version import __version__


def series(registry):
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in registry.collect()
        for sample in family.samples
    }


def test_a_registry_has_one_set_of_metrics():
    one, other = CollectorRegistry(), CollectorRegistry()
    assert Metrics.of(one) is Metrics.of(one)
    assert Metrics.of(one) is not Metrics.of(other)


def test_every_label_value_comes_from_a_table():
    registry = CollectorRegistry()
    Metrics.of(registry)
    known = {
        "operation": set(operations.NAMES),
        "outcome": {ending.value for ending in Ending},
        "stage": set(ORDER),
        "rule": {rule.id for rule in RULES},
        "mode": {"enforce", "warn"},
        "kind": set(conflicts.KIND_NAMES),
        "found": set(Found),
        "why": {why.name for why in WHYS},
        "result": {
            *(*RESEND_RESULTS, *map(str, Result), *map(str, ReadResult)),
            *("loaded", "broken"),
        },
        "sink": set(SINKS),
        "reason": set(REASONS),
        "microversion": set(MICROVERSIONS),
        "component": set(COMPONENTS),
        "limit": set(LIMITS),
        "version": {__version__},
        "placement_version": {importlib.metadata.version("openstack-placement")},
        "python_version": {platform.python_version()},
    }
    for _, labels in series(registry):
        for name, value in labels:
            assert name == "le" or value in known[name]


def test_every_rule_has_a_series_in_its_own_stage():
    registry = CollectorRegistry()
    Metrics.of(registry)
    found = {
        (dict(labels)["stage"], dict(labels)["rule"])
        for name, labels in series(registry)
        if name == "placement_guard_rejections_total"
    }
    assert found == {(rule.stage, rule.id) for rule in RULES}
    assert {rule.stage for rule in RULES} <= set(ORDER)


def test_a_client_adds_no_series(stand_for_metrics):
    registry, ask = stand_for_metrics
    ask("/traits/CUSTOM_A", "PUT")
    before = series(registry)
    for path in ("/traits/CUSTOM_B", "/x" * 100, "/resource_providers/\xff\n", "//"):
        for method in ("GET", "PUT", "BREW", "DELETE"):
            for version in ("1.0", "1.39", "7.7", "\xff"):
                ask(path, method, version)
    assert series(registry) == before
