"""Each host its own tree: what a host may do to others, and what it may not."""

import pytest

from tests import policy_asking

ROOT, CHILD, OTHER, STORAGE = (f"{n}0000000-0000-4000-8000-000000000000" for n in "abcd")
MINE, THEIRS, BOTH, NEW = (f"{n}1111111-0000-4000-8000-000000000000" for n in "abcd")
HELD = {"project_id": "p", "user_id": "u", "consumer_generation": 1}
POLICY = policy_asking.policy({"everybody": "own_tree:nova-compute-{host}"})
AT = "/resource_providers"


def held(**of):
    where = {"root": ROOT, "child": CHILD, "other": OTHER, "storage": STORAGE}
    return {where[name]: {"resources": {"VCPU": amount}} for name, amount in of.items()}


STORED = {
    f"{AT}?name=host": {
        "resource_providers": [{"uuid": ROOT, "name": "host", "root_provider_uuid": ROOT}]
    },
    f"{AT}?in_tree={ROOT}": {"resource_providers": [{"uuid": ROOT}, {"uuid": CHILD}]},
    f"{AT}/{ROOT}": {"name": "host", "root_provider_uuid": ROOT},
    f"{AT}/{CHILD}": {"name": "pci", "root_provider_uuid": ROOT},
    f"{AT}/{OTHER}": {"name": "other", "root_provider_uuid": OTHER},
    f"{AT}/{OTHER}/inventories": {"inventories": {"VCPU": {"total": 8, "reserved": 0}}},
    f"{AT}/{OTHER}/allocations": {"allocations": {BOTH: {"resources": {"VCPU": 1}}}},
    f"{AT}/{STORAGE}": {"name": "storage", "root_provider_uuid": STORAGE},
    f"{AT}/{STORAGE}/traits": {"traits": ["MISC_SHARES_VIA_AGGREGATE"]},
    f"/allocations/{MINE}": {"allocations": held(root=2, storage=1)},
    f"/allocations/{THEIRS}": {"allocations": held(other=1)},
    f"/allocations/{BOTH}": {"allocations": held(root=1, other=1)},
}


def ask(method, path, body=None, version="1.37", user_name="nova-compute-host"):
    return policy_asking.exchange(method, path, body, version, user_name=user_name)


def write(consumer, **of):
    return ask("PUT", f"/allocations/{consumer}", {**HELD, "allocations": held(**of)})


def post(**of):
    names = {"mine": MINE, "theirs": THEIRS, "both": BOTH, "new": NEW}
    body = {names[name]: {**HELD, "allocations": held(**what)} for name, what in of.items()}
    return ask("POST", "/allocations", body)


def reshape(inventories, **of):
    names = {"mine": MINE, "theirs": THEIRS, "both": BOTH, "new": NEW}
    allocations = {names.get(n, n): {**HELD, "allocations": held(**w)} for n, w in of.items()}
    body = {
        "inventories": {
            provider: {"resource_provider_generation": 0, "inventories": records}
            for provider, records in inventories.items()
        },
        "allocations": allocations,
    }
    return ask("POST", "/reshaper", body)


def crowd(provider, amount):
    """A reshape with many consumers, who hold something of another tree as well."""
    more = {f"e{n:07}-0000-4000-8000-000000000000": {"root": 1} for n in range(9)}
    return reshape({ROOT: {}}, both={"root": 1, provider: amount}, **more)


PASSES = [
    ("it makes its root", ask("POST", AT, {"name": "host"})),
    ("it makes a child", ask("POST", AT, {"name": "any", "parent_provider_uuid": ROOT})),
    ("it reports its root", ask("PUT", f"{AT}/{ROOT}/traits",
                                {"resource_provider_generation": 0, "traits": []})),
    ("it deletes its child", ask("DELETE", f"{AT}/{CHILD}")),
    ("it deletes its child, in another spelling", ask("DELETE", f"{AT}/{CHILD.upper()}")),
    ("it deletes what does not exist", ask("DELETE", f"{AT}/{NEW}")),
    ("it renames its child", ask("PUT", f"{AT}/{CHILD}", {"name": "new"})),
    ("it writes its root as it is", ask("PUT", f"{AT}/{ROOT}",
                                        {"name": "host", "parent_provider_uuid": None})),
    ("it makes a name ready", ask("PUT", "/traits/CUSTOM_A")),
    ("it reshapes its tree", reshape({ROOT: {}, CHILD: {"VGPU": {"total": 1}}}, mine={"child": 2})),
    ("it reshapes its tree and names another as it is",
     reshape({ROOT: {}, OTHER: {"VCPU": {"total": 8}}})),
    ("an instance that is half elsewhere stays so in a reshape",
     reshape({ROOT: {}}, both={"child": 1, "other": 1})),
    ("one of many that is half elsewhere stays so in a reshape", crowd("other", 1)),
    ("an instance of its own is deleted", ask("DELETE", f"/allocations/{MINE}")),
    ("an instance that holds nothing is deleted", ask("DELETE", f"/allocations/{NEW}")),
    ("an evacuated instance gives back what it held here", write(BOTH, other=1)),
    ("an instance gets more here", write(MINE, root=3, storage=1)),
    ("an instance gets more of what is shared", write(MINE, root=2, storage=5)),
    ("a migration is reverted: its instance comes back", post(mine={}, theirs={"root": 2})),
]  # fmt: skip


