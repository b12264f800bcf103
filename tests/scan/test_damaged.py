"""Each kind of damage is found, and nothing else; the API is used where it lets the damage in."""

import pytest

from placement_guard.scan.kinds import KINDS


def overcommitted(cloud):
    # An inventory may be shrunk below its usage.
    cloud.inventories("compute-1", {"VCPU": {"total": 2}, "MEMORY_MB": {"total": 4096}})


def more_than_closed(cloud):
    cloud.held("node", cloud.named("instance-moved"), 1, "CUSTOM_BAREMETAL_GOLD")


def row_twice(cloud):
    """No client sees a second row for the same consumer; sums have it."""
    cloud.held("compute-1", cloud.named("instance-1"), 2)


def reshape(cloud, provider, **record):
    """A reshape checks no capacity; nova-compute sends them."""
    uuid = cloud.named(provider)
    generation = cloud.ask("GET", f"/resource_providers/{uuid}")["generation"]
    inventories = {
        "resource_provider_generation": generation,
        "inventories": {"VCPU": {"total": 10, **record}},
    }
    cloud.ask("POST", "/reshaper", {"inventories": {uuid: inventories}, "allocations": {}})


def no_inventory(cloud):
    cloud.sql(
        "DELETE FROM inventories WHERE resource_provider_id ="
        " (SELECT id FROM resource_providers WHERE uuid = :uuid)",
        uuid=cloud.named("compute-1"),
    )


def no_consumer(cloud):
    cloud.sql("DELETE FROM consumers WHERE uuid = :uuid", uuid=cloud.named("instance-1"))


def no_user(cloud):
    cloud.sql("DELETE FROM users WHERE external_id = 'user-1'")


def no_provider(cloud):
    """What is left of a claim that met the deletion of its provider."""
    cloud.sql(
        "UPDATE allocations SET resource_provider_id = 999 WHERE consumer_id = :consumer"
        " AND resource_provider_id = (SELECT id FROM resource_providers WHERE uuid = :provider)",
        consumer=cloud.named("instance-2"),
        provider=cloud.named("compute-2"),
    )


def unknown_class(cloud):
    cloud.sql(
        "UPDATE allocations SET resource_class_id = 9999 WHERE consumer_id = :consumer",
        consumer=cloud.named("instance-old"),
    )


def parent_missing(cloud):
    cloud.sql("PRAGMA foreign_keys = OFF")
    cloud.sql(
        "UPDATE resource_providers SET parent_provider_id = 999 WHERE uuid = :uuid",
        uuid=cloud.named("compute-0-numa"),
    )


def root_missing(cloud):
    """The middle of a tree is not listed any more; its child is, and so is its parent."""
    cloud.sql(
        "UPDATE resource_providers SET root_provider_id = 999 WHERE uuid = :uuid",
        uuid=cloud.named("compute-0-numa"),
    )
    cloud.release("instance-nested")


def other_root(cloud):
    cloud.sql(
        "UPDATE resource_providers SET root_provider_id ="
        " (SELECT id FROM resource_providers WHERE uuid = :other) WHERE uuid = :uuid",
        other=cloud.named("compute-1"),
        uuid=cloud.named("compute-0-port"),
    )


def circle(cloud):
    cloud.sql(
        "UPDATE resource_providers SET parent_provider_id ="
        " (SELECT id FROM resource_providers WHERE uuid = :parent) WHERE uuid = :uuid",
        parent=cloud.named("compute-0-numa"),
        uuid=cloud.named("compute-0"),
    )


def renamed(table, old, new, column="name"):
    def damage(cloud):
        cloud.sql(f"UPDATE {table} SET {column} = :new WHERE {column} = :old", new=new, old=old)

    return damage


def reidentified(cloud):
    new = "4e8e5957\n1b[31m"
    cloud.sql(
        "UPDATE resource_providers SET uuid = :new WHERE uuid = :old",
        new=new,
        old=cloud.named("empty"),
    )


def twice_over(cloud):
    """An evacuated instance, whose source never came back to clean up."""
    flavor = {"VCPU": 1, "MEMORY_MB": 64}
    cloud.claim("evacuated", {"compute-1": flavor, "compute-2": flavor})


