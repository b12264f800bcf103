"""Metrics: one set a registry, every series there from the start, none that a client could add."""

import importlib.metadata
import platform
import re

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from placement_guard.admission.places import LIMITS
from placement_guard.admission.shed import WHYS
from placement_guard.api import conflicts, operations
from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.lanes import Result
from placement_guard.look_up import ReadResult
from placement_guard.observers.audit.metrics import SINKS
from placement_guard.observers.metrics import Metrics
from placement_guard.observers.metrics import durations as durations_module
from placement_guard.observers.metrics.admission import RESEND_RESULTS
from placement_guard.observers.metrics.clients import MICROVERSIONS
from placement_guard.observers.metrics.condition import COMPONENTS
from placement_guard.observers.metrics.durations import MAX_EXEMPLAR, Durations
from placement_guard.observers.writing.sink import REASONS
from placement_guard.outcome import Ending, Outcome
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


EXEMPLAR = re.compile(r'# {request_id="([^"]*)"}')


def test_a_slow_request_is_named_as_an_exemplar_and_of_quick_ones_one_a_second(stand_for_durations):
    registry, count = stand_for_durations

    def named():
        return set(EXEMPLAR.findall(generate_latest(registry).decode()))

    count("first", 0.01)
    count("quick", 0.01)
    assert named() == {"first"}
    count("slow", 3.0)
    count("slow too", 0.2)
    assert named() == {"first", "slow", "slow too"}
    count("later", 0.01, at=10.0)
    assert named() == {"later", "slow", "slow too"}
    count("x" * 200, 20.0)
    assert "x" * MAX_EXEMPLAR in named()


@pytest.fixture
def stand_for_durations(monkeypatch):
    """A registry, and a way to count a request of so many seconds, begun at a time."""
    registry = CollectorRegistry()
    durations = Durations(registry, exemplars=True)

    def count(request_id, seconds, at=0.0):
        monkeypatch.setattr(durations_module, "perf_counter", lambda: at + seconds)
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "openstack.request_id": request_id}
        exchange = msgspec.structs.replace(begin(environ, Router()), began=at)
        durations(exchange, Outcome(Ending.SERVED, 200, seconds=seconds))

    return registry, count
