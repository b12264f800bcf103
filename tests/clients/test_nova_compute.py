"""nova-compute: the flush of its ProviderTree, and the reshape.

Facts: openstack/nova at 33.0.0, nova/scheduler/client/report.py: _ensure_resource_provider,
_refresh_associations, set_inventory_for_provider, set_traits_for_provider,
set_aggregates_for_provider, _ensure_resource_classes, _reshape, _delete_provider. A reshape that is
answered anything but 409 ``placement.concurrent_update`` stops nova-compute when it starts.
"""

import pytest

ZONE = "a0000000-0000-4000-8000-000000000001"


@pytest.fixture
def host(nova):
    """Makes a host with VGPUs in its root provider, as before a reshape."""

    def make(side):
        client = nova.Nova(side.adapter())
        provider = side.id("host")
        client.create(provider, side.name("host"))
        client.put(provider, "inventories", old(nova), 0)
        side.recorder.entries.clear()
        return client, provider

    return make


def old(nova):
    return {"VCPU": nova.inventory(8, allocation_ratio=4.0), "VGPU": nova.inventory(4)}


def test_a_new_host_with_a_child_is_flushed(same, nova):
    def story(side):
        client = nova.Nova(side.adapter())
        root, child = side.id("root"), side.id("child")
        own, gold = side.custom("PGPU"), side.custom("GOLD")
        read = [client.get(f"/resource_providers?in_tree={root}", "1.14").json()]
        read += [
            client.create(root, side.name("root")),
            client.create(child, side.name("child"), parent=root),
            client.ensure_class(own),
            client.put(child, "inventories", {own: nova.inventory(1)}, 0),
            client.put(child, "aggregates", [], 1),
            client.put(
                root,
                "inventories",
                {
                    "VCPU": nova.inventory(8, allocation_ratio=16.0, reserved=1),
                    "MEMORY_MB": nova.inventory(16000, allocation_ratio=1.5, reserved=512),
                    "DISK_GB": nova.inventory(100, step_size=5, allocation_ratio=0.9),
                },
                0,
            ),
            client.put(root, "aggregates", [ZONE], 1),
            client.ensure_traits(["COMPUTE_NODE", "HW_CPU_X86_AVX2", gold]),
            client.put(root, "traits", ["COMPUTE_NODE", "HW_CPU_X86_AVX2", gold], 2),
        ]
        return read

    steps = """GET 200, POST 200, POST 200, PUT 201, PUT 200, PUT 200, PUT 200, PUT 200, GET 200,
        PUT 201, PUT 200"""
    read = same(story, *map(str.strip, steps.split(",")))
    assert read[1:] == [
        "created", "created", "ensured", "updated", "updated", "updated", "updated",
        ["ensured"], "updated",
    ]  # fmt: skip


def test_a_known_host_is_read_afresh(same, nova, host):
    def story(side):
        client, provider = host(side)
        at = f"/resource_providers/{provider}"
        client.put(provider, "aggregates", [ZONE], 1)
        sharing = f"/resource_providers?member_of=in:{ZONE}&required={nova.SHARING}"
        found = [
            client.get(f"/resource_providers?in_tree={provider}", "1.14"),
            client.get(f"{at}/inventories"),
            client.get(f"{at}/aggregates", "1.19"),
            client.get(f"{at}/traits", "1.6"),
            client.get(sharing, "1.18"),
        ]
        return [answer.status_code for answer in found]

    assert same(story, "PUT 200", *["GET 200"] * 5) == [200] * 5


def test_a_host_gives_up_its_inventory_traits_and_aggregates_and_goes(same, nova, host):
    def story(side):
        client, provider = host(side)
        read = [
            client.put(provider, what, nothing, client.generation(provider))
            for what, nothing in (("traits", []), ("aggregates", []), ("inventories", {}))
        ]
        return read, [client.delete(provider), client.delete(provider)]

    steps = [*["GET 200", "PUT 200"] * 3, "DELETE 204", "DELETE 404"]
    assert same(story, *steps) == (["updated"] * 3, [204, 404])


