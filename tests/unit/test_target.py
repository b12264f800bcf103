"""What a write is about: every operation, at the first and the last microversion of each document."""

import pytest

from placement_guard.api.operations import LAST_VERSION, OPERATIONS
from placement_guard.target import KINDS, Target, UnreadableTargetError, held, same_uuid
from tests import policy_asking

A, B, C, D = (f"{n}0000000-0000-4000-8000-000000000000" for n in "abcd")
GENERATION = {"resource_provider_generation": 0}
ALLOCATED = {A: {"resources": {"VCPU": 2}}, B: {"resources": {"DISK_GB": 5}}}
LISTED = [
    {"resource_provider": {"uuid": provider}, "resources": item["resources"]}
    for provider, item in ALLOCATED.items()
]
WHO = {"project_id": "p", "user_id": "u"}
GENERATED = {**WHO, "consumer_generation": None}
TYPED = {**GENERATED, "consumer_type": "INSTANCE"}
PROVIDER = f"/resource_providers/{A}"

WRITES = {
    "POST /resource_classes": {"1.2": ({"name": "CUSTOM_A"},
                                       {"resource_classes": [("CUSTOM_A", ("name",))]})},
    "PUT /resource_classes/{name}": {
        "1.2": ({"name": "CUSTOM_B"},
                {"resource_classes": [("CUSTOM_A", ()), ("CUSTOM_B", ("name",))]}),
        "1.7": (None, {"resource_classes": [("CUSTOM_A", ())]}),
    },
    "DELETE /resource_classes/{name}": {"1.2": (None, {"resource_classes": [("CUSTOM_A", ())]})},
    "POST /resource_providers": {
        "1.0": ({"name": "n", "uuid": B}, {"providers": [(B, ("uuid",))]}),
        "1.14": ({"name": "n", "uuid": B, "parent_provider_uuid": A},
                 {"providers": [(B, ("uuid",))]}),
    },
    "PUT /resource_providers/{uuid}": {
        "1.0": ({"name": "n"}, {"providers": [(A, ())]}),
        "1.14": ({"name": "n", "parent_provider_uuid": B}, {"providers": [(A, ())]}),
    },
    "DELETE /resource_providers/{uuid}": {"1.0": (None, {"providers": [(A, ())]})},
    "POST /resource_providers/{uuid}/inventories": {
        "1.0": ({**GENERATION, "resource_class": "VCPU", "total": 1},
                {"providers": [(A, ())], "resource_classes": [("VCPU", ("resource_class",))]}),
    },
    "PUT /resource_providers/{uuid}/inventories": {
        version: ({**GENERATION, "inventories": {"VCPU": {"total": 1}}},
                  {"providers": [(A, ())], "resource_classes": [("VCPU", ("inventories", "VCPU"))]})
        for version in ("1.0", "1.26")
    },
    "DELETE /resource_providers/{uuid}/inventories": {"1.5": (None, {"providers": [(A, ())]})},
    "PUT /resource_providers/{uuid}/inventories/{resource_class}": {
        version: ({**GENERATION, "total": 1},
                  {"providers": [(A, ())], "resource_classes": [("VCPU", ())]})
        for version in ("1.0", "1.26")
    },
    "DELETE /resource_providers/{uuid}/inventories/{resource_class}": {
        "1.0": (None, {"providers": [(A, ())], "resource_classes": [("VCPU", ())]})
    },
    "PUT /resource_providers/{uuid}/aggregates": {
        "1.1": ([B], {"providers": [(A, ())], "aggregates": [(B, (0,))]}),
        "1.19": ({**GENERATION, "aggregates": [B]},
                 {"providers": [(A, ())], "aggregates": [(B, ("aggregates", 0))]}),
    },
    "PUT /resource_providers/{uuid}/traits": {
        "1.6": ({**GENERATION, "traits": ["CUSTOM_A"]},
                {"providers": [(A, ())], "traits": [("CUSTOM_A", ("traits", 0))]}),
    },
    "DELETE /resource_providers/{uuid}/traits": {"1.6": (None, {"providers": [(A, ())]})},
    "PUT /traits/{name}": {"1.6": (None, {"traits": [("CUSTOM_A", ())]})},
    "DELETE /traits/{name}": {"1.6": (None, {"traits": [("CUSTOM_A", ())]})},
    "DELETE /allocations/{consumer_uuid}": {"1.0": (None, {"consumers": [(C, ())]})},
}  # fmt: skip
"""A body, and what the write is about, by method and path and first microversion of the body."""


