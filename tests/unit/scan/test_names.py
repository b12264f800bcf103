"""Names that fool a terminal, and names against their pattern."""

import pytest

from placement_guard.scan.names import has_control, judge_name


@pytest.mark.parametrize(
    "text",
    ["a\0", "\x1b[31m", "tab\t", "line\n", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\u200b",
     "\ufeff", "\ud800", "\U000e0041"],
    ids=ascii,
)  # fmt: skip
def test_a_control_character(text):
    assert has_control(text)
    (finding,) = judge_name("trait", text)
    assert finding.kind == "name.control_character"
    assert judge_name("provider", text, free=True, provider="p")[0].provider == "p"


@pytest.mark.parametrize("text", ["compute-1", "", None, "Zürich 🌍", "a\\x1b", "日本", "\u00a0"])
def test_no_control_character(text):
    assert not has_control(text)
    assert judge_name("provider", text, free=True) == []


@pytest.mark.parametrize("text", ["VCPU", "CUSTOM_A_1", "0"])
def test_a_name_by_the_pattern(text):
    assert judge_name("trait", text) == []


@pytest.mark.parametrize("text", ["vcpu", "CUSTOM-A", "A B", "", None, "CUSTOM_É"])
def test_a_name_against_the_pattern(text):
    (finding,) = judge_name("trait", text)
    assert finding.kind == "name.pattern"
    assert finding.what == f"the name of a trait is not of A-Z, 0-9 and _: {text}"
