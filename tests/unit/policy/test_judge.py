"""A policy: which of its rules is asked, which one decides, and what cannot be a policy."""

import pytest

from placement_guard.policy import judge
from placement_guard.policy.files import PolicyError
from placement_guard.policy.judge import MUTATIONS, load
from tests import policy_asking

UPDATE = "resource_providers:inventories:update"
UUID = "a0000000-0000-4000-8000-000000000000"
ASKED = policy_asking.exchange(
    "PUT",
    f"/resource_providers/{UUID}/inventories",
    {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 1}}},
    roles=["cyborg", "nova"],
)

DECIDED = [
    ("no rule at all", {}, True, ""),
    ("a rule for everybody that passes", {"everybody": "@"}, True, ""),
    ("a rule for everybody", {"everybody": "!"}, False, "everybody"),
    ("a rule for everybody at this operation comes in its place",
     {"everybody": "!", f"everybody:{UPDATE}": "@"}, True, ""),
    ("a rule for everybody at another operation", {"everybody:traits:update": "!"}, True, ""),
    ("everybody, and a rule for the operation",
     {"everybody": "@", f"placement_guard:{UPDATE}": "!"}, False, f"placement_guard:{UPDATE}"),
    ("a rule for the operation decides before profiles",
     {f"placement_guard:{UPDATE}": "@", "profile:c": "@", "c:default": "!"}, True,
     f"placement_guard:{UPDATE}"),
    ("a rule for the operation that asks profiles",
     {f"placement_guard:{UPDATE}": "role:x or profiles:any", "profile:c": "@", "c:default": "@"},
     True, f"placement_guard:{UPDATE}"),
    ("a rule for the operation that asks profiles in vain",
     {f"placement_guard:{UPDATE}": "profiles:any", "profile:c": "@", "c:default": "!"}, False,
     f"placement_guard:{UPDATE}"),
    ("a profile's rule for the operation",
     {"profile:c": "role:cyborg", f"c:{UPDATE}": "@", "c:default": "!"}, True, f"c:{UPDATE}"),
    ("a profile's rule for all other operations",
     {"profile:c": "role:cyborg", "c:traits:update": "@", "c:default": "!"}, False, "c:default"),
    ("a profile without a rule for the operation",
     {"profile:c": "role:cyborg", "c:traits:update": "@"}, False, f"c:{UPDATE}"),
    ("a profile of somebody else",
     {"profile:c": "role:neutron", f"c:{UPDATE}": "!"}, True, ""),
    ("others, where a profile is somebody else's",
     {"profile:c": "role:neutron", "profile_of_others": "!"}, False, "profile_of_others"),
    ("others, who may", {"profile_of_others": "@"}, True, "profile_of_others"),
    ("others are not asked of who has a profile",
     {"profile:c": "role:cyborg", f"c:{UPDATE}": "@", "profile_of_others": "!"}, True, f"c:{UPDATE}"),
    ("two profiles, of which the second allows it",
     {"profile:c": "role:cyborg", f"c:{UPDATE}": "!", "profile:n": "role:nova", f"n:{UPDATE}": "@"},
     True, f"n:{UPDATE}"),
    ("two profiles, of which none allows it: the first is named",
     {"profile:c": "role:cyborg", f"c:{UPDATE}": "!", "profile:n": "role:nova", "n:default": "!"},
     False, f"c:{UPDATE}"),
    ("two profiles, of which the first has no rule",
     {"profile:c": "role:cyborg", "profile:n": "role:nova", "n:default": "!"}, False, "n:default"),
]  # fmt: skip


@pytest.mark.parametrize("case", DECIDED, ids=[c[0] for c in DECIDED])
def test_a_rule_decides(case):
    _, rules, allowed, rule = case
    judgement = policy_asking.policy(rules).judge(policy_asking.question(ASKED))
    assert (judgement.allowed, judgement.rule, judgement.error) == (allowed, rule, "")


UNREAD = "there is no Placement to ask what is stored"
CANNOT = [
    ("of everybody", {"everybody": "held_classes:*"}, "everybody", UNREAD),
    ("of the operation", {f"placement_guard:{UPDATE}": "held_classes:*"},
     f"placement_guard:{UPDATE}", UNREAD),
    ("of the profile", {"profile:c": "@", f"c:{UPDATE}": "held_classes:*"}, f"c:{UPDATE}", UNREAD),
    ("of the profile, asked by the rule of the operation",
     {f"placement_guard:{UPDATE}": "profiles:any", "profile:c": "@", f"c:{UPDATE}": "held_classes:*"},
     f"placement_guard:{UPDATE}", UNREAD),
    ("which says whom a profile is for, though others may do everything",
     {"profile:c": "held_classes:*", f"c:{UPDATE}": "!", "profile:n": "@", f"n:{UPDATE}": "@"},
     "profile:c", UNREAD),
    ("of others", {"profile_of_others": "held_classes:*"}, "profile_of_others", UNREAD),
    ("which asks profiles for who they are",
     {"profile:c": "profiles:any", "c:default": "@"}, "profile:c", "profiles cannot be asked here"),
]  # fmt: skip


