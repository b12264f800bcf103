"""Damage and 500s of a bare Placement, side by side with the guard's refusals.

Each case says what the bare one does: where that changes, the rule has lost its reason.
"""

import json
import uuid

import pytest


def identifier():
    return str(uuid.uuid4())


@pytest.fixture
def provider(real, api):
    name = identifier()
    real.bare.post_json("/resource_providers", {"name": name, "uuid": name}, headers=api.headers())
    real.bare.put_json(
        f"/resource_providers/{name}/inventories",
        {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 100}}},
        headers=api.headers(),
    )
    return name


def consumer(provider, **changes):
    return {
        "allocations": {provider: {"resources": {"VCPU": 1}}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
        **changes,
    }


def inventories(**records):
    return {"resource_provider_generation": 1, "inventories": records}


def reshape(provider, records, allocations=None):
    return {"inventories": {provider: inventories(**records)}, "allocations": allocations or {}}


BAD = "-" * 36
DAMAGE = [
    # label, method, path, body, the bare status, the guard's rule
    ("an escaped key with no inventory", "PUT", "/resource_providers/{p}/inventories",
     lambda p: inventories(vcpu={}), 500, "inventory.unmatched_class"),
    ("an escaped key with a text", "PUT", "/resource_providers/{p}/inventories",
     lambda p: inventories(vcpu="x"), 500, "inventory.unmatched_class"),
    ("an escaped key in a reshape", "POST", "/reshaper",
     lambda p: reshape(p, {"vcpu": {"total": 1, "resource_provider": 7}}), 500,
     "inventory.unmatched_class"),
    ("a capacity that is not finite", "PUT", "/resource_providers/{p}/inventories",
     lambda p: inventories(VCPU={"total": 100, "allocation_ratio": -1e307}), 500,
     "inventory.capacity_overflow"),
    ("a negative ratio with a positive capacity", "PUT", "/resource_providers/{p}/inventories",
     lambda p: inventories(VCPU={"total": 1, "reserved": 5, "allocation_ratio": -2}), 200,
     "inventory.negative_ratio"),
    ("a reshape that reserves more than there is", "POST", "/reshaper",
     lambda p: reshape(p, {"VCPU": {"total": 1, "reserved": 5}}), 204,
     "inventory.negative_capacity"),
    ("a reshape with a negative ratio", "POST", "/reshaper",
     lambda p: reshape(p, {"VCPU": {"total": 1, "allocation_ratio": -1}}), 204,
     "inventory.negative_ratio"),
    ("a consumer of dashes", "POST", "/allocations",
     lambda p: {BAD: consumer(p)}, 204, "allocations.consumer_not_uuid"),
    ("a consumer with a line break", "POST", "/allocations",
     lambda p: {identifier() + "\n": consumer(p)}, 204, "allocations.consumer_not_uuid"),
    ("a consumer of dashes in a reshape", "POST", "/reshaper",
     lambda p: reshape(p, {"VCPU": {"total": 9}}, {BAD[1:] + "a": consumer(p)}), 204,
     "allocations.consumer_not_uuid"),
    ("a consumer type with a line break", "PUT", "/allocations/{c}",
     lambda p: consumer(p, consumer_type="INSTANCE\n"), 204, "document.trailing_newline"),
    ("a resource class with a line break", "POST", "/resource_classes",
     lambda p: {"name": "CUSTOM_A\n"}, 500, "document.trailing_newline"),
    ("a trait with a line break", "PUT", "/traits/CUSTOM_A%0a%0a", None, 500,
     "path.trailing_newline"),
    ("a resource class that is checked as another", "PUT",
     "/resource_classes/CUSTOM_A%22,%20%22name%22:%20%22CUSTOM_B", None, 201, "path.quoted_name"),
    ("an aggregate that no column holds", "PUT", "/resource_providers/{p}/aggregates",
     lambda p: {"resource_provider_generation": 1, "aggregates": ["urn:uuid:" + identifier()]},
     200, "document.too_long"),
    ("a key twice", "PUT", "/resource_providers/{p}/inventories",
     lambda p: b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1, "total": 2}}}',
     200, "json.duplicate_key"),
    ("a NUL", "POST", "/resource_providers", lambda p: {"name": f"{p}\0"}, 200,
     "json.nul_character"),
    ("NaN", "PUT", "/resource_providers/{p}/inventories",
     lambda p: b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1, "allocation_ratio": NaN}}}',
     500, "json.not_finite"),
    ("half a surrogate pair", "POST", "/resource_providers", lambda p: {"name": "\ud800"}, 500,
     "json.lone_surrogate"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "bare", "rule"),
    [case[1:] for case in DAMAGE],
    ids=[case[0] for case in DAMAGE],
)
def test_what_a_bare_placement_takes_or_breaks_on_is_refused(
    real, api, provider, method, path, body, bare, rule
):
    path = path.format(p=provider, c=identifier())
    content = b"" if body is None else body(provider)
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    given = {
        "method": method,
        "body": content,
        "headers": api.headers(**{"Content-Type": "application/json"}),
        "expect_errors": True,
    }
    # The guarded one first: what the bare one stores would be in the way.
    refused = real.guarded.request(path, **given)
    assert refused.status_int == 400
    assert f'rule="{rule}"' in refused.headers["Placement-Guard"]
    assert refused.json["errors"][0]["code"] == f"placement_guard.{rule}"
    assert real.bare.request(path, **given).status_int == bare