def test_a_resource_class_and_a_trait_that_exist_are_ensured_again(same, nova):
    def story(side):
        client = nova.Nova(side.adapter())
        name = side.custom("AGAIN")
        return [client.ensure_class(name), client.ensure_class(name)] + [
            nova.read_ensured(client.send("PUT", f"/traits/{name}", version="1.6"))
            for _ in range(2)
        ]

    assert same(story, "PUT 201", "PUT 204", "PUT 201", "PUT 204") == ["ensured"] * 4


def test_inventory_below_its_usage_is_taken(same, nova, host):
    def story(side):
        client, provider = host(side)
        client.claim(side.id("instance"), nova.resources(provider, VCPU=6))
        return client.put(provider, "inventories", {**old(nova), "VCPU": nova.inventory(2)}, 2)

    assert same(story, "GET 200", "PUT 204", "PUT 200") == "updated"


def test_all_of_an_inventory_is_reserved(same, nova, host):
    def story(side):
        client, provider = host(side)
        return client.put(provider, "inventories", {"VCPU": nova.inventory(8, reserved=8)}, 1)

    assert same(story, "PUT 200") == "updated"


STALE = ["inventories", "traits", "aggregates"]


@pytest.mark.parametrize("what", STALE)
def test_a_stale_generation_is_driven_again(same, nova, host, what):
    values = {"inventories": old(nova), "traits": ["COMPUTE_NODE"], "aggregates": [ZONE]}

    def story(side):
        client, provider = host(side)
        return client.put(provider, what, values[what], 0)

    assert same(story, "PUT 409") == "stale"


def test_inventory_in_use_is_told(same, nova, host):
    def story(side):
        client, provider = host(side)
        client.claim(side.id("instance"), nova.resources(provider, VGPU=1))
        return client.put(provider, "inventories", {"VCPU": nova.inventory(8)}, 2)

    assert same(story, "GET 200", "PUT 204", "PUT 409") == "in use"


def test_a_provider_that_another_made_is_told_from_a_name_that_is_taken(same, nova, host):
    def story(side):
        client, provider = host(side)
        return [
            client.create(provider, side.name("another name")),
            client.create(side.id("another"), side.name("host")),
        ]

    assert same(story, "POST 409", "POST 409") == ["exists", "refused"]


def test_a_provider_in_use_stays(same, nova, host):
    def story(side):
        client, provider = host(side)
        client.claim(side.id("instance"), nova.resources(provider, VCPU=1))
        return client.delete(provider)

    assert same(story, "GET 200", "PUT 204", "DELETE 409") == 409


@pytest.fixture
def moving(nova, host):
    """Makes what nova-compute sends to move VGPUs from the root to a child that it has made."""

    def make(side, *, used=2):
        client, provider = host(side)
        child = side.id("child")
        instance = side.id("instance")
        if used:
            client.claim(instance, nova.resources(provider, VCPU=1, VGPU=used))
        client.create(child, side.name("child"), parent=provider)
        inventories = {
            provider: {
                "inventories": {"VCPU": old(nova)["VCPU"]},
                "resource_provider_generation": 2 if used else 1,
            },
            child: {
                "inventories": {"VGPU": nova.inventory(4)},
                "resource_provider_generation": 0,
            },
        }
        allocations = {}
        if used:
            # As it was read, with the generations of providers in it, and edited in place.
            allocations[instance] = client.allocations(instance)
            held = allocations[instance]["allocations"]
            del held[provider]["resources"]["VGPU"]
            held[child] = {"resources": {"VGPU": used}}
        side.recorder.entries.clear()
        return client, provider, child, inventories, allocations

    return make


def test_a_reshape_moves_what_is_used(same, nova, moving):
    def story(side):
        client, provider, child, inventories, allocations = moving(side)
        read = client.reshape(inventories, allocations)
        usages = [
            client.get(f"/resource_providers/{each}/usages", "1.9").json()["usages"]
            for each in (provider, child)
        ]
        return read, usages

    read, usages = same(story, "POST 204", "GET 200", "GET 200")
    assert (read, usages) == ("reshaped", [{"VCPU": 1}, {"VGPU": 2}])


