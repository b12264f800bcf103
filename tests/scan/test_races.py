"""What changes while it is scanned is no damage; and damage stays damage whatever changes."""

import itertools

FLAVOR = {"VCPU": 2, "MEMORY_MB": 512}


def test_a_provider_that_is_deleted_before_it_is_looked_at(cloud):
    path = f"/resource_providers/{cloud.named('empty')}"
    cloud.between.before(f"{path}/inventories", lambda: cloud.ask("DELETE", path))
    done = cloud.scan()
    assert (done.code, done.findings) == (0, [])
    assert (done.summary["gone"], done.summary["providers"]) == (1, 9)


def test_a_provider_that_is_deleted_between_two_reads_of_it(cloud):
    path = f"/resource_providers/{cloud.named('empty')}"
    cloud.between.before(f"{path}/usages", lambda: cloud.ask("DELETE", path))
    done = cloud.scan()
    assert (done.code, done.findings, done.summary["gone"]) == (0, [], 1)


def test_a_provider_that_is_deleted_before_the_second_look(cloud):
    path = f"/resource_providers/{cloud.named('empty')}"
    cloud.inventories("empty", {"VCPU": {"total": 1}})

    def gone():
        cloud.sql("DELETE FROM allocations WHERE consumer_id = :c", c=cloud.named("nobody"))
        cloud.ask("DELETE", path)

    # Seen in use, and gone a moment later.
    cloud.between.before(f"{path}/usages", lambda: cloud.held("empty", cloud.named("nobody"), 2))
    cloud.between.before(f"{path}/inventories", None, gone)
    done = cloud.scan()
    assert (done.code, done.findings, done.summary["gone"]) == (0, [], 1)


def test_an_inventory_that_is_shrunk_and_grown_again_between_two_reads(cloud):
    """Room is made, used, and given up: two reads of two moments look over-committed."""
    path = f"/resource_providers/{cloud.named('compute-1')}"
    usual = {"VCPU": {"total": 8, "allocation_ratio": 4.0}, "MEMORY_MB": {"total": 4096}}

    def grown():
        cloud.inventories("compute-1", {**usual, "VCPU": {"total": 80}})
        cloud.claim("short-lived", {"compute-1": {"VCPU": 70}})

    def usual_again():
        cloud.release("short-lived")
        cloud.inventories("compute-1", usual)

    cloud.between.before(f"{path}/usages", grown)
    cloud.between.before(f"{path}/inventories", None, usual_again)
    assert cloud.found() == set()
    assert cloud.between.asked.count(("GET", f"{path}/usages")) == 2


def test_a_class_that_comes_between_inventories_and_allocations(cloud):
    path = f"/resource_providers/{cloud.named('empty')}"

    def used():
        cloud.inventories("empty", {"PCPU": {"total": 1}})
        cloud.claim("new", {"empty": {"PCPU": 1}})

    cloud.between.before(f"{path}/allocations", used)
    assert cloud.found() == set()
    assert cloud.between.asked.count(("GET", f"{path}/allocations")) == 2


def test_a_claim_between_allocations_and_usages(cloud):
    path = f"/resource_providers/{cloud.named('compute-1')}"
    cloud.between.before(f"{path}/usages", lambda: cloud.claim("new", {"compute-1": {"VCPU": 1}}))
    assert cloud.found() == set()


def test_a_release_between_allocations_and_usages_feigns_nothing(cloud):
    """It changes no generation; the order of the reads makes it harmless, without a second look."""
    path = f"/resource_providers/{cloud.named('compute-1')}"
    cloud.between.before(f"{path}/usages", lambda: cloud.release("instance-1"))
    done = cloud.scan()
    assert (done.code, done.findings, done.summary["gone"]) == (0, [], 1)
    assert cloud.between.asked.count(("GET", f"{path}/usages")) == 1


def test_damage_on_a_provider_that_changes_all_the_time_is_found(cloud):
    path = f"/resource_providers/{cloud.named('compute-1')}"
    cloud.held("compute-1", cloud.named("instance-3"), 100)
    numbers = itertools.count()

    def changed():
        cloud.claim(f"new-{next(numbers)}", {"compute-1": {"MEMORY_MB": 1}})

    cloud.between.before(f"{path}/allocations", changed, times=20)
    assert ("usage.above_capacity", cloud.named("compute-1"), "VCPU") in cloud.found()


def test_claims_during_the_scan_are_no_usage_without_a_provider(cloud):
    """What a project uses is read last: it has what was claimed since."""
    numbers = itertools.count()

    def claimed():
        number = next(numbers)
        cloud.claim(f"late-{number}", {f"compute-{number % 4}": {"MEMORY_MB": 1}})

    cloud.between.before("^/allocations/", claimed, times=5)
    assert cloud.found() == set()
    lists = [url for _, url in cloud.between.asked if url == "/resource_providers"]
    assert len(lists) == 2  # what changed was read again


def test_claims_and_releases_until_the_end(cloud):
    numbers = itertools.count()

    def moved():
        number = next(numbers)
        cloud.claim(f"late-{number}", {f"compute-{number % 4}": {"MEMORY_MB": 1}})
        if number >= 40:  # longer than one round takes
            cloud.release(f"late-{number - 40}")

    cloud.between.before("^/(allocations/|usages)", moved, times=200)
    assert cloud.found() == set()


def test_a_new_provider_is_no_missing_one(cloud):
    def grown():
        cloud.provider("new", VCPU=8)
        cloud.claim("first", {"new": {"VCPU": 8}})

    cloud.between.before("^/usages", grown)
    assert cloud.found() == set()


def test_usage_without_a_provider_is_found_in_the_middle_of_it(cloud):
    cloud.sql(
        "UPDATE allocations SET resource_provider_id = 999 WHERE consumer_id = :consumer",
        consumer=cloud.named("instance-2"),
    )
    cloud.claim("instance-2b", {"compute-1": {"VCPU": 1}})
    cloud.between.before(
        "^/allocations/", lambda: cloud.claim("late", {"compute-1": {"MEMORY_MB": 7}})
    )
    done = cloud.scan()
    told = {f["resource_class"]: f["values"]["usage"] - f["values"]["held"] for f in done.findings}
    assert told == {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 20}


def test_a_consumer_that_is_deleted_before_it_is_asked_for(cloud):
    cloud.between.before(
        f"^/allocations/{cloud.named('instance-0')}", lambda: cloud.release("instance-0")
    )
    done = cloud.scan()
    assert (done.code, done.findings, done.summary["gone"]) == (0, [], 1)


def test_a_migration_that_ends_before_the_second_look(cloud):
    cloud.claim("migrated", {"compute-3": FLAVOR}, user="user-2", kind="MIGRATION")
    path = f"^/allocations/{cloud.named('migrated')}"
    cloud.between.before(path, None, lambda: cloud.release("migrated"))
    assert cloud.found() == set()
