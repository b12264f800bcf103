"""Every mutating operation, at every microversion at which its document changes: a valid body is
accepted and invalid ones are refused, by a bare and by a guarded Placement alike.

The cases are made from the operation table, so that no operation can be forgotten.
"""

import itertools
import json
import re
import uuid

import pytest
import webob

from placement_guard.api.operations import LAST_VERSION, OPERATIONS

CLASS = "VCPU"
CUSTOM = itertools.count()


def identifier():
    return str(uuid.uuid4())


class World:
    """What a case needs to be there before, made through a bare Placement."""

    def __init__(self, app, headers):
        self.app = app
        self.headers = headers
        self.uuid = identifier()
        self.consumer = identifier()
        self.name = f"CUSTOM_CASE_{next(CUSTOM)}"
        self.app.post_json(
            "/resource_providers", {"name": self.uuid, "uuid": self.uuid}, headers=headers
        )
        self.generation = 0

    def with_inventory(self):
        self.app.put_json(
            f"/resource_providers/{self.uuid}/inventories",
            {"resource_provider_generation": 0, "inventories": {CLASS: {"total": 8}}},
            headers=self.headers,
        )
        self.generation = 1
        return self

    def with_class(self):
        self.app.put(f"/resource_classes/{self.name}", headers=self.headers)
        return self


def keyed(world, version):
    body = {
        "allocations": {world.uuid: {"resources": {CLASS: 2}}},
        "project_id": "project",
        "user_id": "user",
    }
    if version >= (1, 28):
        body["consumer_generation"] = None
    if version >= (1, 34):
        body["mappings"] = {"": [world.uuid], "_NET1": [world.uuid]}
    if version >= (1, 38):
        body["consumer_type"] = "INSTANCE"
    return body


def put_allocations(world, version):
    if version >= (1, 12):
        return keyed(world, version)
    entry = {"resource_provider": {"uuid": world.uuid}, "resources": {CLASS: 2}}
    body = {"allocations": [entry]}
    if version >= (1, 8):
        body |= {"project_id": "project", "user_id": "user"}
    return body


RECORD = {"total": 8, "reserved": 1, "min_unit": 1, "max_unit": 4, "step_size": 1}


def aggregates(world, version):
    if version < (1, 19):
        return [identifier(), identifier()]
    return {"aggregates": [identifier()], "resource_provider_generation": world.generation}


def inventories(world):
    return {
        "resource_provider_generation": world.generation,
        "inventories": {CLASS: {**RECORD, "allocation_ratio": 1.5}, "DISK_GB": {"total": 5}},
    }


# What must be there before, and the valid body, for each operation that reads one.
VALID = {
    ("POST", "/resource_classes"): (World, lambda w, v: {"name": w.name}),
    ("PUT", "/resource_classes/{name}"): (
        lambda *a: World(*a).with_class(),
        lambda w, v: {"name": f"{w.name}_NEW"},
    ),
    ("POST", "/resource_providers"): (
        World,
        lambda w, v: (
            {"name": identifier(), "uuid": identifier()}
            | ({"parent_provider_uuid": w.uuid} if v >= (1, 14) else {})
        ),
    ),
    ("PUT", "/resource_providers/{uuid}"): (
        World,
        lambda w, v: (
            {"name": identifier()} | ({"parent_provider_uuid": None} if v >= (1, 14) else {})
        ),
    ),
    ("POST", "/resource_providers/{uuid}/inventories"): (
        World,
        lambda w, v: {**RECORD, "resource_class": CLASS},
    ),
    ("PUT", "/resource_providers/{uuid}/inventories"): (World, lambda w, v: inventories(w)),
    ("PUT", "/resource_providers/{uuid}/inventories/{resource_class}"): (
        lambda *a: World(*a).with_inventory(),
        lambda w, v: {**RECORD, "resource_provider_generation": w.generation},
    ),
    ("PUT", "/resource_providers/{uuid}/aggregates"): (World, aggregates),
    ("PUT", "/resource_providers/{uuid}/traits"): (
        World,
        lambda w, v: {"traits": ["HW_CPU_X86_AVX2"], "resource_provider_generation": 0},
    ),
    ("POST", "/allocations"): (
        lambda *a: World(*a).with_inventory(),
        lambda w, v: {w.consumer: keyed(w, v), identifier(): keyed(w, v)},
    ),
    ("PUT", "/allocations/{consumer_uuid}"): (
        lambda *a: World(*a).with_inventory(),
        put_allocations,
    ),
    ("POST", "/reshaper"): (
        lambda *a: World(*a).with_inventory(),
        lambda w, v: {
            "inventories": {w.uuid: inventories(w)},
            "allocations": {w.consumer: keyed(w, v)},
        },
    ),
}


