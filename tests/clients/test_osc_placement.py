"""The command line, through osc-placement's own session.

Facts: openstack/osc-placement 4.9, osc_placement/http.py (SessionClient), which runs here as it is:
of an error it shows the last line of the detail, and of a 406 it reads the highest microversion;
osc_placement/resources/*.py for what the commands send.
"""

import importlib.util

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore:The osc_lib.version module is deprecated:DeprecationWarning"
)

FILTER = {"service_type": "placement", "interface": "public"}


@pytest.fixture
def osc(api):
    """Makes the client that all commands share."""
    found = importlib.util.find_spec("osc_placement")
    api.require(found, "the extra [clients]: pip install 'placement-guard[clients]'")
    from osc_placement.http import SessionClient

    def make(side, version="1.39", roles="admin,service,member,reader", **headers):
        return SessionClient(side.session(roles, **headers), FILTER, version)

    return make


def shown(client, *args, **kwargs):
    """What the user sees of an error."""
    with pytest.raises(Exception, match="HTTP") as caught:
        client.request(*args, **kwargs)
    assert type(caught.value).__module__ == "osc_lib.exceptions"
    return str(caught.value)


@pytest.mark.parametrize("version", ["1.0", "1.14", "1.20", "1.39"])
def test_a_provider_is_made_shown_renamed_and_deleted(same, osc, version):
    def story(side):
        client = osc(side, version)
        name = {"name": side.name("host")}
        made = client.request("POST", "/resource_providers", json=name)
        path = "/resource_providers/" + made.headers["Location"].rsplit("/", 1)[1]
        client.request("GET", path)
        renamed = {"name": side.name("renamed")}
        return [
            client.request("PUT", path, json=renamed).status_code,
            client.request("DELETE", path).status_code,
        ]

    made = "POST 200" if version in {"1.20", "1.39"} else "POST 201"
    assert same(story, made, "GET 200", "PUT 200", "DELETE 204") == [200, 204]


def test_an_inventory_an_allocation_and_their_end_are_served(same, osc):
    def story(side):
        client = osc(side)
        provider, consumer, name = side.id("host"), side.id("consumer"), side.custom("A")
        at, of = f"/resource_providers/{provider}", f"/allocations/{consumer}"
        held = {
            "allocations": {provider: {"resources": {"VCPU": 1}}},
            "consumer_generation": None,
            "project_id": "p",
            "user_id": "u",
            "consumer_type": "INSTANCE",
        }
        inventories = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 8}}}
        one = {"resource_provider_generation": 1, "total": 16, "reserved": 16}
        client.request(
            "POST", "/resource_providers", json={"uuid": provider, "name": side.name("host")}
        )
        client.request("PUT", f"{at}/inventories", json=inventories)
        client.request("PUT", f"{at}/inventories/VCPU", json={**one, "reserved": 0})
        client.request("PUT", of, json=held)
        client.request("DELETE", of)
        client.request(
            "PUT", f"{at}/inventories/VCPU", json={**one, "resource_provider_generation": 3}
        )
        client.request("PUT", f"/traits/{name}")
        client.request("POST", "/resource_classes", json={"name": name})
        client.request("PUT", f"/resource_classes/{name}")

    steps = """POST 200, PUT 200, PUT 200, PUT 204, DELETE 204, PUT 200, PUT 201, POST 201,
        PUT 204"""
    same(story, *map(str.strip, steps.split(",")))


def test_aggregates_are_set_as_a_bare_list_below_1_19(same, osc):
    def story(side):
        client = osc(side, "1.18")
        provider = side.id("host")
        path = f"/resource_providers/{provider}"
        client.request(
            "POST", "/resource_providers", json={"uuid": provider, "name": side.name("host")}
        )
        return client.request("PUT", f"{path}/aggregates", json=[side.id("zone")]).json()

    assert len(same(story, "POST 201", "PUT 200")["aggregates"]) == 1


def test_the_highest_microversion_is_read_of_a_406(same, osc, monkeypatch):
    import osc_placement.version

    monkeypatch.setattr(osc_placement.version, "MAX_VERSION_NO_GAP", "1.99")

    def story(side):
        client = osc(side, "1")
        return client.api_version

    assert same(story, "GET 406") == "1.39"


