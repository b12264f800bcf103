"""Three hundred providers: all looked at, no more asked than needed, the few bad ones found."""

import pytest

PROVIDERS = 300


def identified(number):
    return f"00000000-0000-4000-8000-{number:012}"


@pytest.fixture(scope="module")
def large(placement):
    inventories, allocations = {}, {}
    placement.sql(
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < :most)"
        " INSERT INTO resource_providers (id, uuid, name, generation, root_provider_id, created_at)"
        " SELECT id, printf('00000000-0000-4000-8000-%012d', id), 'compute-' || id, 0, id,"
        " '2026-01-01 00:00:00.000000' FROM n",
        most=PROVIDERS,
    )
    for number in range(1, PROVIDERS + 1):
        uuid = identified(number)
        inventories[uuid] = {
            "resource_provider_generation": 0,
            "inventories": {"VCPU": {"total": 64}, "MEMORY_MB": {"total": 65536}},
        }
        allocations[placement.named(f"instance-{number}")] = {
            "allocations": {uuid: {"resources": {"VCPU": 4, "MEMORY_MB": 512}}},
            "project_id": f"project-{number % 7}",
            "user_id": "demo",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
    body = {"inventories": inventories, "allocations": allocations}
    placement.ask("POST", "/reshaper", body)
    return placement


def test_it_is_healthy(large):
    done = large.scan("--concurrency", "16")
    assert (done.code, done.findings, done.err) == (0, [], "")
    summary = done.summary
    assert (summary["providers"], summary["consumers"]) == (PROVIDERS, PROVIDERS)
    # The root, the two lists of names, the providers, three reads of each, its consumer; projects.
    assert summary["requests"] == len(large.between.asked) == 4 + PROVIDERS * 4 + 7


def test_the_damaged_ones_are_found_in_the_order_of_their_ids(large):
    """Whatever the order in which the answers came."""
    bad = [identified(number) for number in (5, 150, 299)]
    large.sql(
        "UPDATE inventories SET total = 3 WHERE resource_class_id ="
        " (SELECT id FROM resource_classes WHERE name = 'VCPU') AND resource_provider_id IN"
        " (SELECT id FROM resource_providers WHERE uuid IN (:a, :b, :c))",
        **dict(zip("abc", bad, strict=True)),
    )
    done = large.scan("--only", "usage")
    assert [(f["kind"], f["provider"]) for f in done.findings] == [
        ("usage.above_capacity", uuid) for uuid in bad
    ]
    assert done.code == 1
