"""From check strings to rules: what is an error, and what a rule answers."""

import pytest

from placement_guard.policy.files import Place, PolicyError, Written
from placement_guard.policy.judge import load
from placement_guard.policy.parsing import parsed
from tests import policy_asking

PUT = policy_asking.exchange(
    "PUT",
    "/resource_providers/a0000000-0000-4000-8000-000000000000/inventories",
    {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 1}}},
    user_name="cyborg",
    roles=["Service"],
)


def problems(**rules):
    written = {
        name: Written(name, text, Place("p.yaml", line, 1), Place("p.yaml", line, 10))
        for line, (name, text) in enumerate(rules.items(), 1)
    }
    with pytest.raises(PolicyError) as caught:
        parsed(written)
    return [str(problem) for problem in caught.value.problems]


WRONG = [
    ("a mistyped check", "resource_class:VCPU",
     "p.yaml:1:10: there is no check resource_class; did you mean resource_classes?"),
    ("a mistyped check further on", "role:a and max_provider:8",
     "p.yaml:1:21: there is no check max_provider; did you mean max_providers?"),
    ("a mistyped name of the caller", "user_nam:cyborg",
     "p.yaml:1:10: there is no check user_nam; did you mean user_name?"),
    ("no check at all", "role:a or cyborg", "p.yaml:1:20: cyborg is no check; a check is KIND:MATCH"),
    ("words alone", "allow", "p.yaml:1:10: allow is no check; a check is KIND:MATCH"),
    ("a rule that does not exist", "rule:cyborgs", "p.yaml:1:10: there is no rule cyborgs"),
    ("a check that asks another server", "http://example.org/%(user_id)s",
     ("p.yaml:1:10: http://example.org/%(user_id)s: a policy that asks another server is not "
     "supported here")),
    ("an operator without its half", "role:a and", "p.yaml:1:10: x cannot be understood: role:a and"),
    ("two checks without an operator", "role:a role:b",
     "p.yaml:1:10: x cannot be understood: role:a role:b"),
    ("a parenthesis that is not closed", "(role:a", "p.yaml:1:10: x cannot be understood: (role:a"),
    ("a bad number", "max_providers:eight",
     "p.yaml:1:10: max_providers:eight: 'eight' is no whole number from 0 on"),
    ("a name that the caller has not", "projects:%(porject_id)s",
     "p.yaml:1:10: projects:%(porject_id)s: '%(porject_id)s' there is no %(porject_id)s"),
    ("a name that a check of the caller has not", "user_id:%(nobody)s",
     "p.yaml:1:10: user_id:%(nobody)s: there is no %(nobody)s"),
    ("a percent sign in a check of the caller", "user_id:50%",
     "p.yaml:1:10: user_id:50%: has a % that is no %(name)s"),
    ("a not that would hide one class behind another", "not resource_classes:VCPU",
     ("p.yaml:1:14: not resource_classes:VCPU would say: not all of them; write ! before a pattern "
     "to exclude it")),
    ("such a not around more", "not (role:a and (max_shrink:5% or role:b))",
     ("p.yaml:1:27: not max_shrink:5% would say: not all of them; write ! before a pattern to "
     "exclude it")),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=[c[0] for c in WRONG])
def test_what_is_mistyped_is_told_with_its_place(case):
    _, text, said = case
    assert problems(x=text) == [said]


def test_such_a_not_is_found_through_other_rules():
    said = "p.yaml:3:10: not traits:HW_* would say: not all of them; "
    found = problems(a="traits:HW_*", b="rule:a", c="not rule:b")
    assert [text[: len(said)] for text in found] == [said]


def test_rules_that_lead_back_to_themselves_are_told_once():
    assert problems(a="rule:b", b="role:x or rule:c", c="not rule:a", d="rule:d", e="rule:a") == [
        "p.yaml:1:1: a leads back to itself",
        "p.yaml:4:1: d leads back to itself",
    ]


def test_a_rule_that_is_nested_for_ever_is_a_problem(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text('"everybody": "' + "not (" * 3000 + "@" + ")" * 3000 + '"\n')
    with pytest.raises(PolicyError):
        load(str(path), [])


ANSWERS = [
    ("@", True), ("", True), ("!", False),
    ("role:service", True), ("role:SERVICE", True), ("role:admin", False),
    ("user_name:cyborg", True), ("user_name:Cyborg", False), ("user_name:%(user_name)s", True),
    ("user_name:%(user_id)s", False), ("domain_id:None", False), ("domain_id:", False),
    ("roles:Service", True), ("is_admin_project:True", True),
    ("'cyborg':%(user_name)s", True), ("'nova':%(user_name)s", False),
    ("not role:admin", True), ("not role:service", False), ("not (role:a or role:service)", False),
    ("role:a or role:b or role:service", True), ("role:service and role:a", False),
    ("role:a and role:b or role:service", True), ("(role:a or role:service) and user_name:cyborg", True),
    ("resource_classes:VCPU and not max_providers:0", True),
    ("not release:true", True), ("NOT role:a AND role:service", True),
    ("rule:helper", True), ("not rule:helper", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), ANSWERS, ids=[text or "nothing" for text, _ in ANSWERS]
)
def test_a_rule_answers_as_oslo_policy_would(text, expected):
    rules = {"everybody": text, "helper": "role:service"}
    judgement = policy_asking.policy(rules).judge(policy_asking.question(PUT))
    assert (judgement.allowed, judgement.error) == (expected, "")


REASONS = [
    ("the first of two that must pass", "max_providers:0 and resource_classes:DISK_GB",
     "1 providers are more than max_providers:0 allows"),
    ("the second, where the first passes", "max_providers:1 and resource_classes:DISK_GB",
     "resource class VCPU is not allowed by resource_classes:DISK_GB"),
    ("of alternatives the first", "max_providers:0 or resource_classes:DISK_GB",
     "1 providers are more than max_providers:0 allows"),
    ("not that of an alternative that was not needed",
     "(max_providers:0 or @) and resource_classes:DISK_GB",
     "resource class VCPU is not allowed by resource_classes:DISK_GB"),
    ("not that of a not", "not max_providers:0 and resource_classes:DISK_GB",
     "resource class VCPU is not allowed by resource_classes:DISK_GB"),
    ("through another rule", "rule:helper", "1 providers are more than max_providers:0 allows"),
]  # fmt: skip


@pytest.mark.parametrize("case", REASONS, ids=[c[0] for c in REASONS])
def test_the_reason_is_that_of_what_decided(case):
    _, text, what = case
    rules = {"everybody": text, "helper": "max_providers:0"}
    judgement = policy_asking.policy(rules).judge(policy_asking.question(PUT))
    assert judgement.reason.what == what


def test_a_rule_of_the_caller_alone_has_no_reason():
    judgement = policy_asking.policy({"everybody": "role:admin"}).judge(policy_asking.question(PUT))
    assert (judgement.allowed, judgement.reason, judgement.error) == (False, None, "")


def test_who_reads_what_is_stored_is_known_through_other_rules():
    rules = policy_asking.policy(
        {"a": "rule:b or @", "b": "not rule:c", "c": "max_cloud_share:5%", "d": "max_providers:1"}
        | {"c": "role:a", "b": "rule:e", "e": "role:x and held_classes:VCPU"}
    ).rules
    assert {name for name, rule in rules.items() if rule.reads_state} == {"a", "b", "e"}
