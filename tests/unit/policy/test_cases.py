"""The profiles that are shipped, by the cases that are shipped."""

import pytest

from tests import policy_asking

CASES = list(policy_asking.cases())


@pytest.fixture(scope="module")
def policies():
    """The policy that the cases of a file are for."""
    made = {}

    def of(file):
        optional = (file.removeprefix("optional/"),) if file.startswith("optional/") else ()
        if optional not in made:
            made[optional] = policy_asking.shipped(*optional)
        return made[optional]

    return of


@pytest.mark.parametrize("case", CASES, ids=[f"{c.file}: {c.name}" for c in CASES])
def test_a_case_comes_out_as_it_says(policies, case):
    question = policy_asking.question(case.asked, case.stored)
    judgement = policies(case.file).judge(question)
    said = judgement.error or (judgement.reason.what if judgement.reason else "")
    assert (policy_asking.verdict(judgement), judgement.rule) == (case.expect, case.rule), said
    assert case.reason in said


def test_every_profile_and_every_rule_of_a_profile_is_tried(policies):
    decided = {case.rule for case in CASES}
    rules = policies("").rules
    assert len(policies("").profiles) == 8
    # What lets everything pass, and its like for a profile that a case has tried, need no case each.
    assert {name.partition(":")[0] for name in decided} >= set(policies("").profiles)
    assert decided - {""} <= {
        *rules,
        *policies("optional/lockdown.yaml").rules,
        *policies("optional/maintenance.yaml").rules,
    }


def test_names_are_not_used_twice():
    names = [(case.file, case.name) for case in CASES]
    assert len(names) == len(set(names))