def of_consumer(at, who, mark=None):
    """What the allocations of ``ALLOCATED`` at a path are about."""
    found = {
        "consumers": [(C, at)],
        "providers": [(p, (*at, "allocations", p)) for p in ALLOCATED],
        "resource_classes": [
            (name, (*at, "allocations", p, "resources", name))
            for p, item in ALLOCATED.items()
            for name in item["resources"]
        ],
    }
    if "project_id" in who:
        found["projects"] = [("p", (*at, "project_id"))]
        found["users"] = [("u", (*at, "user_id"))]
    if "consumer_type" in who:
        found["consumer_types"] = [("INSTANCE", (*at, "consumer_type"))]
    return found


WRITES["PUT /allocations/{consumer_uuid}"] = {
    version: ({**who, "allocations": allocations}, of_consumer((), who))
    for version, who, allocations in (
        ("1.0", {}, LISTED), ("1.8", WHO, LISTED), ("1.12", WHO, ALLOCATED),
        ("1.28", GENERATED, ALLOCATED), ("1.34", GENERATED, ALLOCATED), ("1.38", TYPED, ALLOCATED),
    )
}  # fmt: skip
WRITES["POST /allocations"] = {
    version: ({C: {**who, "allocations": ALLOCATED}}, of_consumer((C,), who))
    for version, who in (("1.13", WHO), ("1.28", GENERATED), ("1.34", GENERATED), ("1.38", TYPED))
}


def of_reshape(who):
    found = of_consumer(("allocations", C), who)
    found["providers"] = [(D, ("inventories", D)), *found["providers"]]
    at = ("inventories", D, "inventories", "VGPU")
    found["resource_classes"] = [("VGPU", at), *found["resource_classes"]]
    return found


WRITES["POST /reshaper"] = {
    version: (
        {
            "inventories": {D: {**GENERATION, "inventories": {"VGPU": {"total": 1}}}},
            "allocations": {C: {**who, "allocations": ALLOCATED}},
        },
        of_reshape(who),
    )
    for version, who in (("1.30", GENERATED), ("1.34", GENERATED), ("1.38", TYPED))
}


def rows():
    """Each write at the first and the last microversion of its document."""
    for operation in OPERATIONS:
        if not operation.mutates or not operation.rule:
            continue
        name = f"{operation.method} {operation.path}"
        given = WRITES[name]
        firsts = sorted({tuple(map(int, v.split("."))) for v in given} | {operation.since}
                        | {first for first, _ in operation.bodies if first >= operation.since})  # fmt: skip
        for number, first in enumerate(firsts):
            last = (1, firsts[number + 1][1] - 1) if number + 1 < len(firsts) else LAST_VERSION
            chosen = max((v for v in given if tuple(map(int, v.split("."))) <= first),
                         key=lambda v: int(v[2:]))  # fmt: skip
            for version in {first, last}:
                yield pytest.param(operation, version, *given[chosen],
                                   id=f"{name} at {version[0]}.{version[1]}")  # fmt: skip


PATH = {"name": "CUSTOM_A", "uuid": A, "resource_class": "VCPU", "consumer_uuid": C}


@pytest.mark.parametrize(("operation", "version", "body", "about"), list(rows()))
def test_a_write_is_about_what_it_names_and_says_where(operation, version, body, about):
    path = operation.path.format(**PATH)
    asked = policy_asking.exchange(operation.method, path, body, f"{version[0]}.{version[1]}")
    target = Target(asked)
    assert target.operation == operation.name
    assert target.microversion == f"{version[0]}.{version[1]}"
    found = {kind: list(target.named(kind)) for kind in KINDS}
    assert {kind: pairs for kind, pairs in found.items() if pairs} == about
    assert {kind: target.values(kind) for kind in KINDS} == {
        kind: tuple(dict.fromkeys(value for value, _ in pairs)) for kind, pairs in found.items()
    }


def test_every_write_is_here():
    assert set(WRITES) == {f"{o.method} {o.path}" for o in OPERATIONS if o.mutates and o.rule}


def put(allocations, version="1.37", who=GENERATED):
    return Target(policy_asking.exchange("PUT", f"/allocations/{C}", {**who, "allocations": allocations}, version))  # fmt: skip


def test_amounts_are_added_over_consumers_and_providers():
    body = {C: {**GENERATED, "allocations": ALLOCATED},
            D: {**GENERATED, "allocations": {A: {"resources": {"VCPU": 40}}}}}  # fmt: skip
    target = Target(policy_asking.exchange("POST", "/allocations", body, "1.37"))
    assert target.amounts == {"VCPU": 42, "DISK_GB": 5}


