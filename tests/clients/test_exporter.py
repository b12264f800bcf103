"""What only reads: openstack-exporter, and a load balancer's probe.

Facts: openstack-exporter/openstack-exporter at 2.0.0-alpha, exporters/placement.go: all providers,
then of each its inventories, its usages and its allocations, through gophercloud and without a
microversion. kolla-ansible and others probe ``GET /`` without a token.
"""

import pytest

GOPHERCLOUD = {
    "User-Agent": "openstack-exporter/2.0.0 gophercloud/v2.8.0",
    "Accept": "application/json",
    "X-Auth-Token": "admin",
}


@pytest.fixture
def used(real, nova, cloud):
    """A provider with an inventory and something that uses it."""
    side = cloud.side("bare")
    client = nova.Nova(side.adapter())
    provider = side.id("host")
    client.create(provider, side.name("host"))
    client.put(provider, "inventories", {"VCPU": nova.inventory(8)}, 0)
    assert client.claim(side.id("instance"), nova.resources(provider, VCPU=3)) == "claimed"
    return provider


def read(real, path, headers):
    """The answers of both, which read the same."""
    answers = [app.get(path, headers=headers) for app in (real.bare, real.guarded)]
    for answer in answers:
        # Of the moment, and of the request.
        for name in ("x-openstack-request-id", "last-modified"):
            answer.headers.pop(name, None)
    return answers


READS = [
    "/resource_providers",
    "/resource_providers/{p}/inventories",
    "/resource_providers/{p}/usages",
    "/resource_providers/{p}/allocations",
]


@pytest.mark.parametrize("version", [None, "1.39"], ids=["unversioned", "at 1.39"])
@pytest.mark.parametrize("path", READS)
def test_what_is_exported_is_read_byte_for_byte(real, used, path, version):
    headers = dict(GOPHERCLOUD)
    if version:
        headers["OpenStack-API-Version"] = f"placement {version}"
    bare, guarded = read(real, path.format(p=used), headers)
    assert guarded.status == bare.status == "200 OK"
    assert guarded.body == bare.body
    assert dict(guarded.headers) == dict(bare.headers)
    assert "Placement-Guard" not in guarded.headers


def test_usage_is_exported_as_it_is(real, used):
    _, guarded = read(real, f"/resource_providers/{used}/usages", GOPHERCLOUD)
    assert guarded.json["usages"] == {"VCPU": 3}


@pytest.mark.parametrize("accept", ["", "*/*", "text/html"], ids="accepting {!r}".format)
def test_a_probe_without_a_token_is_answered(real, accept):
    bare, guarded = read(real, "/", {"Accept": accept} if accept else {})
    assert guarded.status == bare.status == "200 OK"
    assert guarded.body == bare.body
    assert "Placement-Guard" not in guarded.headers