def spelt(cloud):
    cloud.claim("", {"compute-1": {"VCPU": 1}}, odd=cloud.named("instance-3").upper())


def migration(cloud):
    cloud.claim(
        "migrated",
        {"compute-3": {"VCPU": 2, "MEMORY_MB": 512}, "storage": {"DISK_GB": 20}},
        user="user-2",
        kind="MIGRATION",
    )


def inventory(**values):
    return lambda cloud: cloud.inventory("compute-1", values)


SOLE = "Rechenzentrum Zürich 🌍 'quoted' \"=1\""

DAMAGE = {
    "an inventory shrunk below its usage": (
        overcommitted, [("usage.above_capacity", "compute-1", "VCPU")]),
    "a node in use twice": (
        more_than_closed, [("usage.above_capacity", "node", "CUSTOM_BAREMETAL_GOLD")]),
    "an allocation that stands twice": (
        row_twice,
        [("allocation.no_consumer", "compute-1", "VCPU"),
         ("allocation.no_provider", None, "VCPU")]),
    "a reshape with more reserved than there is": (
        lambda cloud: reshape(cloud, SOLE, reserved=11),
        [("inventory.negative_capacity", SOLE, "VCPU")]),
    "a reshape with a negative ratio": (
        lambda cloud: reshape(cloud, SOLE, allocation_ratio=-1.5),
        [("inventory.negative_ratio", SOLE, "VCPU")]),
    "two negatives that make a capacity": (
        lambda cloud: reshape(cloud, SOLE, allocation_ratio=-1.5, reserved=20),
        [("inventory.negative_ratio", SOLE, "VCPU")]),
    "a capacity that is rounded to zero": (
        lambda cloud: reshape(cloud, SOLE, allocation_ratio=0.5, reserved=11),
        [("inventory.reserved_above_total", SOLE, "VCPU")]),
    "a negative capacity in use": (
        inventory(reserved=100),
        [("inventory.negative_capacity", "compute-1", "VCPU"),
         ("usage.above_capacity", "compute-1", "VCPU")]),
    "an infinite ratio": (
        inventory(allocation_ratio=float("inf")),
        [("inventory.not_finite", "compute-1", "VCPU")]),
    "a text where a number belongs": (
        inventory(max_unit="many"), [("inventory.not_finite", "compute-1", "VCPU")]),
    "a ratio of zero": (
        lambda cloud: reshape(cloud, SOLE, allocation_ratio=0),
        [("inventory.zero_ratio", SOLE, "VCPU")]),
    "min_unit above max_unit": (
        inventory(min_unit=3, max_unit=2), [("inventory.min_above_max", "compute-1", "VCPU")]),
    "step_size above total": (
        inventory(step_size=33), [("inventory.step_above_total", "compute-1", "VCPU")]),
    "step_size above total and within the capacity": (inventory(step_size=32), []),
    "usage without inventory": (
        no_inventory,
        [("allocation.no_inventory", "compute-1", "VCPU"),
         ("allocation.no_inventory", "compute-1", "MEMORY_MB")]),
    "usage without a consumer": (
        no_consumer,
        [("allocation.no_consumer", "compute-1", "VCPU"),
         ("allocation.no_consumer", "compute-1", "MEMORY_MB"),
         ("allocation.no_consumer", "storage", "DISK_GB")]),
    "usage of a user who is not known": (
        no_user,
        [("allocation.no_consumer", "compute-1", "VCPU"),
         ("allocation.no_consumer", "compute-1", "MEMORY_MB"),
         ("allocation.no_consumer", "storage", "DISK_GB"),
         ("allocation.no_provider", None, "VCPU"),
         ("allocation.no_provider", None, "MEMORY_MB"),
         ("allocation.no_provider", None, "DISK_GB")]),
    "usage without a provider": (
        no_provider,
        [("allocation.no_provider", None, "VCPU"), ("allocation.no_provider", None, "MEMORY_MB")]),
    "an amount of zero": (
        lambda cloud: cloud.held("compute-1", cloud.named("instance-nested"), 0),
        [("allocation.not_positive", "compute-1", "VCPU")]),
    "a consumer of 36 dashes": (
        lambda cloud: cloud.claim("", {"compute-1": {"VCPU": 1}}, odd="-" * 36),
        [("consumer.not_uuid", "compute-1", None)]),
    "a consumer that no path can name": (
        lambda cloud: [cloud.claim("", {"compute-1": {"VCPU": 1}}, odd="-" * 36),
                       *(cloud.sql(f"UPDATE {table} SET {column} = '../x' WHERE {column} = :old",
                                   old="-" * 36)
                         for table, column in (("consumers", "uuid"), ("allocations", "consumer_id")))],
        [("consumer.not_uuid", "compute-1", None)]),
    "a class that is not known": (
        unknown_class, [("read.fails", "compute-1", None)]),
    "a parent that is missing": (
        parent_missing, [("provider.broken_tree", "compute-0-numa", None)]),
    "a root that is missing": (
        root_missing, [("provider.broken_tree", "compute-0-port", None)]),
    "a root that is another's": (
        other_root,
        [("provider.broken_tree", "compute-0-port", None)]),
    "a provider among its own ancestors": (
        circle,
        [("provider.broken_tree", "compute-0", None),
         ("provider.broken_tree", "compute-0-numa", None)]),
    "a provider that is no UUID": (
        reidentified, [("provider.not_uuid", "4e8e5957\n1b[31m", None)]),
    "a NUL in the name of a provider": (
        renamed("resource_providers", "empty", "emp\0ty"),
        [("name.control_character", "empty", None)]),
    "a line break behind the name of a trait": (
        renamed("traits", "CUSTOM_A_1", "CUSTOM_A_1\n"), [("name.control_character", None, None)]),
    "a resource class in lower case": (
        renamed("resource_classes", "CUSTOM_BAREMETAL_GOLD", "custom gold"),
        [("name.pattern", None, None)]),
    "an escape in the id of a project": (
        renamed("projects", "other", "\x1b]0;x\x07", "external_id"),
        [("name.control_character", "instance-nested", None)]),
    "a direction override in the id of a user": (
        renamed("users", "user-1", "\u202euser", "external_id"),
        [("name.control_character", "instance-1", None)]),
    "a consumer type in lower case": (
        lambda cloud: [cloud.sql("INSERT INTO consumer_types (name) VALUES ('instance')"),
                       cloud.sql("UPDATE consumers SET consumer_type_id = (SELECT id FROM"
                                 " consumer_types WHERE name = 'instance') WHERE uuid = :uuid",
                                 uuid=cloud.named("instance-2"))],
        [("name.pattern", "instance-2", None)]),
    "an instance on two hosts": (twice_over, [("consumer.two_trees", "evacuated", None)]),
    "a UUID in two spellings": (spelt, [("consumer.two_spellings", None, None)]),
    "a migration that was left": (migration, [("consumer.migration", "migrated", None)]),
}  # fmt: skip
"""By what it is: how it is done, and what is found, by the name of a provider or a consumer."""