SERVED = [
    ("all is reserved", {"total": 8, "reserved": 8}, ""),
    ("min_unit above max_unit", {"total": 8, "min_unit": 5, "max_unit": 2}, "min_above_max"),
    ("step_size above total", {"total": 8, "step_size": 9}, "step_above_total"),
    ("a ratio of zero", {"total": 8, "allocation_ratio": 0}, "zero_ratio"),
    ("whole numbers as floats", {"total": 8.0, "reserved": 1.0}, ""),
]


@pytest.mark.parametrize("way", ["put", "reshape"])
@pytest.mark.parametrize(
    ("record", "warning"), [case[1:] for case in SERVED], ids=[case[0] for case in SERVED]
)
def test_what_is_questionable_is_served_with_a_warning(real, api, provider, record, warning, way):
    if way == "put":
        answer = real.guarded.put_json(
            f"/resource_providers/{provider}/inventories",
            inventories(VCPU=record),
            headers=api.headers(),
        )
    else:
        answer = real.guarded.post_json(
            "/reshaper", reshape(provider, {"VCPU": record}), headers=api.headers()
        )
    marked = answer.headers.get("Placement-Guard", "")
    expected = f'decision=warn, stage="invariants", rule="inventory.{warning}"' if warning else ""
    assert marked == expected


def test_an_empty_reshape_of_a_provider_is_served(real, api, provider):
    body = {"inventories": {provider: inventories()}, "allocations": {}}
    answer = real.guarded.post_json("/reshaper", body, headers=api.headers(), status=204)
    assert "Placement-Guard" not in answer.headers


@pytest.mark.parametrize("version", ["1.25", "1.26", "1.39"])
def test_what_placement_refuses_by_itself_it_refuses_in_its_order(real, api, provider, version):
    """A negative capacity with a stale generation is a 409, with a right one a 400."""
    path = f"/resource_providers/{provider}/inventories"
    for generation, status in ((0, 409), (1, 400)):
        body = {
            "resource_provider_generation": generation,
            "inventories": {"VCPU": {"total": 1, "reserved": 5}},
        }
        answers = [
            app.put_json(path, body, headers=api.headers(version), status=status)
            for app in (real.bare, real.guarded)
        ]
        details = [answer.json["errors"][0]["detail"] for answer in answers]
        assert details[0] == details[1]
