"""ironic's nodes, as nova-compute's driver for them reports them.

Facts: openstack/nova at 33.0.0, nova/virt/ironic/driver.py (update_provider_tree): one unit of a
resource class of the node's own, reserved whole while the node is in use or in maintenance. It goes
out with the requests of nova-compute; see nova.py.
"""

import pytest


def node(nova, *, reserved):
    return nova.inventory(1, reserved=int(reserved))


@pytest.fixture
def baremetal(nova):
    """Makes a node that is free."""

    def make(side):
        client = nova.Nova(side.adapter())
        provider, own = side.id("node"), side.custom("BAREMETAL_GOLD")
        client.create(provider, side.id("node"))  # a node is named by its UUID
        client.ensure_class(own)
        client.put(provider, "inventories", {own: node(nova, reserved=False)}, 0)
        side.recorder.entries.clear()
        return client, provider, own

    return make


def test_a_node_is_reserved_whole_and_given_back(same, nova, baremetal):
    def story(side):
        client, provider, own = baremetal(side)
        return [
            client.put(provider, "inventories", {own: node(nova, reserved=reserved)}, generation)
            for generation, reserved in ((1, True), (2, False))
        ]

    assert same(story, "PUT 200", "PUT 200") == ["updated", "updated"]


def test_a_node_in_use_is_reserved_and_its_instance_goes(same, nova, baremetal):
    def story(side):
        client, provider, own = baremetal(side)
        instance = side.id("instance")
        return [
            client.claim(instance, nova.resources(provider, **{own: 1})),
            client.put(provider, "inventories", {own: node(nova, reserved=True)}, 2),
            client.release(instance),
        ]

    steps = ["GET 200", "PUT 204", "PUT 200", "GET 200", "PUT 204"]
    assert same(story, *steps) == ["claimed", "updated", "released"]


def test_a_node_that_is_reserved_is_no_candidate_and_takes_no_claim(same, nova, baremetal):
    def story(side):
        client, provider, own = baremetal(side)
        client.put(provider, "inventories", {own: node(nova, reserved=True)}, 1)
        found = client.candidates(f"resources={own}%3A1")
        return found, client.claim(side.id("instance"), nova.resources(provider, **{own: 1}))

    assert same(story, "PUT 200", "GET 200", "GET 200", "PUT 409") == ([], "refused")


def test_a_node_without_a_resource_class_of_its_own_has_no_inventory(same, baremetal):
    def story(side):
        client, provider, _ = baremetal(side)
        return client.put(provider, "inventories", {}, 1)

    assert same(story, "PUT 200") == "updated"


def test_nodes_are_moved_to_their_own_class_by_a_reshape(same, nova, baremetal):
    def story(side):
        client, provider, own = baremetal(side)
        instance = side.id("instance")
        client.claim(instance, nova.resources(provider, **{own: 1}))
        moved = side.custom("BAREMETAL_SILVER")
        client.ensure_class(moved)
        held = client.allocations(instance)
        held["allocations"] = {provider: {"resources": {moved: 1}}}
        inventories = {
            provider: {
                "inventories": {moved: node(nova, reserved=False)},
                "resource_provider_generation": client.generation(provider),
            }
        }
        return client.reshape(inventories, {instance: held})

    steps = ["GET 200", "PUT 204", "PUT 201", "GET 200", "GET 200", "POST 204"]
    assert same(story, *steps) == "reshaped"


def test_the_reshape_of_a_node_that_is_reserved_and_in_use_is_served(same, nova, baremetal):
    def story(side):
        client, provider, own = baremetal(side)
        instance = side.id("instance")
        client.claim(instance, nova.resources(provider, **{own: 1}))
        client.put(provider, "inventories", {own: node(nova, reserved=True)}, 2)
        inventories = {
            provider: {
                "inventories": {own: node(nova, reserved=True)},
                "resource_provider_generation": 3,
            }
        }
        return client.reshape(inventories, {instance: client.allocations(instance)})

    # What is used is no more than before, and no more than the inventory allowed then.
    steps = ["GET 200", "PUT 204", "PUT 200", "GET 200", "POST 204"]
    assert same(story, *steps, warned="reshape.exceeds_inventory") == "reshaped"


def test_a_resource_class_that_was_not_made_ready_is_refused(guarded, nova, baremetal, refusal):
    client, provider, _ = baremetal(guarded)
    bad = {"custom_baremetal.gold": {"total": "1"}}
    assert client.put(provider, "inventories", bad, 1) == "refused"
    assert "baremetal.gold" in refusal.check(guarded.last, 400, "inventory.unmatched_class")
