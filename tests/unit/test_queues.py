"""Which lanes a write takes, and what overtakes."""

import pytest

from placement_guard.admission.queues import QUEUED, wanted
from placement_guard.api import operations
from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.lanes import Lane

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
OTHER = "5e8e5957-649f-477b-9e5b-f1f75b21c03c"
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
MIGRATION = "8d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"


def of(method, path, document=None, version=(1, 39)):
    exchange = begin({"REQUEST_METHOD": method, "PATH_INFO": path}, Router())
    return wanted(exchange.extended(version=version, document=document))


def hexed(uuid):
    return uuid.replace("-", "")


def shared(uuid):
    return Lane(f"provider:{hexed(uuid)}")


def alone(uuid):
    return Lane(f"provider:{hexed(uuid)}", alone=True)


def consumer(uuid):
    return Lane(f"consumer:{hexed(uuid)}", alone=True)


def held(*providers):
    return {"allocations": {uuid: {"resources": {"VCPU": 1}} for uuid in providers}}


CLAIM = f"/allocations/{CONSUMER}"


def test_a_claim_shares_the_lanes_of_its_providers_and_has_its_consumer_alone():
    found = of("PUT", CLAIM, held(PROVIDER, OTHER))
    assert set(found.lanes) == {consumer(CONSUMER), shared(PROVIDER), shared(OTHER)}
    assert not found.urgent


def test_a_claim_below_1_12_lists_its_providers():
    listed = [{"resource_provider": {"uuid": PROVIDER}, "resources": {"VCPU": 1}}]
    found = of("PUT", CLAIM, {"allocations": listed}, (1, 11))
    assert set(found.lanes) == {consumer(CONSUMER), shared(PROVIDER)}
    assert not found.urgent


@pytest.mark.parametrize("spelling", [CONSUMER.upper(), hexed(CONSUMER), CONSUMER.title()])
def test_a_uuid_is_one_lane_however_it_is_spelled(spelling):
    assert of("DELETE", f"/allocations/{spelling}").lanes == (consumer(CONSUMER),)
    assert of("POST", "/allocations", {spelling: held()}).lanes == (consumer(CONSUMER),)


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("DELETE", CLAIM, None),
        ("PUT", CLAIM, held()),
        ("POST", "/allocations", {CONSUMER: held()}),
    ],
)
def test_a_release_overtakes(method, path, document):
    assert of(method, path, document) == ((consumer(CONSUMER),), True)


def test_a_move_takes_the_lanes_of_both_and_does_not_overtake():
    found = of("POST", "/allocations", {CONSUMER: held(PROVIDER), MIGRATION: held()})
    assert set(found.lanes) == {consumer(CONSUMER), consumer(MIGRATION), shared(PROVIDER)}
    assert not found.urgent


def test_a_reshape_has_what_it_changes_alone():
    document = {
        "inventories": {PROVIDER: {}},
        "allocations": {CONSUMER: held(PROVIDER, OTHER)},
    }
    found = of("POST", "/reshaper", document)
    assert alone(PROVIDER) in found.lanes
    assert set(found.lanes) >= {consumer(CONSUMER), shared(OTHER)}
    assert not found.urgent


@pytest.mark.parametrize(
    ("method", "rest", "urgent"),
    [
        ("DELETE", "", True),
        ("POST", "/inventories", False),
        ("PUT", "/inventories", False),
        ("DELETE", "/inventories", True),
        ("PUT", "/inventories/VCPU", False),
        ("DELETE", "/inventories/VCPU", True),
        ("PUT", "/traits", False),
        ("DELETE", "/traits", True),
        ("PUT", "/aggregates", False),
    ],
)
def test_a_write_of_a_provider_has_it_alone(method, rest, urgent):
    assert of(method, f"/resource_providers/{PROVIDER}{rest}", {}) == ((alone(PROVIDER),), urgent)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CLAIM),
        ("GET", f"/resource_providers/{PROVIDER}"),
        ("PUT", "/traits/CUSTOM_A"),
        ("POST", "/resource_providers"),
        ("PUT", f"/resource_providers/{PROVIDER}"),
        ("BREW", "/"),
    ],
)
def test_what_touches_no_capacity_takes_no_lane(method, path):
    assert of(method, path, {}) == ((), False)


def test_what_placement_does_not_serve_takes_no_lane():
    assert of("POST", "/reshaper", {}, (1, 29)).lanes == ()


@pytest.mark.parametrize(
    "document", [None, [], 3, {"allocations": None}, {"allocations": [1]}, {"a": 1}, {1: {}}]
)
@pytest.mark.parametrize("path", [CLAIM, "/allocations", "/reshaper"])
def test_an_odd_body_that_is_let_through_takes_no_lane(document, path):
    method = "PUT" if path == CLAIM else "POST"
    assert of(method, path, document).lanes == ()


def test_the_operations_are_those_that_there_are():
    assert set(QUEUED) <= {o.name for o in operations.OPERATIONS if o.mutates}