@pytest.mark.parametrize("case", CANNOT, ids=[c[0] for c in CANNOT])
def test_a_rule_that_cannot_be_evaluated_refuses(case):
    _, rules, rule, error = case
    judgement = policy_asking.policy(rules).judge(policy_asking.question(ASKED))
    assert (judgement.allowed, judgement.rule, judgement.error) == (False, rule, error)


def test_a_profile_that_cannot_be_evaluated_does_not_stop_one_that_allows_it():
    rules = {"profile:c": "@", "c:default": "held_classes:*", "profile:n": "@", "n:default": "@"}
    judgement = policy_asking.policy(rules).judge(policy_asking.question(ASKED))
    assert (judgement.allowed, judgement.rule) == (True, "n:default")


def test_a_check_that_fails_refuses_and_its_text_stays_in_the_log(caplog):
    def broken(_path, _query):
        raise RuntimeError("a secret")

    policy = policy_asking.policy({"everybody": "held_classes:*"})
    judgement = policy.judge(policy_asking.question(ASKED, broken))
    assert (judgement.allowed, judgement.error) == (False, "it failed; the log has more")
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    "answer", [[], "text", 7, {"inventories": 7}, {"inventories": [1]}], ids=repr
)
def test_an_answer_of_another_shape_refuses(answer):
    policy = policy_asking.policy({"everybody": "dropped_classes:none and held_classes:VCPU"})
    question = policy_asking.question(ASKED, lambda path, query: (200, answer))
    assert policy.judge(question).allowed is (answer == [])  # nothing there, said oddly


def test_what_everybody_refuses_by_an_observed_rule_is_asked_further():
    policy = policy_asking.policy(
        {
            "everybody": "max_providers:0",
            "profile:c": "@",
            f"c:{UPDATE}": "resource_classes:DISK_GB",
        }
    )
    observed = policy.judge(policy_asking.question(ASKED), lambda rule: rule == "everybody")
    assert (observed.allowed, observed.rule) == (False, f"c:{UPDATE}")
    assert observed.reason.what == (
        "resource class VCPU is not allowed by resource_classes:DISK_GB"
    )
    assert observed.observed.rule == "everybody"
    assert observed.observed.reason.what == "1 providers are more than max_providers:0 allows"
    strict = policy.judge(policy_asking.question(ASKED), lambda rule: rule != "everybody")
    assert (strict.allowed, strict.rule, strict.observed) == (False, "everybody", None)


def test_all_that_was_asked_is_told():
    rules = {"everybody": "@", "profile:c": "role:x", "profile:n": "role:nova", "n:default": "!"}
    judgement = policy_asking.policy(rules).judge(policy_asking.question(ASKED))
    assert [tuple(asked) for asked in judgement.asked] == [
        ("everybody", True, ""),
        ("profile:c", False, ""),
        ("profile:n", True, ""),
        ("n:default", False, ""),
    ]


NAMES = [
    ("a rule of Placement's own", "placement:reshaper:reshape",
     "such a rule belongs into the policy file of Placement itself"),
    ("an operation that there is not", "placement_guard:reshaper:reshap",
     "there is no operation reshaper:reshap that writes; did you mean reshaper:reshape?"),
    ("an operation that reads", "everybody:resource_providers:list",
     "there is no operation resource_providers:list that writes"),
    ("an operation of a profile that there is not", "c:reshaper:reshap",
     "there is no operation reshaper:reshap that writes; did you mean reshaper:reshape?"),
    ("a profile that nobody has", "cybrog:reshaper:reshape",
     "there is no rule profile:cybrog"),
    ("a default of a profile that nobody has", "cyborgs:default",
     "there is no rule profile:cyborgs"),
    ("a profile without a name", "profile:", "this is no usable name of a profile"),
    ("a profile with a colon", "profile:a:b", "this is no usable name of a profile"),
    ("a profile with a name that is taken", "profile:everybody",
     "this is no usable name of a profile"),
]  # fmt: skip


@pytest.mark.parametrize("case", NAMES, ids=[c[0] for c in NAMES])
def test_a_name_that_would_never_be_asked_is_an_error(tmp_path, case):
    _, name, said = case
    (path := tmp_path / "p.yaml").write_text(f'"profile:c": "@"\n"{name}": "@"\n')
    with pytest.raises(PolicyError) as caught:
        load(str(path), [])
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{path}:2:1: {name}: {said}")


def test_other_names_are_the_operators_own(tmp_path):
    (path := tmp_path / "p.yaml").write_text(
        '"helper": "@"\n"everybody:traits:update": "rule:helper"\n"my:own": "@"\n'
        '"profile:c": "@"\n"c:default": "@"\n"c:helper_of_mine": "@"\n'
    )
    with pytest.raises(PolicyError, match="there is no operation helper_of_mine"):
        load(str(path), [])
    path.write_text(path.read_text().replace("c:helper_of_mine", "helper_of_c"))
    assert "my:own" in load(str(path), []).rules


def test_the_operations_are_those_that_write():
    assert {name for name in MUTATIONS if not name.endswith((":list", ":show"))} == MUTATIONS
    assert len(MUTATIONS) == 18
    assert judge.EVERYBODY not in MUTATIONS
