"""What a rule can ask of a payload: each check, where it passes and where it does not."""

import importlib.metadata

import pytest
from oslo_policy import policy as oslo_policy

from placement_guard.policy.kinds import CHECKS
from tests import policy_asking

A, B, C = (f"{n}0000000-0000-4000-8000-000000000000" for n in "abc")
HOST = f"/resource_providers/{A}"
HELD = {"project_id": "project", "user_id": "user", "consumer_generation": None}
TYPED = {**HELD, "consumer_type": "INSTANCE"}


def inventories(*names, version="1.39", **totals):
    """PUT inventories of these classes."""
    records = {name: {"total": 8} for name in names} | {n: {"total": t} for n, t in totals.items()}
    body = {"resource_provider_generation": 0, "inventories": records}
    return policy_asking.exchange("PUT", f"{HOST}/inventories", body, version)


def claim(consumer=C, provider=B, version="1.39", **resources):
    body = {**TYPED, "allocations": {provider: {"resources": resources or {"VCPU": 1}}}}
    if version == "1.11":
        item = {"resource_provider": {"uuid": provider}, "resources": resources or {"VCPU": 1}}
        body = {"allocations": [item], "project_id": "project", "user_id": "user"}
    elif version == "1.7":
        item = {"resource_provider": {"uuid": provider}, "resources": resources or {"VCPU": 1}}
        body = {"allocations": [item]}
    return policy_asking.exchange("PUT", f"/allocations/{consumer}", body, version)


def ask(method, path, body=None, version="1.39", **of_caller):
    return policy_asking.exchange(method, path, body, version, **of_caller)


def judged(check, asked, stored=None):
    """The judgement of a policy whose one rule is this check."""
    policy = policy_asking.policy({"everybody": check})
    return policy.judge(policy_asking.question(asked, stored))


MANY = {
    C: {**TYPED, "allocations": {A: {"resources": {"VCPU": 3}}, B: {"resources": {"VCPU": 2}}}},
    B: {**TYPED, "project_id": "another", "allocations": {}},
}
RESHAPE = {
    "inventories": {A: {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 1}}}},
    "allocations": {C: {**TYPED, "allocations": {B: {"resources": {"CUSTOM_A": 1}}}}},
}

PASSES = [
    ("classes that match", "resource_classes:VCPU,CUSTOM_*", inventories("VCPU", "CUSTOM_A")),
    ("no class at all", "resource_classes:none", inventories()),
    ("a class that is not excluded", "resource_classes:!VCPU,*", inventories("DISK_GB")),
    ("the first pattern that matches decides", "resource_classes:CUSTOM_A,!CUSTOM_*,*",
     inventories("CUSTOM_A", "VCPU")),
    ("classes that are claimed", "resource_classes:VCPU", claim()),
    ("classes that are claimed by a list", "resource_classes:VCPU", claim(version="1.11")),
    ("an operation that names no class", "resource_classes:none", ask("PUT", "/traits/CUSTOM_A")),
    ("a class in the path", "resource_classes:CUSTOM_*", ask("PUT", "/resource_classes/CUSTOM_A")),
    ("a provider in the path", f"providers:{A}", inventories()),
    ("a provider in another spelling", f"providers:{A.upper()}",
     ask("DELETE", f"/resource_providers/{A.replace('-', '')}")),
    ("consumers", f"consumers:{B},{C}", ask("POST", "/allocations", MANY)),
    ("consumer types", "consumer_types:INSTANCE", claim()),
    ("the project of the caller", "projects:%(project_id)s", claim()),
    ("the user of the caller", "users:%(user_id)s", claim()),
    ("a caller that is no pattern", "projects:%(project_id)s",
     ask("PUT", f"/allocations/{C}", {**TYPED, "project_id": "*", "allocations": {}},
         project_id="*")),
    ("traits of a provider", "traits:HW_*",
     ask("PUT", f"{HOST}/traits", {"resource_provider_generation": 0, "traits": ["HW_CPU_X86_AVX"]})),
    ("aggregates", f"aggregates:{B}",
     ask("PUT", f"{HOST}/aggregates", {"resource_provider_generation": 0, "aggregates": [B]})),
    ("no more providers than allowed", "max_providers:2", ask("POST", "/reshaper", RESHAPE)),
    ("no more consumers than allowed", "max_consumers:2", ask("POST", "/allocations", MANY)),
    ("no more than allowed is claimed", "max_amount:VCPU=5", ask("POST", "/allocations", MANY)),
    ("a class without a limit", "max_amount:VCPU=1", claim(DISK_GB=1000)),
    ("a total within the limit", "max_total:CUSTOM_*=8,*=64", inventories("CUSTOM_A", VCPU=64)),
    ("a release", "release:true", ask("DELETE", f"/allocations/{C}")),
    ("a release that writes nothing back", "release:true",
     ask("PUT", f"/allocations/{C}", {**TYPED, "allocations": {}})),
    ("a new microversion", "min_microversion:1.28", claim()),
]  # fmt: skip