RELEASES = [
    ("a DELETE", "DELETE", f"/allocations/{C}", None, True),
    ("a PUT of nothing", "PUT", f"/allocations/{C}", {**GENERATED, "allocations": {}}, True),
    ("a POST of nothing", "POST", "/allocations", {C: {**GENERATED, "allocations": {}}}, True),
    ("a PUT of something", "PUT", f"/allocations/{C}", {**GENERATED, "allocations": ALLOCATED}, False),
    ("a POST of something for one of two", "POST", "/allocations",
     {C: {**GENERATED, "allocations": {}}, D: {**GENERATED, "allocations": ALLOCATED}}, False),
    ("a reshape of nothing", "POST", "/reshaper",
     {"inventories": {A: {**GENERATION, "inventories": {}}}, "allocations": {}}, False),
    ("a provider that goes", "DELETE", PROVIDER, None, False),
]  # fmt: skip


@pytest.mark.parametrize("case", RELEASES, ids=[c[0] for c in RELEASES])
def test_a_release_is_told_from_other_writes(case):
    _, method, path, body, expected = case
    assert Target(policy_asking.exchange(method, path, body, "1.37")).is_release is expected


def odd(document, method="PUT", path=f"/allocations/{C}"):
    """A document that has passed because the rules about it are off."""
    body = {**GENERATED, "allocations": {}}
    if path == "/reshaper":
        body = {"inventories": {A: {**GENERATION, "inventories": {}}}, "allocations": {}}
    elif path.endswith("inventories"):
        body = {**GENERATION, "inventories": {}}
    elif path.endswith("traits"):
        body = {**GENERATION, "traits": []}
    elif path == "/allocations":
        body = {C: body}
    return Target(policy_asking.exchange(method, path, body, "1.37").extended(document=document))


ODD = [None, [], "text", 7, True, [[]], {"allocations": 7}, {"allocations": {A: 7}},
       {"allocations": {A: {"resources": 7}}}, {"allocations": [7]}, {"inventories": 7},
       {"inventories": {A: 7}}, {"inventories": {A: {"inventories": 7}}, "allocations": {}},
       {"inventories": {}}, {"traits": 7}, {"allocations": None, "inventories": None}]  # fmt: skip
PATHS = [("PUT", f"/allocations/{C}"), ("POST", "/allocations"), ("POST", "/reshaper"),
         ("PUT", f"{PROVIDER}/inventories"), ("PUT", f"{PROVIDER}/traits")]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PATHS, ids=[f"{m} {p}" for m, p in PATHS])
@pytest.mark.parametrize("document", ODD, ids=repr)
def test_a_document_of_any_shape_is_read_or_cannot_be_told(document, method, path):
    told = []
    for ask in (
        *(lambda target, kind=kind: target.values(kind) for kind in KINDS),
        *(lambda target, kind=kind: target.leaves_out(kind) for kind in KINDS),
        lambda target: target.amounts,
        lambda target: target.is_release,
        lambda target: target.inventories,
    ):
        try:
            ask(odd(document, method, path))
        except UnreadableTargetError as error:
            told.append(str(error))
    odd_to_all = document is None or not isinstance(document, dict)
    assert set(told) <= {
        "the document could not be read" if document is None
        else "the document is not as Placement's schema says",
        "the allocations are not as the schema says",
    }  # fmt: skip
    assert told or not odd_to_all


def test_a_document_that_is_missing_is_not_taken_for_an_empty_one():
    for method, path in PATHS:
        with pytest.raises(UnreadableTargetError, match="could not be read"):
            odd(None, method, path).values("resource_classes")


def test_a_provider_that_stands_there_twice_hides_nothing():
    twice = [*LISTED, {"resource_provider": {"uuid": A.upper()}, "resources": {"VGPU": 1}}]
    with pytest.raises(ValueError, match="twice"):
        held({"allocations": twice})
    with pytest.raises(UnreadableTargetError):
        put(twice, "1.11", WHO).values("resource_classes")
    with pytest.raises(UnreadableTargetError):
        put({**ALLOCATED, A.upper(): {"resources": {"VGPU": 1}}}).values("providers")


def test_all_spellings_of_a_uuid_are_one():
    assert same_uuid(A.upper()) == same_uuid(A) == same_uuid(A.replace("-", ""))
