"""cyborg's conductor and API: a provider for each device, its traits, its inventory.

Facts: openstack/cyborg at 16.0.0.0rc1, cyborg/common/placement_client.py (PlacementClient) and
cyborg/conductor/manager.py. cyborg names a microversion only here and there, so that most of its
inventories go out as 1.0; it raises for a 5xx, and of a 4xx it takes the body for what it asked.
"""

import pytest


class Cyborg:
    """Its requests, and its way of reading them."""

    def __init__(self, adapter):
        self.adapter = adapter

    def send(self, method, path, body=None, version=None):
        given = {} if body is None else {"json": body}
        answer = self.adapter.request(path, method, microversion=version, **given)
        if answer.status_code >= 500:
            raise RuntimeError("Placement failed")
        return answer

    def provider(self, provider):
        return self.send("GET", f"/resource_providers/{provider}").json()

    def ensure_provider(self, provider, name, parent=None):
        if self.send("GET", f"/resource_providers/{provider}", version="1.6").status_code != 200:
            body = {"uuid": provider, "name": name}
            if parent is not None:
                body["parent_provider_uuid"] = parent
            self.send("POST", "/resource_providers", body, "1.20")

    def ensure_class(self, name):
        return self.send("PUT", f"/resource_classes/{name}", version="1.7").ok

    def add_traits(self, provider, names):
        for name in names:
            if not self.send("GET", f"/traits/{name}", version="1.6"):
                assert self.send("PUT", f"/traits/{name}", version="1.6").status_code == 201
        has = self.send("GET", f"/resource_providers/{provider}/traits", version="1.6").json()
        return self.put_traits(provider, sorted({*has["traits"], *names}))

    def put_traits(self, provider, names):
        generation = self.provider(provider)["generation"]
        body = {"resource_provider_generation": generation, "traits": names}
        path = f"/resource_providers/{provider}/traits"
        return self.send("PUT", path, body, "1.6").status_code

    def put_inventory(self, provider, inventories, version=None, generation=None):
        """The answer's body, whatever it is: nothing looks at the status."""
        if generation is None:
            generation = self.provider(provider)["generation"]
        body = {"resource_provider_generation": generation, "inventories": inventories}
        path = f"/resource_providers/{provider}/inventories"
        return self.send("PUT", path, body, version).json()

    def tree(self, provider):
        found = self.send("GET", f"/resource_providers?in_tree={provider}", version="1.14")
        return found.json()["resource_providers"]

    def delete(self, path, version=None):
        return self.send("DELETE", path, version=version).status_code


def of_device(total):
    """What the conductor gives; the rest is left to Placement's defaults."""
    return {"total": total, "max_unit": total}


@pytest.fixture
def device():
    """Makes the provider of a device with one accelerator."""

    def make(side):
        client = Cyborg(side.adapter())
        provider = side.id("device")
        client.ensure_provider(provider, side.name("device"))
        client.put_inventory(provider, {"FPGA": of_device(1)})
        side.recorder.entries.clear()
        return client, provider

    return make


def test_a_device_is_reported_below_its_host(same):
    def story(side):
        client = Cyborg(side.adapter())
        host, provider = side.id("host"), side.id("device")
        own, trait = side.custom("ACCELERATOR_FPGA"), side.custom("FPGA_INTEL")
        client.ensure_provider(host, side.name("host"))
        client.ensure_provider(provider, side.name("device"), host)
        client.ensure_class(own)
        client.put_inventory(provider, {own: of_device(1)})
        client.add_traits(provider, [trait])
        return len(client.tree(host))

    steps = """GET 404, POST 200, GET 404, POST 200, PUT 201, GET 200, PUT 200, GET 404, PUT 201,
        GET 200, GET 200, PUT 200, GET 200"""
    assert same(story, *map(str.strip, steps.split(","))) == 2


def test_a_device_that_is_disabled_is_reserved_whole(same, device):
    def story(side):
        client, provider = device(side)
        put = [
            client.put_inventory(provider, {"FPGA": {"total": 1, "reserved": reserved}}, "1.26")
            for reserved in (1, 0)
        ]
        return [read["inventories"]["FPGA"]["reserved"] for read in put]

    assert same(story, *["GET 200", "PUT 200"] * 2) == [1, 0]


def test_a_device_that_goes_takes_its_traits_and_its_class_with_it(same, device):
    def story(side):
        client, provider = device(side)
        trait, own = side.custom("FPGA_INTEL"), side.custom("ACCELERATOR")
        client.ensure_class(own)
        client.add_traits(provider, [trait])
        return [
            client.put_traits(provider, []),
            client.delete(f"/traits/{trait}", "1.6"),
            client.delete(f"/resource_providers/{provider}"),
            # Unversioned, and so below 1.2, where there are no resource classes: cyborg logs it.
            client.delete(f"/resource_classes/{own}"),
        ]

    steps = """PUT 201, GET 404, PUT 201, GET 200, GET 200, PUT 200, GET 200, PUT 200, DELETE 204,
        DELETE 204, DELETE 404"""
    assert same(story, *map(str.strip, steps.split(","))) == [200, 204, 204, 404]


def test_a_stale_generation_is_lost_as_ever(same, device):
    def story(side):
        client, provider = device(side)
        return "errors" in client.put_inventory(provider, {"FPGA": of_device(2)}, generation=0)

    assert same(story, "PUT 409") is True


def test_a_device_that_is_reserved_whole_below_1_26_is_refused_by_placement(same, device):
    def story(side):
        client, provider = device(side)
        return "errors" in client.put_inventory(provider, {"FPGA": {"total": 1, "reserved": 1}})

    assert same(story, "GET 200", "PUT 400") is True


BAD = [
    ("an inventory without a total", {"FPGA": {"max_unit": 1}}, "document.invalid",
     "'total' is a required property"),
    ("a resource class in small letters", {"fpga": {}}, "inventory.unmatched_class", "fpga"),
    ("a ratio that is not a number", {"FPGA": {"total": 1, "allocation_ratio": float("nan")}},
     "json.not_finite", "allocation_ratio"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_a_refusal_does_not_raise_and_is_sent_once(guarded, device, refusal, case):
    _, bad, rule, said = case
    client, provider = device(guarded)
    read = client.put_inventory(provider, bad)
    assert read["errors"][0]["code"]  # at 1.0, where Placement itself gives none
    code = refusal.placement if rule == "document.invalid" else None
    assert said in refusal.check(guarded.last, 400, rule, code=code)
    assert [str(entry) for entry in guarded.recorder.entries] == ["GET 200", "PUT 400"]