@pytest.mark.parametrize(("check", "asked"), [c[1:] for c in PASSES], ids=[c[0] for c in PASSES])
def test_it_passes(check, asked):
    judgement = judged(check, asked)
    assert (judgement.allowed, judgement.error, judgement.reason) == (True, "", None)


FAILS = [
    ("a class that does not match", "resource_classes:CUSTOM_*", inventories("CUSTOM_A", "VCPU"),
     "resource class VCPU is not allowed by resource_classes:CUSTOM_*", ("inventories", "VCPU")),
    ("a class that is excluded", "resource_classes:!VCPU,*", inventories("DISK_GB", "VCPU"),
     "resource class VCPU is not allowed by resource_classes:!VCPU,*", ("inventories", "VCPU")),
    ("a class where none is allowed", "resource_classes:none", inventories("VCPU"),
     "resource class VCPU is not allowed by resource_classes:none", ("inventories", "VCPU")),
    ("a class in the body of a POST", "resource_classes:CUSTOM_*",
     ask("POST", f"{HOST}/inventories",
         {"resource_provider_generation": 0, "resource_class": "VCPU", "total": 1}),
     "resource class VCPU is not allowed by resource_classes:CUSTOM_*", ("resource_class",)),
    ("a class in the path", "resource_classes:CUSTOM_*",
     ask("PUT", f"{HOST}/inventories/VCPU", {"resource_provider_generation": 0, "total": 1}),
     "resource class VCPU is not allowed by resource_classes:CUSTOM_*", ()),
    ("a class that is deleted", "resource_classes:CUSTOM_*",
     ask("DELETE", f"{HOST}/inventories/VCPU"),
     "resource class VCPU is not allowed by resource_classes:CUSTOM_*", ()),
    ("a class that is claimed in a reshape", "resource_classes:VGPU",
     ask("POST", "/reshaper", RESHAPE),
     "resource class CUSTOM_A is not allowed by resource_classes:VGPU",
     ("allocations", C, "allocations", B, "resources", "CUSTOM_A")),
    ("a class that is written in a reshape", "resource_classes:CUSTOM_*",
     ask("POST", "/reshaper", RESHAPE),
     "resource class VGPU is not allowed by resource_classes:CUSTOM_*",
     ("inventories", A, "inventories", "VGPU")),
    ("the name that a class gets", "resource_classes:CUSTOM_A",
     ask("PUT", "/resource_classes/CUSTOM_A", {"name": "CUSTOM_B"}, "1.6"),
     "resource class CUSTOM_B is not allowed by resource_classes:CUSTOM_A", ("name",)),
    ("a provider that is allocated from", f"providers:{A}", ask("POST", "/allocations", MANY),
     f"provider {B} is not allowed by providers:{A}", (C, "allocations", B)),
    ("a provider that is excluded, in another spelling", f"providers:!{A},*",
     ask("DELETE", f"/resource_providers/{A.upper()}"),
     f"provider {A.upper()} is not allowed by providers:!{A},*", ()),
    ("a consumer", f"consumers:{C}", ask("POST", "/allocations", MANY),
     f"consumer {B} is not allowed by consumers:{C}", (B,)),
    ("a consumer type", "consumer_types:MIGRATION", claim(),
     "consumer type INSTANCE is not allowed by consumer_types:MIGRATION", ("consumer_type",)),
    ("another project", "projects:%(project_id)s", ask("POST", "/allocations", MANY),
     "project another is not allowed by projects:%(project_id)s", (B, "project_id")),
    ("a caller that would be a pattern", "projects:%(project_id)s",
     ask("PUT", f"/allocations/{C}", {**TYPED, "allocations": {}}, project_id="*"),
     "project project is not allowed by projects:%(project_id)s", ("project_id",)),
    ("another user", "users:%(user_id)s",
     ask("PUT", f"/allocations/{C}", {**TYPED, "user_id": "b", "allocations": {}}),
     "user b is not allowed by users:%(user_id)s", ("user_id",)),
    ("a trait of a provider", "traits:HW_*",
     ask("PUT", f"{HOST}/traits",
         {"resource_provider_generation": 0, "traits": ["HW_CPU_X86_AVX", "OWNER_NOVA"]}),
     "trait OWNER_NOVA is not allowed by traits:HW_*", ("traits", 1)),
    ("a trait in the path", "traits:HW_*", ask("DELETE", "/traits/CUSTOM_A"),
     "trait CUSTOM_A is not allowed by traits:HW_*", ()),
    ("an aggregate in a bare list", "aggregates:none",
     ask("PUT", f"{HOST}/aggregates", [B], "1.18"),
     f"aggregate {B} is not allowed by aggregates:none", (0,)),
    ("an aggregate", "aggregates:none",
     ask("PUT", f"{HOST}/aggregates", {"resource_provider_generation": 0, "aggregates": [B]}),
     f"aggregate {B} is not allowed by aggregates:none", ("aggregates", 0)),
    ("too many providers", "max_providers:1", ask("POST", "/reshaper", RESHAPE),
     "2 providers are more than max_providers:1 allows", ()),
    ("too many consumers", "max_consumers:1", ask("POST", "/allocations", MANY),
     "2 consumers are more than max_consumers:1 allows", ()),
    ("too much of a class, all together", "max_amount:VCPU=4", ask("POST", "/allocations", MANY),
     "5 of VCPU is more than max_amount:VCPU=4 allows", ()),
    ("a total above the limit", "max_total:CUSTOM_*=8,*=64", inventories(CUSTOM_A=9),
     "9 of CUSTOM_A is more than max_total:CUSTOM_*=8,*=64 allows", ()),
    ("a total above the limit in a POST", "max_total:*=1",
     ask("POST", f"{HOST}/inventories",
         {"resource_provider_generation": 0, "resource_class": "VCPU", "total": 2}),
     "2 of VCPU is more than max_total:*=1 allows", ()),
    ("more than a release", "release:true", ask("POST", "/allocations", MANY),
     "it does more than give back what consumers hold", ()),
    ("what is none of consumers", "release:true", ask("DELETE", HOST),
     "it does more than give back what consumers hold", ()),
    ("an old microversion", "min_microversion:1.28", claim(version="1.11"),
     "microversion 1.11 is older than 1.28", ()),
    ("a name that is long and odd is quoted so",
     "users:none",
     ask("PUT", f"/allocations/{C}", {**TYPED, "user_id": "\u00e9\n" + "x" * 200, "allocations": {}}),
     "user \\xe9\\n" + "x" * 122 + "... is not allowed by users:none", ("user_id",)),
]  # fmt: skip


