"""nova giving back what it held: deletes, moves and their reverts.

Facts: openstack/nova at 33.0.0, nova/scheduler/client/report.py: delete_allocation_for_instance,
move_allocations, remove_provider_tree_from_instance_allocation,
_remove_resources_from_instance_allocation; nova/conductor/tasks/migrate.py. Of a refused release
nova warns or raises, but never sends it again: what was held is lost until an operator finds it.
"""

import pytest

SHARE = "b0000000-0000-4000-8000-000000000001"


@pytest.fixture
def moved(nova):
    """Two hosts, a disk that they share, and an instance on the first host and the disk."""

    def make(side):
        client = nova.Nova(side.adapter())
        made = {}
        for label, inventory in (
            ("source", {"VCPU": nova.inventory(4), "MEMORY_MB": nova.inventory(1024)}),
            ("target", {"VCPU": nova.inventory(4), "MEMORY_MB": nova.inventory(1024)}),
            ("disk", {"DISK_GB": nova.inventory(100, max_unit=50)}),
        ):
            made[label] = provider = side.id(label)
            client.create(provider, side.name(label))
            client.put(provider, "inventories", inventory, 0)
            client.put(provider, "aggregates", [SHARE], 1)
        client.put(made["disk"], "traits", [nova.SHARING], 2)
        instance, migration = side.id("instance"), side.id("migration")
        client.claim(instance, on(made, "source"))
        side.recorder.entries.clear()
        return client, made, instance, migration

    return make


def on(made, host):
    return {
        "allocations": {
            made[host]: {"resources": {"VCPU": 2, "MEMORY_MB": 512}},
            made["disk"]: {"resources": {"DISK_GB": 40}},
        }
    }


MOVE = ["GET 200", "GET 200", "POST 204"]
CLAIM = ["GET 200", "PUT 204"]


def usages(client, provider):
    return client.get(f"/resource_providers/{provider}/usages", "1.9").json()["usages"]


def test_an_instance_and_its_migration_hold_the_same_shared_disk(same, moved):
    def story(side):
        client, made, instance, migration = moved(side)
        read = [
            client.move(instance, migration),
            client.claim(instance, on(made, "target")),
        ]
        return read, usages(client, made["disk"])

    read = same(story, *MOVE, *CLAIM, "GET 200")
    assert read == (["claimed", "claimed"], {"DISK_GB": 80})


def test_a_move_that_is_confirmed_gives_the_source_back(same, moved):
    def story(side):
        client, made, instance, migration = moved(side)
        client.move(instance, migration)
        client.claim(instance, on(made, "target"))
        return client.release(migration), usages(client, made["disk"])

    read = same(story, *MOVE, *CLAIM, *CLAIM, "GET 200")
    assert read == ("released", {"DISK_GB": 40})


def test_a_move_that_is_reverted_overwrites_what_the_instance_held(same, moved):
    def story(side):
        client, made, instance, migration = moved(side)
        client.move(instance, migration)
        client.claim(instance, on(made, "target"))
        return client.move(migration, instance), usages(client, made["target"])

    read = same(story, *MOVE, *CLAIM, *MOVE, "GET 200")
    assert read == ("claimed", {"VCPU": 0, "MEMORY_MB": 0})


def test_an_evacuated_instance_gives_back_the_host_that_failed(same, moved):
    def story(side):
        client, made, instance, _ = moved(side)
        client.claim(instance, on(made, "target"))  # the two hosts together, the disk once
        client.get(f"/resource_providers?in_tree={made['source']}", "1.14")
        read = client.put_back(instance, lambda held: held.pop(made["source"]))
        return read, usages(client, made["disk"])

    read = same(story, *CLAIM, "GET 200", *CLAIM, "GET 200")
    assert read == ("claimed", {"DISK_GB": 40})


def test_an_instance_is_deleted_once(same, moved):
    def story(side):
        client, _, instance, _ = moved(side)
        return client.release(instance), client.release(instance)

    assert same(story, *CLAIM, "GET 200") == ("released", "nothing there")


def test_an_instance_is_deleted_by_force_once(same, moved):
    def story(side):
        client, _, instance, _ = moved(side)
        return client.force_release(instance), client.force_release(instance)

    assert same(story, "DELETE 204", "DELETE 404") == ("released", "nothing there")


WAYS = ["with nothing in its place", "by force", "to its migration"]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_used_beyond_the_inventory_is_given_back(same, nova, moved, way):
    def story(side):
        client, made, instance, migration = moved(side)
        shrunk = {"VCPU": nova.inventory(1), "MEMORY_MB": nova.inventory(1, reserved=1)}
        client.put(made["source"], "inventories", shrunk, 3)
        side.recorder.entries.clear()
        return {
            "with nothing in its place": lambda: client.release(instance),
            "by force": lambda: client.force_release(instance),
            "to its migration": lambda: client.move(instance, migration),
        }[way]()

    # That a move is refused where usage is above capacity is Placement's own word.
    steps, read = {
        "with nothing in its place": (CLAIM, "released"),
        "by force": (["DELETE 204"], "released"),
        "to its migration": ([*MOVE[:2], "POST 409"], "refused"),
    }[way]
    assert same(story, *steps) == read


@pytest.mark.parametrize("way", ["a release", "a move"])
def test_a_consumer_that_another_changed_is_told_as_ever(same, moved, way):
    def story(side):
        client, made, instance, migration = moved(side)

        def meanwhile():
            client.put_back(instance, lambda held: held.pop(made["source"]))

        if way == "a release":
            return client.release(instance, meanwhile)
        return client.move(instance, migration, meanwhile)

    expected = {
        "a release": (["GET 200", *CLAIM, "PUT 409"], "leaked"),
        "a move": (["GET 200", "GET 200", *CLAIM, "POST 409"], "stale"),
    }
    steps, read = expected[way]
    assert same(story, *steps) == read


def test_no_opinion_of_the_guard_keeps_a_release_back(cloud, real, api, nova, moved, tmp_path):
    """Even where an operator enforces every rule that is an opinion."""
    from placement.deploy import deploy
    from prometheus_client import CollectorRegistry

    from placement_guard.rules import RULES

    opinions = ",".join(f"{rule.id}:enforce" for rule in RULES if not rule.sound)
    conf = api.read_conf(api.write_conf(tmp_path, placement_guard={"rules": opinions}))
    strict = real.guard(deploy(conf), conf, registry=CollectorRegistry())
    side = cloud.side("guarded")
    client, made, instance, migration = moved(side)
    recorder = side.recorder
    before, recorder.application = recorder.application, strict
    try:
        read = [
            client.move(instance, migration),
            client.claim(instance, on(made, "target")),
            client.release(migration),
            client.force_release(instance),
        ]
    finally:
        recorder.application = before
    assert read == ["claimed", "claimed", "released", "released"]