@pytest.mark.parametrize("asked", [c[1] for c in PASSES], ids=[c[0] for c in PASSES])
def test_it_passes(asked):
    judgement = POLICY.judge(policy_asking.question(asked, STORED))
    assert (judgement.allowed, judgement.error, judgement.reason) == (True, "", None)


ELSEWHERE = f"provider {OTHER} is not in the tree of the caller's host"
NOTHING = f"consumer {THEIRS} has nothing in the tree of the caller's host"
FAILS = [
    ("it makes another root", ask("POST", AT, {"name": "other2"}),
     "other2 is not the caller's host"),
    ("it makes a child of another", ask("POST", AT, {"name": "a", "parent_provider_uuid": OTHER}),
     ELSEWHERE),
    ("it reports another", ask("PUT", f"{AT}/{OTHER}/inventories",
                               {"resource_provider_generation": 0, "inventories": {}}), ELSEWHERE),
    ("it deletes another", ask("DELETE", f"{AT}/{OTHER}"), ELSEWHERE),
    ("it empties another", ask("DELETE", f"{AT}/{OTHER}/inventories"), ELSEWHERE),
    ("it renames another", ask("PUT", f"{AT}/{OTHER}", {"name": "host"}), ELSEWHERE),
    ("it renames its root", ask("PUT", f"{AT}/{ROOT}", {"name": "host2"}),
     "host2 is not the caller's host"),
    ("it hangs its root below another",
     ask("PUT", f"{AT}/{ROOT}", {"name": "host", "parent_provider_uuid": OTHER}), ELSEWHERE),
    ("it makes a root of its child",
     ask("PUT", f"{AT}/{CHILD}", {"name": "host2", "parent_provider_uuid": None}),
     "host2 is not the caller's host"),
    ("it takes another's child", ask("PUT", f"{AT}/{OTHER}",
                                     {"name": "a", "parent_provider_uuid": ROOT}), ELSEWHERE),
    ("it reshapes another", reshape({OTHER: {"VCPU": {"total": 1}}}), ELSEWHERE),
    ("it empties another by a reshape", reshape({ROOT: {}, OTHER: {}}), ELSEWHERE),
    ("it gives another a class by a reshape",
     reshape({OTHER: {"VCPU": {"total": 8}, "VGPU": {"total": 1}}}), ELSEWHERE),
    ("it takes from another's instance by a reshape", reshape({ROOT: {}}, theirs={}), NOTHING),
    ("it claims elsewhere by a reshape",
     reshape({ROOT: {}}, both={"root": 1, "other": 2}), ELSEWHERE),
    ("it claims elsewhere by a reshape of many", crowd("other", 2), ELSEWHERE),
    ("it deletes another's instance", ask("DELETE", f"/allocations/{THEIRS}"), NOTHING),
    ("it takes from another's instance", write(THEIRS), NOTHING),
    ("it claims elsewhere", write(NEW, other=1), ELSEWHERE),
    ("it claims elsewhere for its own instance", write(MINE, root=2, other=1), ELSEWHERE),
    ("it releases another's instance among its own", post(mine={}, theirs={}), NOTHING),
    ("it takes from what is shared for another's instance", write(THEIRS, other=1, storage=1),
     NOTHING),
]  # fmt: skip


@pytest.mark.parametrize("case", FAILS, ids=[c[0] for c in FAILS])
def test_it_does_not_pass(case):
    _, asked, said = case
    judgement = POLICY.judge(policy_asking.question(asked, STORED))
    assert (judgement.allowed, judgement.error) == (False, "")
    assert judgement.reason.what.startswith(said)
    assert "(own_tree:nova-compute-{host})" in judgement.reason.what


@pytest.mark.parametrize("name", ["nova", "nova-compute-", None], ids="user {}".format)
def test_a_user_whose_name_names_no_host_cannot_be_judged(name):
    asked = ask("DELETE", f"{AT}/{ROOT}", user_name=name)
    judgement = POLICY.judge(policy_asking.question(asked, STORED))
    said = "the name of the caller is not of the form of own_tree:nova-compute-{host}"
    assert (judgement.allowed, judgement.error) == (False, said)


def test_a_name_is_quoted_in_a_query_and_compared_whole():
    name = "a&in_tree=b"
    stored = policy_asking.Stored(
        {
            f"{AT}?name=a%26in_tree%3Db": {
                "resource_providers": [
                    {"uuid": OTHER, "name": name.upper(), "root_provider_uuid": OTHER},
                    {"uuid": ROOT, "name": name, "root_provider_uuid": OTHER},
                ]
            },
            f"{AT}/{ROOT}": {"name": name},
        }
    )
    asked = ask("DELETE", f"{AT}/{ROOT}", user_name=f"nova-compute-{name}")
    assert not POLICY.judge(policy_asking.question(asked, stored)).allowed
    assert stored.reads == [f"{AT}?name=a%26in_tree%3Db", f"{AT}/{ROOT}"]


def test_however_large_the_tree_is_it_is_read_once():
    children = [f"f{n:07}-0000-4000-8000-000000000000" for n in range(300)]
    answers = {**STORED, f"{AT}?in_tree={ROOT}": {
        "resource_providers": [{"uuid": uuid} for uuid in [ROOT, *children]]}}  # fmt: skip
    stored = policy_asking.Stored(answers)
    asked = reshape({uuid: {} for uuid in children})
    assert POLICY.judge(policy_asking.question(asked, stored)).allowed
    assert stored.reads == [f"{AT}?name=host", f"{AT}?in_tree={ROOT}"]
