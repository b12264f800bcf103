"""nova's scheduler and conductor: claims.

Facts: openstack/nova at 33.0.0, nova/scheduler/client/report.py: claim_resources,
_add_resources_to_instance_allocation, _put_allocations, retries; and _move_operation_alloc_request
for evacuations.
"""

import pytest


@pytest.fixture
def host(nova):
    """Makes a provider with room for eight VCPUs."""

    def make(side, label="host", **inventories):
        client = nova.Nova(side.adapter())
        provider = side.id(label)
        client.create(provider, side.name(label))
        inventories = inventories or {"VCPU": nova.inventory(8)}
        client.put(provider, "inventories", inventories, 0)
        side.recorder.entries.clear()
        return client, provider

    return make


def test_a_claim_of_a_candidate_is_served(same, nova, host):
    def story(side):
        trait = side.custom("HERE")
        client, provider = host(side)
        client.ensure_traits([trait])
        client.put(provider, "traits", [trait], 1)
        requests = client.candidates(f"resources=VCPU%3A2&required={trait}&limit=1000")
        return len(requests), client.claim(side.id("instance"), requests[0])

    steps = ["GET 200", "PUT 201", "PUT 200", "GET 200", "GET 200", "PUT 204"]
    assert same(story, *steps) == (1, "claimed")


def test_a_claim_while_the_instance_is_elsewhere_holds_both_hosts(same, nova, host):
    def story(side):
        _, source = host(side, "source")
        client, target = host(side, "target")
        instance = side.id("instance")
        return [
            client.claim(instance, nova.resources(provider, VCPU=2))
            for provider in (source, target)
        ] + [len(client.allocations(instance)["allocations"])]

    steps = ["GET 200", "PUT 204", "GET 200", "PUT 204", "GET 200"]
    assert same(story, *steps) == ["claimed", "claimed", 2]


def test_what_was_read_of_an_instance_is_written_back_with_more_in_it(same, nova, host):
    def story(side):
        client, provider = host(side)
        _, device = host(side, "device", PCI_DEVICE=nova.inventory(2))
        instance = side.id("instance")
        client.claim(instance, nova.resources(provider, VCPU=2))
        return client.put_back(
            instance, lambda held: held.update({device: {"resources": {"PCI_DEVICE": 1}}})
        )

    assert same(story, "GET 200", "PUT 204", "GET 200", "PUT 204") == "claimed"


def test_what_was_read_of_an_instance_is_written_back_with_less_in_it(same, nova, host):
    def story(side):
        client, provider = host(side, VCPU=nova.inventory(8), PCI_DEVICE=nova.inventory(2))
        instance = side.id("instance")
        client.claim(instance, nova.resources(provider, VCPU=2, PCI_DEVICE=1))
        return client.put_back(instance, lambda held: held[provider]["resources"].pop("PCI_DEVICE"))

    assert same(story, "GET 200", "PUT 204", "GET 200", "PUT 204") == "claimed"


def test_a_full_host_is_refused_as_ever_and_the_next_one_taken(same, nova, host):
    def story(side):
        client, full = host(side, "full")
        _, free = host(side, "free", VCPU=nova.inventory(16))
        instance = side.id("instance")
        return [
            client.claim(instance, nova.resources(provider, VCPU=9)) for provider in (full, free)
        ]

    # 9 is above max_unit, which Placement answers as it does a lack of room.
    assert same(story, "GET 200", "PUT 409", "GET 200", "PUT 204") == ["refused", "claimed"]


def test_a_stale_consumer_is_told_and_not_tried_again(same, nova, host):
    def story(side):
        client, provider = host(side)
        instance = side.id("instance")
        claimed = nova.resources(provider, VCPU=1)

        def meanwhile():
            client.send(
                "PUT",
                f"/allocations/{instance}",
                {**claimed, "project_id": "p", "user_id": "u", "consumer_generation": None},
                "1.36",
            )

        return client.claim(instance, claimed, meanwhile)

    assert same(story, "GET 200", "PUT 204", "PUT 409") == "stale"


def test_a_claim_on_a_host_that_is_gone_is_refused_as_ever(same, nova, host):
    def story(side):
        client, _ = host(side)
        gone = side.id("gone")
        return client.claim(side.id("instance"), nova.resources(gone, VCPU=1))

    assert same(story, "GET 200", "PUT 400") == "refused"


CANDIDATES = (
    "/allocation_candidates?resources=MEMORY_MB%3A1&resources_a=VCPU%3A1&resources_b=VGPU%3A1"
    "&group_policy=none&same_subtree=_a%2C_b&member_of=in%3A{id}&in_tree={id}"
    "&limit=1000&root_required=%21COMPUTE_STATUS_DISABLED"
)
READS = [
    ("what a consumer without allocations holds", "/allocations/{id}", "1.28"),
    ("what a project uses", "/usages?project_id={id}", "1.9"),
    ("what a user of a project uses", "/usages?project_id={id}&user_id={id}", "1.9"),
    ("a provider by its name", "/resource_providers?name={id}", None),
    ("candidates of two groups that may share a host",
     CANDIDATES, "1.36"),
]  # fmt: skip


@pytest.mark.parametrize("case", READS, ids=[case[0] for case in READS])
def test_what_is_read_on_the_way_is_served(same, nova, case):
    _, path, version = case

    def story(side):
        return nova.Nova(side.adapter()).get(path.format(id=side.id("nobody")), version).json()

    assert same(story, "GET 200")


BAD = [
    ("an amount of nothing", lambda p: {"VCPU": 0}, "document.invalid"),
    ("an amount that is a text", lambda p: {"VCPU": "2"}, "document.invalid"),
    ("a resource class in small letters", lambda p: {"vcpu": 1}, "document.invalid"),
    ("no resources", lambda p: {}, "document.invalid"),
]


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_a_claim_that_makes_no_sense_is_refused_once_and_moves_on(
    guarded, nova, host, refusal, case
):
    client, provider = host(guarded)
    _, make, rule = case
    request = nova.resources(provider, **make(provider))
    assert client.claim(guarded.id("instance"), request) == "refused"
    assert [str(entry) for entry in guarded.recorder.entries] == ["GET 200", "PUT 400"]
    last = refusal.check(guarded.last, 400, rule, code=refusal.placement)
    assert "JSON does not validate" in last


def test_a_claim_by_who_may_not_claim_is_refused_once(guarded, nova, host, refusal):
    _, provider = host(guarded)
    client = nova.Nova(guarded.adapter(roles="reader"))
    body = {
        **nova.resources(provider, VCPU=1),
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
    }
    answer = client.send("PUT", f"/allocations/{guarded.id('instance')}", body, "1.36")
    assert nova.read_claim(answer) == "refused"
    last = refusal.check(guarded.last, 403, "policy.forbidden", code=refusal.placement)
    assert "placement:allocations:update" in last