def without_first_key(body):
    if isinstance(body, list):
        return {}
    (key, value), *rest = body.items()
    # A whole consumer may be missing; what it must say of itself may not.
    return {key: without_first_key(value), **dict(rest)} if "-" in key else dict(rest)


def first_leaf_wrong(body):
    """The body with its first scalar replaced by what is never valid there."""
    if isinstance(body, dict) and body:
        key = next(iter(body))
        return {**body, key: first_leaf_wrong(body[key])}
    if isinstance(body, list) and body:
        return [first_leaf_wrong(body[0]), *body[1:]]
    return {"not": "this"}


def with_unknown_key(body):
    return {**body, "unknown": 1} if isinstance(body, dict) else [*body, 1]


# Each makes an invalid body: bytes, or data for JSON.
INVALID = {
    "of another type": lambda body: "text",
    "empty object": lambda body: {},
    "null": lambda body: None,
    "first key missing": without_first_key,
    "unknown key at the root": with_unknown_key,
    "first leaf of another type": first_leaf_wrong,
    "truncated": lambda body: json.dumps(body).encode()[:-1],
    "no bytes at all": lambda body: b"",
    "not UTF-8": lambda body: json.dumps(body).encode()[:-1] + b"\xff}",
    "UTF-16": lambda body: json.dumps(body).encode("utf-16"),
    "with a byte order mark": lambda body: b"\xef\xbb\xbf" + json.dumps(body).encode(),
    "trailing data": lambda body: json.dumps(body).encode() + b" {}",
}


def _cases():
    for operation in OPERATIONS:
        for (first, document), following in itertools.zip_longest(
            operation.bodies, operation.bodies[1:]
        ):
            if document is None:
                continue
            last = LAST_VERSION if following is None else (1, following[0][1] - 1)
            for version in dict.fromkeys((first, last)):
                label = f"{operation.method} {operation.path} {version[0]}.{version[1]}"
                yield pytest.param(operation, version, id=label)


CASES = list(_cases())


def test_every_operation_with_a_body_has_cases():
    with_body = {(o.method, o.path) for o in OPERATIONS if o.bodies}
    assert with_body == set(VALID)


class Asked:
    def __init__(self, app, operation, version, api):
        self.app, self.operation = app, operation
        self.api, self.version = api, version

    def __call__(self, world, body, **headers):
        path = self.operation.path.format(
            uuid=world.uuid,
            name=world.name,
            consumer_uuid=world.consumer,
            resource_class=CLASS,
        )
        version = f"{self.version[0]}.{self.version[1]}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.app.request(
            path,
            method=self.operation.method,
            body=content,
            headers=self.api.headers(version, **{"Content-Type": "application/json", **headers}),
            expect_errors=True,
        )


def comparable(answer, world):
    """Status, code and wording, with what differs between two worlds made equal."""
    if not answer.body:
        return answer.status_int, None, None
    error = answer.json["errors"][0] if answer.status_int >= 400 else {}
    detail = error.get("detail", "")
    return answer.status_int, error.get("code"), kept(detail.replace(world.name, "NAME"))


def kept(detail):
    """The lines of a wording that a guard keeps; identifiers made equal."""
    detail = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", detail)
    sentence, failed, rest = detail.partition("  Failed validating ")
    place = rest.partition("On instance")[2].partition(":     ")[0]
    return sentence, failed + rest.partition(":     ")[0], place


