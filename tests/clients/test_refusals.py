"""Every way in which the guard refuses, met by each request that writes, and read by its client.

The requests are those of the clients' own modules here, which say where they come from. Below 1.23
Placement gives no code; a refusal of the guard has one all the same, since nova, neutron-lib and
blazar index it, and it is never the one that they answer by sending again.
"""

import json

import pytest

CONSUMER = "c0000000-0000-4000-8000-000000000001"
MIGRATION = "c0000000-0000-4000-8000-000000000002"
PROVIDER = "d0000000-0000-4000-8000-000000000001"
AT = f"/resource_providers/{PROVIDER}"
ZONE = "a0000000-0000-4000-8000-000000000001"
WHOSE = {"project_id": "p", "user_id": "u", "consumer_generation": None}
HELD = {"allocations": {PROVIDER: {"resources": {"VCPU": 1}}}, **WHOSE}
NOTHING = {"allocations": {}, **WHOSE, "consumer_generation": 1}
INVENTORIES = {"VCPU": {"total": 8}}

# label, method, path, microversion, body, nova's way of reading it, what that is of a refusal
WITH_BODY = [
    ("nova's claim", "PUT", f"/allocations/{CONSUMER}", "1.36", HELD, "read_claim", "refused"),
    ("nova's move", "POST", "/allocations", "1.28", {CONSUMER: NOTHING, MIGRATION: HELD},
     "read_claim", "refused"),
    ("nova's release", "PUT", f"/allocations/{CONSUMER}", "1.28", NOTHING, "read_release",
     "leaked"),
    ("nova's provider", "POST", "/resource_providers", "1.20",
     {"uuid": PROVIDER, "name": "refused"}, "read_new_provider", "refused"),
    ("nova's inventories", "PUT", f"{AT}/inventories", "1.26",
     {"resource_provider_generation": 0, "inventories": INVENTORIES}, "read_inventory", "refused"),
    ("nova's traits", "PUT", f"{AT}/traits", "1.6",
     {"resource_provider_generation": 0, "traits": []}, "read_association", "refused"),
    ("nova's aggregates", "PUT", f"{AT}/aggregates", "1.19",
     {"resource_provider_generation": 0, "aggregates": [ZONE]}, "read_association", "refused"),
    ("nova's reshape", "POST", "/reshaper", "1.30",
     {"inventories": {PROVIDER: {"resource_provider_generation": 0, "inventories": INVENTORIES}},
      "allocations": {}}, "read_reshape", "stop"),
    ("neutron's inventory", "PUT", f"{AT}/inventories/VCPU", "1.37",
     {"resource_provider_generation": 0, "total": 1}, "read_inventory", "refused"),
    ("the segments plugin's inventories", "PUT", f"{AT}/inventories", "1.1",
     {"resource_provider_generation": 0, "inventories": INVENTORIES}, "read_inventory", "refused"),
    ("cyborg's inventories", "PUT", f"{AT}/inventories", None,
     {"resource_provider_generation": 0, "inventories": INVENTORIES}, "read_inventory", "refused"),
    ("blazar's resource class", "POST", "/resource_classes", "1.29", {"name": "CUSTOM_REFUSED"},
     "read_ensured", "refused"),
]  # fmt: skip
WITHOUT_BODY = [
    ("nova's release by force", "DELETE", f"/allocations/{CONSUMER}", None, None, "read_release",
     "leaked"),
    ("nova's resource class", "PUT", "/resource_classes/CUSTOM_REFUSED", "1.7", None,
     "read_ensured", "refused"),
    ("nova's trait", "PUT", "/traits/CUSTOM_REFUSED", "1.6", None, "read_ensured", "refused"),
    ("cyborg's end of a provider", "DELETE", AT, None, None, "read_ensured", "refused"),
    ("blazar's end of an inventory", "DELETE", f"{AT}/inventories/VCPU", "1.29", None,
     "read_ensured", "refused"),
]  # fmt: skip

BODY = {
    "cut off": (lambda text: text[:-1], 400, "json.malformed", "Malformed JSON"),
    "with a key that the schema does not know": (
        lambda text: text[:-1] + ', "surprise!": 1}', 400, "document.invalid", "surprise!"),
    "with a key twice": (
        lambda text: text[:-1] + ", " + text[1:], 400, "json.duplicate_key", "$"),
    "nested without end": (
        lambda text: '{"a": ' * 2000 + "1" + "}" * 2000, 400, "json.too_deep", "nested"),
    "too large": (lambda text: text + " " * 2000, 413, "body.too_large", "1024"),
}  # fmt: skip
OF_PLACEMENT = {"json.malformed", "document.invalid", "policy.forbidden"}


@pytest.fixture
def provider(guarded, nova):
    """A provider to write to: Placement looks it up before it looks at a body."""
    nova.Nova(guarded.adapter()).create(PROVIDER, "to be refused")


def refused(side, nova, refusal, case, content, status, rule, **adapter):
    """Send one request that is refused; returns the last line of the detail."""
    _, method, path, version, _, reader, expected = case
    given = {}
    if content is not None:
        given = {"data": content, "headers": {"Content-Type": "application/json"}}
    side.recorder.entries.clear()
    answer = side.adapter(**adapter).request(path, method, microversion=version, **given)
    assert getattr(nova, reader)(answer) == expected
    assert nova.error(answer)["code"]
    assert len(side.recorder.entries) == 1
    return refusal.check(
        side.last, status, rule, code=refusal.placement if rule in OF_PLACEMENT else None
    )


@pytest.mark.parametrize("bad", BODY)
@pytest.mark.parametrize("case", WITH_BODY, ids=[case[0] for case in WITH_BODY])
def test_a_body_is_refused_and_read_so(cloud, provider, nova, refusal, case, bad):
    damage, status, rule, said = BODY[bad]
    side = cloud.side("small" if rule == "body.too_large" else "guarded")
    content = damage(json.dumps(case[4]))
    assert said in refused(side, nova, refusal, case, content, status, rule)


EVERY = [*WITH_BODY, *WITHOUT_BODY]


@pytest.mark.parametrize("case", EVERY, ids=[case[0] for case in EVERY])
def test_who_may_not_is_refused_before_the_body_and_read_so(guarded, nova, refusal, case):
    content = None if case[4] is None else "{"
    last = refused(guarded, nova, refusal, case, content, 403, "policy.forbidden", roles="reader")
    assert "does not allow placement:" in last


@pytest.mark.parametrize("case", EVERY, ids=[case[0] for case in EVERY])
def test_who_is_not_confirmed_is_refused_and_read_so(guarded, nova, refusal, case):
    content = None if case[4] is None else json.dumps(case[4])
    headers = {"X-Identity-Status": "Invalid"}
    last = refused(
        guarded, nova, refusal, case, content, 401, "context.not_confirmed", headers=headers
    )
    assert last == "The identity of the user is not confirmed."


@pytest.mark.parametrize("case", WITH_BODY, ids=[case[0] for case in WITH_BODY])
def test_what_placement_refuses_too_has_its_status_and_its_last_line(cloud, provider, case):
    _, method, path, version, body, _, _ = case
    told = []
    for host in ("bare", "guarded"):
        side = cloud.side(host)
        given = {"data": json.dumps({**body, "surprise!": 1})}
        answer = side.adapter().request(
            path,
            method,
            microversion=version,
            headers={"Content-Type": "application/json"},
            **given,
        )
        error = answer.json()["errors"][0]
        last = error["detail"].split("\n")[-1].split("Failed validating")[0]
        told.append((answer.status_code, error["title"], last.strip()))
    assert told[0] == told[1]