def test_a_microversion_is_agreed_on(same, osc):
    assert same(lambda side: osc(side, "1").api_version, "GET 200") == "1.29"


CONFLICTS = [
    ("a stale generation", "PUT", "/inventories",
     {"resource_provider_generation": 9, "inventories": {}}, "generation conflict"),
    ("a resource class that nobody knows", "PUT", "/inventories",
     {"resource_provider_generation": 0, "inventories": {"CUSTOM_NOBODY_HAS": {"total": 1}}},
     "CUSTOM_NOBODY_HAS"),
    ("an inventory that is not there", "DELETE", "/inventories/VCPU", None, "VCPU"),
]  # fmt: skip


@pytest.mark.parametrize("case", CONFLICTS, ids=[case[0] for case in CONFLICTS])
def test_what_placement_says_is_shown_as_ever(same, osc, case):
    _, method, path, body, said = case

    def story(side):
        client = osc(side)
        provider = side.id("host")
        client.request(
            "POST", "/resource_providers", json={"uuid": provider, "name": side.name("host")}
        )
        given = {} if body is None else {"json": body}
        return shown(client, method, f"/resource_providers/{provider}{path}", **given)

    status = {"PUT": "409" if "stale" in case[0] else "400", "DELETE": "404"}[method]
    assert said in same(story, "POST 200", f"{method} {status}")


REFUSED = [
    ("a name with a NUL", "POST", "/resource_providers", {"name": "a\0b"},
     "json.nul_character", "$.name"),
    ("a ratio that is not a number", "PUT", "{p}/inventories/VCPU",
     {"resource_provider_generation": 0, "total": 1, "allocation_ratio": float("nan")},
     "json.not_finite", "$.allocation_ratio"),
    ("a consumer that is no UUID", "POST", "/allocations", {"-" * 36: {
        "allocations": {}, "project_id": "p", "user_id": "u", "consumer_generation": None,
        "consumer_type": "INSTANCE"}},
     "allocations.consumer_not_uuid", "----"),
]  # fmt: skip


@pytest.mark.parametrize("version", ["1.13", "1.39"], ids="at {}".format)
@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_the_line_shown_of_a_refusal_says_what_is_wrong_and_where(
    guarded, osc, refusal, case, version
):
    _, method, path, body, rule, where = case
    client = osc(guarded, version)
    path = path.format(p=f"/resource_providers/{guarded.id('host')}")
    if path.endswith("VCPU"):
        made = {"uuid": guarded.id("host"), "name": guarded.name("host")}
        client.request("POST", "/resource_providers", json=made)
    if path == "/allocations" and version == "1.13":
        body = {key: {k: v for k, v in held.items() if "consumer" not in k}
                for key, held in body.items()}  # fmt: skip
    said = shown(client, method, path, json=body)
    assert where in said
    assert said.removesuffix(" (HTTP 400)") == refusal.check(guarded.last, 400, rule)


def test_placements_own_words_are_shown_of_a_body_that_its_schema_refuses(cloud, osc):
    said = [
        shown(osc(cloud.side(host)), "POST", "/resource_providers", json={"name": 7})
        for host in ("bare", "guarded")
    ]
    assert said[0] == said[1]
    assert "JSON does not validate: 7 is not of type 'string'" in said[0]


def test_who_may_not_do_it_is_told_what(guarded, osc, refusal):
    said = shown(osc(guarded, roles="reader"), "DELETE", f"/allocations/{guarded.id('c')}")
    assert "placement:allocations:delete" in said
    refusal.check(guarded.last, 403, "policy.forbidden", code=refusal.placement)


def test_who_is_not_confirmed_is_told_so(guarded, osc, refusal):
    client = osc(guarded, **{"X-Identity-Status": "Invalid"})
    said = shown(client, "DELETE", f"/allocations/{guarded.id('c')}")
    assert "not confirmed" in said
    refusal.check(guarded.last, 401, "context.not_confirmed")


def test_a_body_that_is_too_large_is_shown_with_its_limit(small, osc, refusal):
    said = shown(osc(small), "POST", "/resource_providers", json={"name": "n" * 2000})
    assert "1024" in said
    refusal.check(small.last, 413, "body.too_large")