def test_every_kind_is_among_them():
    found = {kind for _, findings in DAMAGE.values() for kind, *_ in findings}
    assert found == set(KINDS) - {"consumer.twins"}  # which has a test of its own


@pytest.mark.parametrize("what", DAMAGE)
def test_it_is_found_and_nothing_else(cloud, what):
    damage, expected = DAMAGE[what]
    damage(cloud)
    done = cloud.scan()
    names = {cloud.named(name): name for _, name, _ in expected if name}
    # What is there twice is told of the first in the order of their letters.
    two = [f for f in done.findings if f["kind"] == "consumer.two_spellings"]
    for finding in two:
        assert finding["consumer"].lower() == cloud.named("instance-3")
        finding["consumer"] = None
    found = [
        (f["kind"], names.get(p := f["provider"] or f["consumer"], p), f["resource_class"])
        for f in done.findings
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert done.code == (1 if expected else 0)
    assert done.summary["complete"]
    # What cannot be read is missing in the sums.
    partly = what in {"a class that is not known", "a consumer that no path can name"}
    assert list(done.summary["not_checked"]) == (["allocation.no_provider"] if partly else [])
    assert bool(done.err) == partly
    assert done.summary["found"] == {k: [f[0] for f in expected].count(k) for k, *_ in expected}


@pytest.mark.parametrize("concurrency", ["1", "32"])
def test_all_at_once_in_any_number_of_threads(cloud, concurrency):
    for name in ("an inventory shrunk below its usage", "a reshape with a negative ratio",
                 "a node in use twice", "usage without a provider", "a migration that was left",
                 "a parent that is missing", "an escape in the id of a project"):  # fmt: skip
        DAMAGE[name][0](cloud)
    expected = cloud.scan("--concurrency", "8").findings
    assert len(expected) == 8, expected
    assert cloud.scan("--concurrency", concurrency).findings == expected


# What the sentences say ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("an inventory shrunk below its usage",
         "3 of VCPU are in use, 2 is the capacity (total 2, reserved 0, allocation_ratio 1.0)"),
        ("usage without a provider",
         "project demo uses 3072 of MEMORY_MB, of which 2560 are held by its consumers"),
        ("an infinite ratio", "VCPU: allocation_ratio is inf"),
        ("a parent that is missing", "it has no parent, but its root is {compute-0}"),
        ("an amount of zero", "consumer {instance-nested} holds 0 of VCPU"),
        ("an instance on two hosts",
         "it holds MEMORY_MB, VCPU in several trees, on {compute-1}, {compute-2}"),
        ("a migration that was left",
         "a migration holds 20 DISK_GB, 512 MEMORY_MB, 2 VCPU on {compute-3},{storage}; so does"),
    ],
    ids=lambda value: value if value in DAMAGE else "",
)  # fmt: skip
def test_the_sentence_has_the_numbers(cloud, what, told):
    DAMAGE[what][0](cloud)
    names = ("compute-0", "compute-1", "compute-2", "compute-3", "storage", "instance-2",
             "instance-nested")  # fmt: skip
    for name in names:
        told = told.replace(f"{{{name}}}", cloud.named(name))
    said = [finding["what"] for finding in cloud.scan().findings]
    assert any(text.startswith(told) for text in said), said