@pytest.mark.parametrize(("operation", "version"), CASES)
def test_a_valid_body_is_accepted_bare_and_guarded(real, api, operation, version):
    make, valid = VALID[operation.method, operation.path]
    answers = []
    for app in (real.bare, real.guarded):
        world = make(real.bare, api.headers())
        ask = Asked(app, operation, version, api)
        answer = ask(world, valid(world, version))
        answers.append(answer.status_int)
        assert "Placement-Guard" not in answer.headers
    assert answers[0] == answers[1]
    assert answers[0] in (200, 201, 204)


@pytest.mark.parametrize("how", INVALID)
@pytest.mark.parametrize(("operation", "version"), CASES)
def test_an_invalid_body_is_refused_bare_and_guarded_alike(real, api, operation, version, how):
    make, valid = VALID[operation.method, operation.path]
    answers = []
    for app in (real.bare, real.guarded):
        world = make(real.bare, api.headers())
        ask = Asked(app, operation, version, api)
        answer = ask(world, INVALID[how](valid(world, version)))
        answers.append((answer, comparable(answer, world)))
    (bare, told), (guarded, said) = answers
    assert bare.status_int == 400
    assert (said[0], said[2]) == (told[0], told[2])
    assert 'decision=reject, stage="document"' in guarded.headers["Placement-Guard"]
    # The code is always there; Placement has it from 1.23 on.
    assert said[1] == "placement.undefined_code"
    assert told[1] == (said[1] if version >= (1, 23) else None)


@pytest.mark.parametrize(
    ("operation", "version"), [case for case in CASES if "{uuid}" in case.values[0].path]
)
def test_our_400_comes_before_the_404_only_where_the_table_says_so(real, api, operation, version):
    """A bad body for a provider that is not there."""
    told = []
    for app in (real.bare, real.guarded):
        world = World(real.bare, api.headers())
        world.uuid = identifier()
        told.append(Asked(app, operation, version, api)(world, {"not": "this"}).status_int)
    exception = operation.provider_first and not operation.provider_asked
    assert told == ([404, 400] if exception else [told[0], told[0]])
    assert (told[0] == 404) is operation.provider_first


@pytest.mark.parametrize(("operation", "version"), CASES)
def test_another_content_type_is_refused_alike(real, api, operation, version):
    make, valid = VALID[operation.method, operation.path]
    told = []
    for app in (real.bare, real.guarded):
        world = make(real.bare, api.headers())
        ask = Asked(app, operation, version, api)
        answer = ask(world, valid(world, version), **{"Content-Type": "text/plain"})
        told.append((answer.status_int, answer.json["errors"][0]["detail"]))
    assert told[0] == told[1]
    assert told[0][0] == 415


@pytest.mark.parametrize("given", [None, "", ";application/json", "  ", "text/<b>plain"])
def test_an_odd_content_type_is_refused_in_the_same_words(real, api, given):
    """The sentence quotes the header, and Placement names one that is missing."""
    told = []
    for app in (real.bare, real.guarded):
        request = webob.Request.blank("/resource_providers", method="POST", headers=api.headers())
        request.environ.pop("CONTENT_TYPE", None)
        if given is not None:
            request.environ["CONTENT_TYPE"] = given
        answer = request.get_response(app.app)
        told.append((answer.status_int, answer.json["errors"][0]["detail"]))
    assert told[0] == told[1]
    assert told[0][0] == 415


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/xml"])
def test_a_missing_provider_is_told_in_whatever_format_is_asked_for(real, api, accept):
    told = []
    for app in (real.bare, real.guarded):
        answer = app.put_json(
            f"/resource_providers/{identifier()}/aggregates",
            {"not": "this"},
            headers=api.headers(Accept=accept),
            expect_errors=True,
        )
        told.append((answer.status_int, answer.content_type, kept(answer.text)))
    assert told[0] == told[1]
    assert told[0][0] == 404


@pytest.mark.parametrize("scope", [{"OpenStack-System-Scope": "all"}, {"X-Domain-Id": "d"}])
def test_a_token_of_another_scope_is_refused_in_the_same_words(real, api, scope):
    told = []
    for app in (real.bare, real.guarded):
        answer = app.post_json(
            "/resource_providers", {"name": "x"}, headers=api.headers(**scope), expect_errors=True
        )
        told.append((answer.status_int, answer.json["errors"][0]["detail"]))
    assert told[0] == told[1]
    assert told[0][0] == 403
