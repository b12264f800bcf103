"""What a rule can ask of the state before a write: passing, failing, and what is read for it."""

import pytest

from placement_guard.policy.before import MAX_READS, MAX_READS_RESHAPE
from tests import policy_asking

A, B, C, D = (f"{n}0000000-0000-4000-8000-000000000000" for n in "abcd")
AT, BT = f"/resource_providers/{A}", f"/resource_providers/{B}"
TREES = "/resource_providers"
HELD = {"user_id": "user", "consumer_generation": 1}
OURS, THEIRS = {**HELD, "project_id": "project"}, {**HELD, "project_id": "theirs"}


def ask(method, path, body=None, version="1.37", **of_caller):
    return policy_asking.exchange(method, path, body, version, **of_caller)


def put(*names, **totals):
    records = {name: {"total": 8} for name in names} | {n: {"total": t} for n, t in totals.items()}
    return ask(
        "PUT", f"{AT}/inventories", {"resource_provider_generation": 0, "inventories": records}
    )


def reshape(allocations=None, **inventories):
    records = {
        {"a": A, "b": B}[provider]: {
            "resource_provider_generation": 0,
            "inventories": {name: {"total": total} for name, total in totals.items()},
        }
        for provider, totals in inventories.items()
    }
    return ask("POST", "/reshaper", {"inventories": records, "allocations": allocations or {}})


def claim(consumer=C, version="1.37", whose=OURS, **of_a):
    body = {**whose, "allocations": {A: {"resources": of_a}} if of_a else {}}
    return ask("PUT", f"/allocations/{consumer}", body, version)


def has(*names, at=AT, **totals):
    records = {name: {"total": 8} for name in names} | {n: {"total": t} for n, t in totals.items()}
    return {f"{at}/inventories": {"inventories": records}}


def holds(consumer=C, project="project", **of_a):
    return {
        f"/allocations/{consumer}": {
            "project_id": project,
            "user_id": "user",
            "allocations": {A: {"resources": of_a}},
        }
    }


def tree(*providers):
    found = {"resource_providers": [{"uuid": uuid} for uuid in providers]}
    return {f"{TREES}?in_tree={uuid}": found for uuid in providers}