def test_a_value_that_json_cannot_tell_is_told_as_text(cloud):
    cloud.inventory("compute-1", {"allocation_ratio": float("-inf")})
    (finding,) = cloud.scan().findings
    assert finding["values"]["allocation_ratio"] == "-inf"


def test_many_alike_say_nothing_of_a_migration(cloud):
    held = {"compute-3": {"VCPU": 1}}
    for number in range(4):
        cloud.claim(f"alike-{number}", held, user="same")
    cloud.claim("migrated", held, user="same", kind="MIGRATION")
    (finding,) = cloud.scan().findings
    assert finding["what"].endswith("; so do more than 3 others of the same user")
    assert finding["values"]["twins"] == ""


def test_twins_are_looked_for_only_where_they_are_named(cloud):
    """An untyped instance and its untyped migration: what nova writes today."""
    assert cloud.found("--only", "consumer") == set()
    found = cloud.found("--only", "consumer.twins")
    pair = sorted(map(cloud.named, ("instance-moved", "migration")))
    assert found == {("consumer.twins", pair[0], None)}
    # A third one like them, and it is a flavor that the user likes.
    cloud.claim("third", {"compute-1": {"VCPU": 2, "MEMORY_MB": 512}}, user="mover", kind=None)
    assert cloud.found("--only", "consumer.twins") == set()


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (["usage.above_capacity"], {"usage.above_capacity"}),
        (["inventory"], {"inventory.zero_ratio"}),
        (["suspicious"], {"inventory.zero_ratio", "consumer.two_trees"}),
        (["inventory", "consumer"], {"inventory.zero_ratio", "consumer.two_trees"}),
        (["name"], set()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_only_what_is_asked_for_is_found(cloud, only, kinds):
    twice_over(cloud)
    overcommitted(cloud)
    reshape(cloud, SOLE, allocation_ratio=0)
    words = [word for kind in only for word in ("--only", kind)]
    assert {kind for kind, *_ in cloud.found(*words)} == kinds


def test_only_one_provider(cloud):
    twice_over(cloud)
    overcommitted(cloud)
    parent_missing(cloud)
    no_consumer(cloud)
    done = cloud.scan("--provider", cloud.named("compute-2"))
    assert [f["kind"] for f in done.findings] == ["consumer.two_trees"]
    done = cloud.scan("--provider", cloud.named("compute-0-numa"))
    assert [f["kind"] for f in done.findings] == ["provider.broken_tree"]
    assert done.code == 1
