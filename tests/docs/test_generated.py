"""The generated files are current, and the examples in them are what the guard refuses and takes."""

import sys
from pathlib import Path

import pytest

from placement_guard.outcome import Ending
from placement_guard.rules import RULES, Mode
from placement_guard.stages import ORDER

# Last, so that the guard under test is the one that is installed.
from tests import generated, rule_pages, rule_requests
from tests.rule_examples import EXAMPLES


@pytest.mark.parametrize("path", generated.FILES)
def test_is_current(path):
    assert generated.is_current(path), f"{path} is not current: make samples"


@pytest.mark.parametrize("path", generated.FILES)
def test_names_no_place_on_this_machine(path):
    text = (generated.ROOT / path).read_text(encoding="utf-8")
    places = (str(generated.ROOT), sys.prefix, str(Path.home()) + "/")
    assert [place for place in places if place in text] == []


def test_check_lists_stale_files_and_changes_none(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "FILES", {"page.md": lambda: "new"})
    assert generated.main(["--check"]) == 1
    assert capsys.readouterr().out == "page.md\n"
    assert page.read_text(encoding="utf-8") == "old"
    assert generated.main([]) == 0
    assert page.read_text(encoding="utf-8") == "new"
    assert generated.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("noted", "known"),
    [
        pytest.param(EXAMPLES, [rule.id for rule in RULES], id="rules"),
        pytest.param(generated.STAGES, ORDER, id="stages"),
        pytest.param(generated.OUTCOMES, list(Ending), id="outcomes"),
    ],
)
def test_what_is_noted_by_hand_is_about_what_there_is(noted, known):
    assert set(noted) == set(known)


def test_there_is_no_page_of_a_rule_that_is_gone():
    found = {path.name for path in (generated.ROOT / rule_pages.FOLDER).iterdir()}
    assert found == {"index.md", *map(rule_pages.page_of, RULES)}


each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])

each_rule_let_pass = pytest.mark.parametrize(
    "rule",
    [pytest.param(rule, id=rule.id) for rule in RULES],
)


def _decision(word, rule):
    return f'decision={word}, stage="{rule.stage}", rule="{rule.id}"'


@each_rule
def test_the_first_example_of_a_rule_is_refused_or_warned_of(rule):
    answer = rule_requests.refused(rule)
    if rule.default_mode is Mode.WARN:
        assert answer[:2] == ("204 No Content", _decision("warn", rule))
    else:
        assert int(answer.status[:3]) == rule.status
        assert answer.decision == _decision("reject", rule)


@each_rule
def test_in_mode_enforce_it_is_refused_with_what_the_page_shows(rule):
    answer = rule_requests.refused(rule, {rule.id: "enforce"})
    assert int(answer.status[:3]) == rule.status
    assert answer.decision == _decision("reject", rule)
    assert answer.code == (
        "placement.undefined_code" if rule.placement else f"placement_guard.{rule.id}"
    )
    assert answer.detail.strip()


@each_rule_let_pass
def test_in_observe_mode_it_reaches_placement(rule):
    answer = rule_requests.refused(rule, observe=True)
    failed = EXAMPLES[rule.id].failure is not None
    assert answer.status == ("500 Internal Server Error" if failed else "204 No Content")
    assert answer.decision.startswith(_decision("warn", rule))


@each_rule_let_pass
def test_switched_off_the_rule_is_not_heard_of(rule):
    answer = rule_requests.refused(rule, {rule.id: "off"})
    assert answer.status.startswith("5") == (EXAMPLES[rule.id].failure is not None)
    assert rule.id not in (answer.decision or "")


@each_rule
def test_the_second_example_of_a_rule_is_accepted(rule):
    assert rule_requests.accepted(rule)[:2] == ("204 No Content", None)
