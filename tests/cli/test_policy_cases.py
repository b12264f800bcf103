"""The profiles that are shipped, by the cases that are shipped."""

import json

import pytest

from placement_guard.cli import main
from placement_guard.policy.judge import load
from tests.policy_asking import POLICY

CASES = POLICY.parent / "policy-cases"
FILES = sorted(CASES.rglob("*.yaml"))


@pytest.fixture(scope="module")
def tested():
    """What ``placement-guard policy test`` says of all of them, by file and name of the case."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(["policy", "test", "--format", "json", *map(str, FILES)])
    found = json.loads(said.getvalue())["cases"]
    return code, found


def test_every_case_comes_out_as_it_says(tested):
    code, cases = tested
    assert [case for case in cases if not case["passed"]] == []
    assert code == 0
    assert len(cases) > 80


def test_there_is_a_file_for_each_file_of_the_policy_and_no_name_stands_there_twice(tested):
    assert [file.relative_to(CASES) for file in FILES] == [
        file.relative_to(POLICY) for file in sorted(POLICY.rglob("*.yaml"))
    ]
    names = [(case["file"], case["case"]) for case in tested[1]]
    assert len(names) == len(set(names))


def test_for_every_profile_something_passes_and_something_is_refused(tested):
    profiles = load("", [str(POLICY)]).profiles
    assert len(profiles) == 8
    decided = {(str(case["rule"]).partition(":")[0], case["got"]) for case in tested[1]}
    wanted = {(profile, got) for profile in profiles for got in ("allowed", "refused")}
    # An operator is refused what takes too much; see tests/placement.
    assert wanted - decided == {("operator", "refused")}


def test_each_case_that_a_rule_decided_says_where_it_stands(tested):
    for case in tested[1]:
        assert (case["rule"] is None) == (case["where"] is None), case
        if case["rule"] is not None:
            assert "/policy.d/" in case["where"], case