@pytest.mark.parametrize("case", FAILS, ids=[c[0] for c in FAILS])
def test_it_does_not_pass_and_says_why_and_where(case):
    _, check, asked, what, path = case
    judgement = judged(check, asked)
    assert (judgement.allowed, judgement.error, judgement.rule) == (False, "", "everybody")
    assert tuple(judgement.reason) == (what, path)


CANNOT = [
    ("a deletion of all inventories names no class", "resource_classes:VCPU",
     ask("DELETE", f"{HOST}/inventories"),
     ("resource_classes:VCPU cannot judge what resource_providers:inventories:delete does not name; "
     "ask dropped_classes")),
    ("a deletion of a provider names no class", "resource_classes:VCPU", ask("DELETE", HOST),
     ("resource_classes:VCPU cannot judge what resource_providers:delete does not name; "
     "ask dropped_classes")),
    ("a deletion of all traits names none", "traits:HW_*", ask("DELETE", f"{HOST}/traits"),
     ("traits:HW_* cannot judge what resource_providers:traits:delete does not name; "
     "ask dropped_traits")),
    ("a release names no project", "projects:%(project_id)s", ask("DELETE", f"/allocations/{C}"),
     ("projects:%(project_id)s cannot judge what allocations:delete does not name; "
     "ask released_projects")),
    ("below 1.8 a claim names no project", "projects:%(project_id)s", claim(version="1.7"),
     "projects:%(project_id)s needs a microversion that names every project"),
    ("below 1.38 a claim names no consumer type", "consumer_types:INSTANCE", claim(version="1.11"),
     "consumer_types:INSTANCE needs a microversion that names every consumer type"),
    ("the caller has no project", "projects:%(project_id)s",
     ask("PUT", f"/allocations/{C}", {**TYPED, "allocations": {}}, project_id=None),
     "the caller has no project_id that a pattern can hold"),
    ("the caller's name would be two patterns", "users:%(user_id)s",
     ask("PUT", f"/allocations/{C}", {**TYPED, "allocations": {}}, user_id="a,*"),
     "the caller has no user_id that a pattern can hold"),
    ("the caller's name would exclude", "users:%(user_id)s,*",
     ask("PUT", f"/allocations/{C}", {**TYPED, "allocations": {}}, user_id="!a"),
     "the caller has no user_id that a pattern can hold"),
    ("what is stored cannot be read", "dropped_classes:none", inventories(),
     "there is no Placement to ask what is stored"),
]  # fmt: skip


