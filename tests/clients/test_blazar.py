"""blazar: a provider for the reservations of each host, a resource class for each reservation.

Facts: openstack/blazar at 17.0.0, blazar/utils/openstack/placement.py (BlazarPlacementClient) and
blazar/plugins/flavor/flavor_plugin.py. The microversion is the number 1.29, all that is read comes
with it, and an inventory is read and put back up to five times.
"""

import pytest

VERSION = 1.29
ATTEMPTS = 5


class Blazar:
    """Its requests, and its way of reading them; ``meanwhile`` comes between read and write."""

    def __init__(self, adapter):
        self.adapter = adapter

    def send(self, method, path, body=None, version=VERSION):
        given = {} if body is None else {"json": body}
        return self.adapter.request(path, method, microversion=version, **given)

    def provider(self, name):
        found = self.send("GET", f"/resource_providers?name={name}").json()["resource_providers"]
        return found[0]["uuid"] if found else None

    def create(self, name, **given):
        answer = self.send("POST", "/resource_providers", {"name": name, **given})
        if answer.ok:
            return answer.json()["uuid"]
        return "conflict" if answer.status_code == 409 else "failed"

    def create_class(self, name):
        return self.send("POST", "/resource_classes", {"name": name}).ok

    def reserve(self, provider, name, number, *, more=False, meanwhile=None, record=None):
        path = f"/resource_providers/{provider}/inventories"
        for _ in range(ATTEMPTS):
            body = self.send("GET", path).json()
            if more and name in body["inventories"]:
                body["inventories"][name]["total"] += number
            else:
                body["inventories"][name] = record or {
                    "total": number,
                    "reserved": 0,
                    "min_unit": 1,
                    "max_unit": 1,
                    "step_size": 1,
                    "allocation_ratio": 1.0,
                }
            if meanwhile is not None:
                meanwhile()
            answer = self.send("PUT", path, body)
            if answer.ok:
                return "reserved"
            if answer.status_code != 409:
                return "failed"
            if answer.json()["errors"][0]["code"] != "placement.concurrent_update":
                return "failed"
        return "given up"

    def delete(self, path):
        return self.send("DELETE", path).ok


@pytest.fixture
def host():
    """Makes a host, and below it the provider of its reservations."""

    def make(side):
        client = Blazar(side.adapter())
        parent = client.create(side.name("host"))
        provider = client.create(f"blazar_{side.name('host')}", parent_provider_uuid=parent)
        name = side.custom("RESERVATION")
        client.create_class(name)
        side.recorder.entries.clear()
        return client, provider, name

    return make


def test_a_reservation_is_made_extended_and_taken_back(same, host):
    def story(side):
        client, provider, name = host(side)
        read = [
            client.reserve(provider, name, 1),
            client.reserve(provider, name, 2, more=True),
            client.delete(f"/resource_providers/{provider}/inventories/{name}"),
            client.delete(f"/resource_classes/{name}"),
        ]
        found = client.provider(f"blazar_{side.name('host')}")
        return [*read, found == provider, client.delete(f"/resource_providers/{provider}")]

    steps = [*["GET 200", "PUT 200"] * 2, "DELETE 204", "DELETE 204", "GET 200", "DELETE 204"]
    assert same(story, *steps) == ["reserved", "reserved", True, True, True, True]


def test_hosts_are_found_by_what_they_have(same):
    def story(side):
        client = Blazar(side.adapter())
        trait = side.custom("NONE")
        client.send("PUT", f"/traits/{trait}")
        query = f"resources=VCPU:1&required={trait}"
        found = client.send("GET", f"/resource_providers?{query}", version="1.22")
        return found.json()["resource_providers"]

    assert same(story, "PUT 201", "GET 200") == []


def test_a_host_that_exists_is_a_conflict(same, host):
    def story(side):
        client, _, name = host(side)
        return client.create(side.name("host")), client.create_class(name)

    assert same(story, "POST 409", "POST 409") == ("conflict", False)


@pytest.mark.parametrize("times", [1, ATTEMPTS], ids=["once", "for ever"])
def test_another_write_in_between_is_met_again(same, host, times):
    def story(side):
        client, provider, name = host(side)
        other = Blazar(side.adapter())
        left = [1] * times

        def meanwhile():
            if left:
                other.reserve(provider, "VCPU", left.pop())

        return client.reserve(provider, name, 1, meanwhile=meanwhile)

    lost = ["GET 200", "GET 200", "PUT 200", "PUT 409"]
    if times == 1:
        assert same(story, *lost, "GET 200", "PUT 200") == "reserved"
    else:
        assert same(story, *lost * ATTEMPTS) == "given up"


BAD = [
    ("a negative number of instances", {"total": -1}, "document.invalid", "less than the minimum"),
    ("a ratio that is not a number", {"total": 1, "allocation_ratio": float("nan")},
     "json.not_finite", "allocation_ratio"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_a_refused_reservation_is_not_sent_again(guarded, host, refusal, case):
    _, record, rule, said = case
    client, provider, name = host(guarded)
    assert client.reserve(provider, name, 1, record=record) == "failed"
    code = refusal.placement if rule == "document.invalid" else None
    assert said in refusal.check(guarded.last, 400, rule, code=code)
    assert [str(entry) for entry in guarded.recorder.entries] == ["GET 200", "PUT 400"]


def test_a_refused_name_is_no_conflict(guarded, refusal):
    client = Blazar(guarded.adapter())
    assert client.create("a\0b") == "failed"
    assert "name" in refusal.check(guarded.last, 400, "json.nul_character")
    assert client.create_class("CUSTOM_A-B") is False
    refusal.check(guarded.last, 400, "document.invalid", code=refusal.placement)