ONE = [f"{AT}/inventories"]
CASES = [
    ("nothing goes away", "dropped_classes:none", put("VCPU"), has("VCPU"), None, ONE),
    ("a class that may goes", "dropped_classes:VGPU", put("VCPU"), has("VCPU", "VGPU"), None, ONE),
    ("a class is left out", "dropped_classes:none", put("VCPU"), has("VCPU", "VGPU"),
     "resource class VGPU goes away, which dropped_classes:none does not allow", ONE),
    ("all classes are left out", "dropped_classes:!MEMORY_MB,*", put(), has("VCPU", "MEMORY_MB"),
     "resource class MEMORY_MB goes away, which dropped_classes:!MEMORY_MB,* does not allow", ONE),
    ("all classes are deleted", "dropped_classes:none", ask("DELETE", f"{AT}/inventories"),
     has("VCPU"), "resource class VCPU goes away, which dropped_classes:none does not allow", ONE),
    ("one class is deleted", "dropped_classes:none", ask("DELETE", f"{AT}/inventories/VCPU"), {},
     "resource class VCPU goes away, which dropped_classes:none does not allow", []),
    ("one class is changed", "dropped_classes:none",
     ask("PUT", f"{AT}/inventories/VCPU", {"resource_provider_generation": 0, "total": 1}),
     has("VCPU", "VGPU"), None, []),
    ("one class is added", "dropped_classes:none",
     ask("POST", f"{AT}/inventories",
         {"resource_provider_generation": 0, "resource_class": "VCPU", "total": 1}),
     has("VGPU"), None, []),
    ("a provider is deleted", "dropped_classes:none", ask("DELETE", AT), has("VCPU"),
     "resource class VCPU goes away, which dropped_classes:none does not allow", ONE),
    ("a provider without inventory is deleted", "dropped_classes:none", ask("DELETE", AT), {},
     None, ONE),
    ("a reshape leaves one out", "dropped_classes:none", reshape(a={"VCPU": 1}, b={}),
     {**has("VCPU"), **has("VGPU", at=BT)},
     "resource class VGPU goes away, which dropped_classes:none does not allow",
     [*ONE, f"{BT}/inventories"]),
    ("a class is new", "added_classes:CUSTOM_*", put("VCPU"), {},
     "resource class VCPU is new, which added_classes:CUSTOM_* does not allow", ONE),
    ("a class that is there is no new one", "added_classes:none", put("VCPU"), has("VCPU"), None, ONE),
    ("a class is new in a POST", "added_classes:none",
     ask("POST", f"{AT}/inventories",
         {"resource_provider_generation": 0, "resource_class": "VCPU", "total": 1}), {},
     "resource class VCPU is new, which added_classes:none does not allow", ONE),
    ("a class is new in a reshape", "added_classes:none", reshape(a={"VGPU": 1}), {},
     "resource class VGPU is new, which added_classes:none does not allow", ONE),
    ("half of a total stays", "max_shrink:50%", put(VCPU=4), has(VCPU=8), None, ONE),
    ("less than half of a total stays", "max_shrink:50%", put(VCPU=3), has(VCPU=8),
     "the total of VCPU shrinks from 8 to 3, more than max_shrink:50% allows", ONE),
    ("a total goes", "max_shrink:50%", put(), has(VCPU=8),
     "the inventory of VCPU goes away, more than max_shrink:50% allows", ONE),
    ("all may go", "max_shrink:100%", put(), has(VCPU=8), None, ONE),
    ("a total grows", "max_shrink:0%", put(VCPU=9), has(VCPU=8), None, ONE),
    ("a class that may shrink does", "max_shrink:MEMORY_MB=0%", put(VCPU=1), has(VCPU=8), None, ONE),
    ("a class that may not shrink does", "max_shrink:MEMORY_MB=0%,*=90%", put(MEMORY_MB=7),
     has(MEMORY_MB=8),
     "the total of MEMORY_MB shrinks from 8 to 7, more than max_shrink:MEMORY_MB=0%,*=90% allows",
     ONE),
    ("one total shrinks by its own path", "max_shrink:50%",
     ask("PUT", f"{AT}/inventories/VCPU", {"resource_provider_generation": 0, "total": 1}),
     has(VCPU=8), "the total of VCPU shrinks from 8 to 1, more than max_shrink:50% allows", ONE),
    ("a total shrinks in a reshape", "max_shrink:50%", reshape(a={"VCPU": 1}), has(VCPU=8),
     "the total of VCPU shrinks from 8 to 1, more than max_shrink:50% allows", ONE),
    ("one class is deleted, which is all of it", "max_shrink:99%",
     ask("DELETE", f"{AT}/inventories/VCPU"), has(VCPU=8),
     "the inventory of VCPU goes away, more than max_shrink:99% allows", []),
    ("a trait is left out", "dropped_traits:CUSTOM_*",
     ask("PUT", f"{AT}/traits", {"resource_provider_generation": 0, "traits": []}),
     {f"{AT}/traits": {"traits": ["CUSTOM_A", "OWNER_NOVA"]}},
     "trait OWNER_NOVA goes away, which dropped_traits:CUSTOM_* does not allow", [f"{AT}/traits"]),
    ("all traits are deleted", "dropped_traits:none", ask("DELETE", f"{AT}/traits"),
     {f"{AT}/traits": {"traits": ["CUSTOM_A"]}},
     "trait CUSTOM_A goes away, which dropped_traits:none does not allow", [f"{AT}/traits"]),
    ("a provider goes with its traits", "dropped_traits:none", ask("DELETE", AT),
     {f"{AT}/traits": {"traits": ["CUSTOM_A"]}},
     "trait CUSTOM_A goes away, which dropped_traits:none does not allow", [f"{AT}/traits"]),
    ("no trait goes", "dropped_traits:none",
     ask("PUT", f"{AT}/traits", {"resource_provider_generation": 0, "traits": ["CUSTOM_A"]}),
     {f"{AT}/traits": {"traits": ["CUSTOM_A"]}}, None, [f"{AT}/traits"]),
    ("an operation without traits", "dropped_traits:none", put(), {}, None, []),
    ("an own consumer is released", "released_projects:%(project_id)s",
     ask("DELETE", f"/allocations/{C}"), holds(VCPU=1), None, [f"/allocations/{C}"]),
    ("a consumer of others is released", "released_projects:%(project_id)s",
     ask("DELETE", f"/allocations/{C}"), holds(project="theirs", VCPU=1),
     (f"consumer {C} of project theirs loses something, "
     "which released_projects:%(project_id)s does not allow"), [f"/allocations/{C}"]),
    ("a consumer that holds nothing is released", "released_projects:none",
     ask("DELETE", f"/allocations/{C}"), {}, None, [f"/allocations/{C}"]),
    ("a consumer of others gets less", "released_projects:project",
     claim(whose=THEIRS, VCPU=1), holds(project="theirs", VCPU=2),
     f"consumer {C} of project theirs loses something, which released_projects:project does not allow",
     [f"/allocations/{C}"]),
    ("a consumer of others gets more", "released_projects:project",
     claim(whose=THEIRS, VCPU=2), holds(project="theirs", VCPU=1), None, [f"/allocations/{C}"]),
    ("a consumer of others becomes ours", "released_projects:project",
     claim(VCPU=2), holds(project="theirs", VCPU=2),
     f"consumer {C} of project theirs loses something, which released_projects:project does not allow",
     [f"/allocations/{C}"]),
    ("below 1.8 a consumer of others becomes nobody's", "released_projects:project",
     ask("PUT", f"/allocations/{C}",
         {"allocations": [{"resource_provider": {"uuid": A}, "resources": {"VCPU": 2}}]}, "1.7"),
     holds(project="theirs", VCPU=2),
     f"consumer {C} of project theirs loses something, which released_projects:project does not allow",
     [f"/allocations/{C}"]),
    ("a POST empties a consumer of others", "released_projects:project",
     ask("POST", "/allocations", {C: {**OURS, "allocations": {}}}),
     holds(project="theirs", VCPU=2),
     f"consumer {C} of project theirs loses something, which released_projects:project does not allow",
     [f"/allocations/{C}"]),
    ("a reshape empties a consumer of others", "released_projects:project",
     reshape({C: {**OURS, "allocations": {}}}, a={"VCPU": 1}), holds(project="theirs", VCPU=2),
     f"consumer {C} of project theirs loses something, which released_projects:project does not allow",
     [f"/allocations/{C}"]),
    ("another amount of a class that may change", "changed_classes:NET_*",
     claim(VCPU=1, NET_BW_EGR_KILOBIT_PER_SEC=2),
     holds(VCPU=1, NET_BW_EGR_KILOBIT_PER_SEC=1), None, [f"/allocations/{C}"]),
    ("another amount of a class that may not change", "changed_classes:NET_*",
     claim(NET_BW_EGR_KILOBIT_PER_SEC=2), holds(VCPU=1, NET_BW_EGR_KILOBIT_PER_SEC=1),
     f"consumer {C} holds another amount of VCPU, which changed_classes:NET_* does not allow",
     [f"/allocations/{C}"]),
    ("all of a class goes by a DELETE", "changed_classes:NET_*",
     ask("DELETE", f"/allocations/{C}"), holds(VCPU=1),
     f"consumer {C} holds another amount of VCPU, which changed_classes:NET_* does not allow",
     [f"/allocations/{C}"]),
    ("a release reads nothing", "no_growth:true", ask("DELETE", f"/allocations/{C}"), {}, None, []),
    ("a consumer holds less", "no_growth:true", claim(VCPU=1), holds(VCPU=2), None,
     [f"/allocations/{C}"]),
    ("a consumer holds more", "no_growth:true", claim(VCPU=2), holds(VCPU=1),
     f"consumer {C} gets more of VCPU", [f"/allocations/{C}"]),
    ("a new consumer", "no_growth:true", claim(VCPU=2), {}, f"consumer {C} gets more of VCPU",
     [f"/allocations/{C}"]),
    ("a provider of nobody", "owner:OWNER_NOVA", put(), {f"{AT}/traits": {"traits": ["HW_A"]}},
     None, [f"{AT}/traits"]),
    ("an own provider", "owner:OWNER_NOVA", put(), {f"{AT}/traits": {"traits": ["OWNER_NOVA"]}},
     None, [f"{AT}/traits"]),
    ("a provider of another service", "owner:OWNER_NOVA", put(),
     {f"{AT}/traits": {"traits": ["OWNER_CYBORG"]}},
     f"provider {A} is owned by OWNER_CYBORG, which owner:OWNER_NOVA does not allow",
     [f"{AT}/traits"]),
    ("a provider with such classes only", "held_classes:CUSTOM_*", put(), has("CUSTOM_A"), None, ONE),
    ("a provider with other classes", "held_classes:CUSTOM_*", ask("DELETE", AT),
     has("CUSTOM_A", "VCPU"),
     f"provider {A} has an inventory of VCPU, which held_classes:CUSTOM_* does not allow", ONE),
    ("a name that a provider gets", "provider_names:blazar_*",
     ask("POST", "/resource_providers", {"name": "host"}), {},
     "the name host is not allowed by provider_names:blazar_*", []),
    ("a name that a provider has", "provider_names:blazar_*",
     ask("PUT", AT, {"name": "blazar_host"}), {AT: {"name": "host"}},
     "provider host is not allowed by provider_names:blazar_*", [AT]),
    ("a provider that does not exist has no name", "provider_names:blazar_*", put(), {}, None, [AT]),
    ("one tree", "max_trees:1", reshape(a={}, b={}), tree(A, B), None, [f"{TREES}?in_tree={A}"]),
    ("two trees", "max_trees:1", reshape(a={}, b={}), {**tree(A), **tree(B)},
     "the inventories are of providers in more trees than max_trees:1 allows",
     [f"{TREES}?in_tree={A}"]),
    ("two trees where two may be", "max_trees:2", reshape(a={}, b={}), {**tree(A), **tree(B)}, None,
     [f"{TREES}?in_tree={A}", f"{TREES}?in_tree={B}"]),
    ("one provider is no large share", "max_cloud_share:1%", put(), {}, None, []),
    ("half of the cloud", "max_cloud_share:50%", reshape(a={}, b={}),
     {TREES: {"resource_providers": [{"uuid": u} for u in (A, B, C, D)]}}, None, [TREES]),
    ("more than half of the cloud", "max_cloud_share:50%", reshape(a={}, b={}),
     {TREES: {"resource_providers": [{"uuid": u} for u in (A, B, C)]}},
     "2 of 3 providers of the cloud are more than max_cloud_share:50% allows", [TREES]),
    ("half of a tree", "max_tree_share:50%", reshape(a={}, b={}), tree(A, B, C, D), None,
     [f"{TREES}?in_tree={A}"]),
    ("more than half of a tree", "max_tree_share:50%", reshape(a={}, b={}), tree(A, B, C),
     "2 of 3 providers of a tree are more than max_tree_share:50% allows", [f"{TREES}?in_tree={A}"]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{c[1].partition(':')[0]}: {c[0]}" for c in CASES])
def test_it_passes_or_says_why_not_and_reads_no_more(case):
    _, check, asked, answers, what, reads = case
    stored = policy_asking.Stored(answers)
    policy = policy_asking.policy({"everybody": check})
    assert policy.rules["everybody"].reads_state
    judgement = policy.judge(policy_asking.question(asked, stored))
    assert judgement.error == ""
    assert judgement.allowed is (what is None)
    assert (judgement.reason and judgement.reason.what) == what
    assert stored.reads == reads


def many(number):
    """POST allocations of so many consumers, who all claim."""
    consumers = [f"c{n:07}-0000-4000-8000-000000000000" for n in range(number)]
    held = {"allocations": {A: {"resources": {"VCPU": 1}}}, **OURS, "consumer_generation": None}
    return ask("POST", "/allocations", dict.fromkeys(consumers, held))


def test_no_more_is_read_than_allowed():
    policy = policy_asking.policy({"everybody": "changed_classes:*"})
    for number, error in (
        (MAX_READS, ""),
        (MAX_READS + 1, f"it would take more than {MAX_READS} reads of what is stored"),
    ):
        stored = policy_asking.Stored({})
        judgement = policy.judge(policy_asking.question(many(number), stored))
        assert (judgement.error, len(stored.reads)) == (error, MAX_READS)


def test_of_a_reshape_each_provider_may_be_read():
    policy = policy_asking.policy({"everybody": "dropped_classes:none"})
    for number in (MAX_READS_RESHAPE, MAX_READS_RESHAPE + 1):
        uuids = [f"c{n:07}-0000-4000-8000-000000000000" for n in range(number)]
        nothing = {"resource_provider_generation": 0, "inventories": {}}
        body = {"inventories": dict.fromkeys(uuids, nothing), "allocations": {}}
        stored = policy_asking.Stored({})
        judgement = policy.judge(policy_asking.question(ask("POST", "/reshaper", body), stored))
        assert judgement.allowed is (number == MAX_READS_RESHAPE)
        assert len(stored.reads) == MAX_READS_RESHAPE


def test_what_is_asked_twice_is_read_once():
    policy = policy_asking.policy({"everybody": "dropped_classes:* and max_shrink:100%"})
    stored = policy_asking.Stored(has("VCPU"))
    assert policy.judge(policy_asking.question(put(), stored)).allowed
    assert stored.reads == ONE


def test_what_could_not_be_read_is_not_absent_for_the_next_rule():
    rules = {
        "profile:a": "@",
        "a:default": "dropped_classes:none",
        "profile:b": "@",
        "b:default": "dropped_classes:none",
    }
    judgement = policy_asking.policy(rules).judge(
        policy_asking.question(put(), lambda path, query: (503, None))
    )
    assert not judgement.allowed
    assert judgement.error == "what is stored could not be read"
    assert [asked.passed for asked in judgement.asked] == [True, True, False, False]


@pytest.mark.parametrize("status", [0, 401, 403, 500, 503], ids="status {}".format)
def test_what_placement_does_not_tell_cannot_be_judged(status):
    policy = policy_asking.policy({"everybody": "held_classes:*"})
    judgement = policy.judge(policy_asking.question(put(), lambda path, query: (status, None)))
    assert (judgement.allowed, judgement.error) == (False, "what is stored could not be read")


def test_a_path_that_is_no_uuid_is_not_asked_for():
    stored = policy_asking.Stored({})
    asked = ask("DELETE", "/resource_providers/..%2Fallocations")
    policy = policy_asking.policy({"everybody": "held_classes:*"})
    judgement = policy.judge(policy_asking.question(asked, stored))
    assert judgement.error == "what is stored of something without a UUID cannot be read"
    assert stored.reads == []