@pytest.mark.parametrize("case", CANNOT, ids=[c[0] for c in CANNOT])
def test_what_cannot_be_told_refuses(case):
    _, check, asked, error = case
    judgement = judged(check, asked)
    assert (judgement.allowed, judgement.error) == (False, error)


def test_a_name_that_is_not_the_callers_does_not_become_a_pattern():
    asked = claim(version="1.39")
    assert not judged("projects:pro?ect%(user_id)s", asked).allowed


PROBLEMS = [
    ("resource_classes:", "has an empty pattern"),
    ("resource_classes:VCPU,,DISK_GB", "has an empty pattern"),
    ("resource_classes:!", "has an empty pattern"),
    ("resource_classes:!VCPU", "only excludes; put ,* behind it"),
    ("projects:%(porject_id)s", "there is no %(porject_id)s"),
    ("projects:50%", "has a % that is no %(name)s"),
    ("max_providers:many", "is no whole number"),
    ("max_providers:-1", "is no whole number"),
    ("max_amount:VCPU", "'VCPU' is not of the form CLASS=NUMBER"),
    ("max_total:VCPU=1,*", "'*' is not of the form CLASS=NUMBER"),
    ("release:false", "takes only true"),
    ("no_growth:false", "takes only true"),
    ("profiles:cyborg", "takes only any"),
    ("min_microversion:2.1", "is no microversion"),
    ("max_shrink:50", "is no percentage"),
    ("max_shrink:101%", "is no percentage"),
    ("max_shrink:VCPU=", "is no percentage"),
    ("max_cloud_share:1/2", "is no percentage"),
    ("max_tree_share:200%", "is no percentage"),
    ("max_trees:0", "is no whole number from 1 on"),
    ("own_tree:nova-compute", "has no {host} in it"),
    ("own_tree:{host}{host}", "has no {host} in it, or several"),
    *((f"{kind}:a,,b", "has an empty pattern")
      for kind in ("dropped_classes", "added_classes", "dropped_traits", "released_projects",
                   "changed_classes", "owner", "held_classes", "provider_names")),
]  # fmt: skip


@pytest.mark.parametrize(("check", "said"), PROBLEMS, ids=[check for check, _ in PROBLEMS])
def test_a_check_that_cannot_be_meant_is_a_problem(check, said):
    kind, _, match = check.partition(":")
    assert said in CHECKS[kind](kind, match).problem()


def test_the_entry_points_are_the_checks():
    found = importlib.metadata.entry_points(group="oslo.policy.rule_checks")
    text = (policy_asking.POLICY.parents[2] / "pyproject.toml").read_text("utf-8")
    section = text.partition('[project.entry-points."oslo.policy.rule_checks"]\n')[2]
    lines = section.partition("\n\n")[0].splitlines()
    written = dict(line.replace('"', "").split(" = ") for line in lines)
    assert {kind: f"{c.__module__}:{c.__name__}" for kind, c in CHECKS.items()} == written
    assert {each.name for each in found}  # installed at all


def test_another_enforcer_lets_none_of_them_pass():
    rules = oslo_policy.Rules.from_dict({kind: f"{kind}:x" for kind in CHECKS})
    assert not any(rules[kind]({"uuid": A}, {"roles": ["admin"]}, None, kind) for kind in CHECKS)


def test_each_check_says_what_it_is_for():
    for check in CHECKS.values():
        assert check.__doc__.startswith("``"), check
