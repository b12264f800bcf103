"""Looking at what is stored after a write was acknowledged, in a real Placement."""

import pytest
from placement import db_api

from placement_guard import Settings
from placement_guard.outcome import Ending, Outcome
from placement_guard.verifying import Found, Verifying, capacity

ALL = Settings(verify_share=1.0, verify_reshapes=True)
COMMITTED = Outcome(Ending.COMMITTED, 204, lane="held")


@pytest.fixture
def cloud(real, api):
    """A provider of 8 VCPU, a claim, and what a guard finds after a request."""
    import itertools
    import json
    import types
    import uuid

    import webtest
    from sqlalchemy import text

    from placement_guard.api.routes import Router
    from placement_guard.exchange import begin

    names = map(str, itertools.count())

    def provider(vcpu=8):
        uid = str(uuid.uuid4())
        headers = api.headers()
        real.bare.post_json(
            "/resource_providers", {"name": f"p{next(names)}-{uid}", "uuid": uid}, headers=headers
        )
        real.bare.put_json(
            f"/resource_providers/{uid}/inventories",
            {
                "resource_provider_generation": 0,
                "inventories": {"VCPU": {"total": vcpu, "max_unit": vcpu}},
            },
            headers=headers,
        )
        return uid

    def claim(held, generation=None):
        return {
            "allocations": {p: {"resources": {"VCPU": n}} for p, n in held.items()},
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": generation,
            "consumer_type": "INSTANCE",
        }

    def put(consumer, body):
        real.bare.put_json(f"/allocations/{consumer}", body, headers=api.headers())

    def execute(sql, **values):
        with db_api.get_placement_engine().begin() as connection:
            connection.execute(text(sql), values)

    def found(method, path, body, settings=ALL, outcome=COMMITTED, role="admin"):
        """What is found after this request, whose context a real Placement made."""
        caught = {}

        def inside(environ, start_response):
            exchange = begin(environ, Router()).extended(
                version=(1, 39), document=json.loads(json.dumps(body))
            )
            caught["found"] = Verifying(settings)(kept.application, exchange, outcome)
            start_response("204 No Content", [])
            return []

        from microversion_parse.middleware import MicroversionMiddleware

        from placement_guard.placement import _find

        middleware = _find(real.guarded.app, MicroversionMiddleware)
        kept, middleware.application = middleware.application, inside
        try:
            headers = {**api.headers(), "x-roles": role}
            webtest.TestApp(real.guarded.app).request(
                path, method=method, headers=headers, body=b"{}", content_type="application/json"
            )
        finally:
            middleware.application = kept
        return caught["found"]

    return types.SimpleNamespace(
        provider=provider,
        claim=claim,
        put=put,
        execute=execute,
        found=found,
        consumer=lambda: str(uuid.uuid4()),
    )


def test_what_is_as_it_was_acknowledged_is_found_sound(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    body = cloud.claim({provider: 8})
    cloud.put(consumer, body)
    assert cloud.found("PUT", f"/allocations/{consumer}", body) == []
    assert cloud.found("POST", "/allocations", {consumer: body}) == []


def test_a_claim_that_is_gone_is_found(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    body = cloud.claim({provider: 2})
    assert cloud.found("PUT", f"/allocations/{consumer}", body) == [Found.LOST_CLAIM]


def test_a_claim_that_is_stored_otherwise_is_found(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    cloud.put(consumer, cloud.claim({provider: 3}))
    body = cloud.claim({provider: 2})
    assert cloud.found("POST", "/allocations", {consumer: body}) == [Found.LOST_CLAIM]


def test_an_over_commitment_is_found_whoever_made_it(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    body = cloud.claim({provider: 8})
    cloud.put(consumer, body)
    cloud.execute(
        "UPDATE allocations SET used = 9 WHERE consumer_id = :consumer", consumer=consumer
    )
    found = cloud.found("PUT", f"/allocations/{consumer}", body)
    assert set(found) == {Found.LOST_CLAIM, Found.OVERCOMMITTED}


def test_a_reshape_is_compared_with_what_is_stored(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    held = cloud.claim({provider: 2})
    cloud.put(consumer, held)
    reshape = {
        "inventories": {
            provider: {
                "resource_provider_generation": 1,
                "inventories": {"VCPU": {"total": 8, "max_unit": 8, "allocation_ratio": 1.0}},
            }
        },
        "allocations": {consumer: held},
    }
    assert cloud.found("POST", "/reshaper", reshape) == []
    for field, value in (("total", 9), ("reserved", 1), ("allocation_ratio", 1.5)):
        record = {"total": 8, field: value}
        reshape["inventories"][provider]["inventories"] = {"VCPU": record}
        assert cloud.found("POST", "/reshaper", reshape) == [Found.RESHAPE_DIFFERS], field
    reshape["inventories"][provider]["inventories"] = {}
    assert cloud.found("POST", "/reshaper", reshape) == [Found.RESHAPE_DIFFERS]
    reshape["inventories"] = {}
    assert cloud.found("POST", "/reshaper", reshape) == []
    reshape["allocations"][consumer] = cloud.claim({provider: 1})
    assert cloud.found("POST", "/reshaper", reshape) == [Found.RESHAPE_DIFFERS]


def test_a_release_needs_no_look(cloud):
    consumer = cloud.consumer()
    assert cloud.found("PUT", f"/allocations/{consumer}", cloud.claim({})) == []


def test_what_the_caller_may_not_read_is_told_as_not_read(cloud):
    provider, consumer = cloud.provider(), cloud.consumer()
    body = cloud.claim({provider: 1})
    cloud.put(consumer, body)
    found = cloud.found("PUT", f"/allocations/{consumer}", body, role="nobody")
    assert found == [Found.NOT_READ]


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        (ALL, Outcome(Ending.CONFLICT, 409)),
        (ALL, Outcome(Ending.REFUSED, 400)),
        (Settings(verify_share=0.0), COMMITTED),
    ],
)
def test_only_a_chosen_share_of_what_was_committed_is_looked_at(cloud, settings, outcome):
    body = cloud.claim({cloud.provider(): 1})
    path = f"/allocations/{cloud.consumer()}"
    assert cloud.found("PUT", path, body, settings, outcome) == []


@pytest.mark.parametrize("lane", ["timeout", "full", "unavailable"])
def test_what_went_without_its_lanes_is_always_looked_at(cloud, lane):
    body = cloud.claim({cloud.provider(): 1})
    path = f"/allocations/{cloud.consumer()}"
    outcome = Outcome(Ending.COMMITTED, 204, lane=lane)
    none = Settings(verify_share=0.0)
    assert cloud.found("PUT", path, body, none, outcome) == [Found.LOST_CLAIM]


def test_a_body_that_nobody_expects_breaks_nothing(cloud):
    assert cloud.found("POST", "/allocations", ["x"]) == [Found.NOT_READ]


def test_a_capacity_is_counted_as_placement_does():
    assert capacity({"total": 7, "reserved": 2, "allocation_ratio": 1.5}) == 7