def test_a_reshape_on_a_host_without_instances_is_served(same, moving):
    def story(side):
        client, _, _, inventories, allocations = moving(side, used=0)
        assert allocations == {}
        return client.reshape(inventories, allocations)

    assert same(story, "POST 204") == "reshaped"


def test_a_reshape_that_empties_a_provider_to_be_removed_is_served(same, nova, moving):
    def story(side):
        client, provider, child, inventories, allocations = moving(side, used=0)
        client.reshape(inventories, allocations)
        back = {
            each: {"inventories": wanted, "resource_provider_generation": client.generation(each)}
            for each, wanted in ((provider, old(nova)), (child, {}))
        }
        return client.reshape(back, {}), client.delete(child)

    steps = ["POST 204", "GET 200", "GET 200", "POST 204", "DELETE 204"]
    assert same(story, *steps) == ("reshaped", 204)


def test_a_reshape_of_a_host_that_uses_more_than_it_has_is_served(same, nova, moving):
    def story(side):
        client, provider, _, inventories, allocations = moving(side)
        instance = side.id("instance")
        del inventories[side.id("child")], allocations[instance]["allocations"][side.id("child")]
        fewer = {"VCPU": nova.inventory(8), "VGPU": nova.inventory(1, max_unit=4)}
        client.put(provider, "inventories", fewer, 2)
        inventories[provider] = {"inventories": fewer, "resource_provider_generation": 3}
        allocations[instance]["allocations"][provider]["resources"]["VGPU"] = 2
        return client.reshape(inventories, allocations)

    # Usage gets no worse: Placement takes it, and so must the guard, be it with a warning.
    read = same(story, "PUT 200", "POST 204", warned="reshape.exceeds_inventory")
    assert read == "reshaped"


def test_a_reshape_that_meets_another_state_is_driven_again(same, moving):
    def story(side):
        client, provider, _, inventories, allocations = moving(side)
        inventories[provider]["resource_provider_generation"] -= 1
        return client.reshape(inventories, allocations)

    assert same(story, "POST 409") == "again"


def test_a_reshape_without_room_stops_as_it_would_before_a_bare_placement(same, nova, moving):
    def story(side):
        client, _, child, inventories, allocations = moving(side)
        held = allocations[side.id("instance")]["allocations"]
        held[child]["resources"]["VGPU"] = 3
        inventories[child]["inventories"]["VGPU"] = nova.inventory(2, max_unit=4)
        return client.reshape(inventories, allocations)

    assert same(story, "POST 409", warned="reshape.exceeds_inventory") == "stop"


BAD_INVENTORIES = [
    ("a ratio that is not a number", {"VCPU": {"total": 8, "allocation_ratio": float("nan")}},
     "json.not_finite", "VCPU.allocation_ratio"),
    ("a ratio below zero", {"VCPU": {"total": 8, "reserved": 9, "allocation_ratio": -1.0}},
     "inventory.negative_ratio", "allocation_ratio"),
    ("a resource class in small letters", {"vgpu": {}},
     "inventory.unmatched_class", "vgpu"),
    ("a resource class with a dash", {"CUSTOM_A-B": {"total": None}},
     "inventory.unmatched_class", "CUSTOM_A-B"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD_INVENTORIES, ids=[case[0] for case in BAD_INVENTORIES])
def test_an_inventory_that_would_do_damage_is_refused_and_says_why(
    guarded, nova, host, refusal, case
):
    _, bad, rule, said = case
    client, provider = host(guarded)
    assert client.put(provider, "inventories", bad, 1) == "refused"
    assert said in refusal.check(guarded.last, 400, rule)


@pytest.mark.parametrize("case", BAD_INVENTORIES, ids=[case[0] for case in BAD_INVENTORIES])
def test_a_reshape_that_would_do_damage_stops_nova_compute_and_says_why(
    guarded, nova, moving, refusal, case
):
    _, bad, rule, said = case
    client, provider, _, inventories, allocations = moving(guarded, used=0)
    inventories[provider]["inventories"] = bad
    assert client.reshape(inventories, allocations) == "stop"
    assert said in refusal.check(guarded.last, 400, rule)
