"""A judge says what a guard would say; and where the recording does not say enough, so."""

import pytest

from placement_guard.rejection import reject
from placement_guard.replay.errors import CannotReplayError
from placement_guard.replay.judge import Decision, Verdict, recorded, undecided

OPINION = "inventory.min_above_max"
ENFORCED = {"rules": {OPINION: "enforce"}}
PUT = "placement:resource_providers:inventories:update"


def refused(rule):
    return Verdict(Decision.REFUSED, rule)


def passed(*warnings):
    return Verdict(Decision.PASSED, warnings=warnings)


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, passed(OPINION)),
        (ENFORCED, refused(OPINION)),
        ({"rules": {OPINION: "off"}}, passed()),
        ({**ENFORCED, "observe": True}, passed(OPINION)),
    ],
)
def test_the_modes_of_rules_decide(stand, settings, verdict):
    assert stand.judge(**settings)(stand.record(stand.ODD), stand.header()) == verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (None, passed()),
        (f'"{PUT}": "user_id:nova"', passed()),
        (f'"{PUT}": "project_id:%(project_id)s"', passed()),
        (f'"{PUT}": "user_id:cyborg"', refused("policy.forbidden")),
        (f'"{PUT}": "!"', refused("policy.forbidden")),
    ],
)
def test_the_policy_decides(stand, policy, verdict):
    judge = stand.judge(policy)
    assert judge(stand.record(stand.GOOD), stand.header()) == verdict


def test_what_is_missing_of_the_user_is_seen(stand):
    judge = stand.judge()
    for changes, rule in (
        ({"context": "missing", "identity": {}}, "context.missing"),
        ({"context": "wrong_type", "identity": {}}, "context.wrong_type"),
        ({"identity": {}}, "context.no_user"),
        ({"reused": True}, "context.reused"),
        ({"headers": {"HTTP_X_USER_ID": "other"}}, "context.contradicts_headers"),
        ({"headers": {"HTTP_X_IDENTITY_STATUS": "Invalid"}}, "context.not_confirmed"),
    ):
        assert judge(stand.record(**changes), stand.header()) == refused(rule)


def test_a_policy_that_cannot_be_read_is_an_error(stand):
    with pytest.raises(CannotReplayError, match="the policy cannot be used"):
        stand.judge('"placement:traits:update": [')


@pytest.mark.parametrize("bodies", ["shape", "none"])
@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, passed(OPINION)),
        (ENFORCED, refused(OPINION)),
        ({"rules": {OPINION: "off"}}, passed()),
        ({"max_body_bytes": 1024}, refused("body.too_large")),
    ],
)
def test_without_the_body_what_was_found_then_is_what_is_found(stand, bodies, settings, verdict):
    one = stand.record(stand.ODD.replace("}}}", "}}" + " " * 1024 + "}"), warnings=[OPINION])
    record = stand.reduced(one, bodies)
    assert stand.judge(**settings)(record, stand.header(bodies)) == verdict


@pytest.mark.parametrize(
    ("then", "now", "rule", "why"),
    [
        ({"rules": {OPINION: "off"}}, {}, "", "not_asked_then"),
        ({}, {}, "policy.forbidden", "not_asked_then"),
        ({}, {"rules": {"json.malformed": "off"}}, "document.invalid", "other_modes"),
    ],
)
def test_without_the_body_what_was_not_asked_then_is_undecided(stand, then, now, rule, why):
    one = stand.reduced(stand.record(stand.GOOD, rule=rule, outcome="rejected"), "none")
    assert stand.judge(**now)(one, stand.header("none", **then)) == undecided(why)


def test_without_the_body_another_version_of_the_guard_may_say_otherwise(stand):
    one = stand.reduced(stand.record(stand.GOOD), "none")
    for header in (stand.header("none", guard="0.0.1"), None):
        assert stand.judge()(one, header) == undecided("other_version")


def test_without_the_body_a_rule_that_refused_still_does(stand):
    one = stand.record(stand.GOOD, rule="document.invalid", outcome="rejected")
    for bodies in ("none", "shape"):
        record = stand.reduced(one, bodies)
        assert stand.judge()(record, stand.header(bodies)) == refused("document.invalid")


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (f'"{PUT}": "role:service"', passed()),
        (f'"{PUT}": "project_id:%(project_id)s"', passed()),
        (f'"{PUT}": "user_id:%(project_id)s"', refused("policy.forbidden")),
        (f'"{PUT}": "role:service or user_id:nova"', passed()),
        (f'"{PUT}": "user_id:nova"', undecided("hidden_value")),
        (f'"{PUT}": "not user_id:nova"', undecided("hidden_value")),
    ],
)
def test_a_hidden_name_equals_itself_and_is_no_other_for_sure(stand, policy, verdict):
    record = stand.reduced(stand.record(stand.GOOD), "shape")
    judge = stand.judge(policy)
    for _ in range(2):  # the gate remembers no doubt
        assert judge(record, stand.header("shape")) == verdict


def test_a_body_that_nobody_read_is_undecided_once_it_is_needed(stand):
    length = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "5000"}
    one = stand.record(headers=length, rule="policy.forbidden", outcome="rejected", asked=False)
    assert stand.judge()(one, stand.header()) == undecided("body_not_read")
    assert stand.judge(max_body_bytes=4096)(one, stand.header()) == refused("body.too_large")
    assert stand.judge(f'"{PUT}": "!"')(one, stand.header()) == refused("policy.forbidden")


def test_a_body_that_ended_too_early_still_does(stand):
    length = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "50"}
    one = stand.record(headers=length, rule="body.incomplete", outcome="rejected", asked=False)
    assert stand.judge()(one, stand.header()) == refused("body.incomplete")


AGGREGATES = "/resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c/aggregates"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"outcome": "committed"}, refused("document.invalid")),
        ({"outcome": "rejected", "rule": "document.invalid"}, refused("document.invalid")),
        ({"outcome": "refused_by_placement", "status": 404}, undecided("provider_asked")),
        ({"outcome": "rejected", "rule": "policy.forbidden"}, undecided("provider_asked")),
    ],
)
def test_where_placement_is_asked_for_the_provider_it_must_have_been_seen(stand, changes, verdict):
    one = stand.record('{"aggregates": 1}', path=AGGREGATES, **changes)
    assert stand.judge()(one, stand.header()) == verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, passed()),
        ({"warnings": [OPINION, OPINION, "query.nul_character"]}, passed(OPINION)),
        ({"outcome": "rejected", "rule": "policy.forbidden"}, refused("policy.forbidden")),
        ({"outcome": "rejected", "rule": "query.nul_character"}, passed()),
        ({"outcome": "rejected", "rule": "context.missing", "path": "/"}, passed()),
        ({"outcome": "shed", "status": 503, "asked": False}, passed()),
        ({"outcome": "failed", "status": 500}, passed()),
        ({"outcome": "failed", "status": 500, "asked": False}, undecided("guard_failed")),
        (
            {"outcome": "refused_by_placement", "status": 404, "asked": False},
            undecided("provider_asked"),
        ),
    ],
)
def test_what_was_recorded_is_a_verdict_too(stand, changes, verdict):
    assert recorded(stand.record(**changes)) == verdict


def test_what_makes_a_stage_fail_is_undecided(stand, monkeypatch, caplog):
    def fail(_exchange):
        raise RuntimeError("secret")

    judge = stand.judge()
    monkeypatch.setattr(judge, "_journey", (("identity", fail),))
    assert judge(stand.record(stand.GOOD), stand.header()) == undecided("cannot_be_judged")
    assert "secret" not in caplog.text


def test_a_doubt_that_a_stage_took_for_an_answer_is_one_all_the_same(stand, monkeypatch):
    """As a policy that fails closed does."""

    def fails_closed(exchange):
        try:
            return reject("policy.forbidden") if exchange.context.user_id != "nova" else exchange
        except Exception:
            return reject("policy.forbidden")

    judge = stand.judge()
    monkeypatch.setattr(judge, "_journey", (*judge._journey, ("target_policy", fails_closed)))
    whole = stand.record(stand.GOOD)
    assert judge(whole, stand.header()) == passed()
    shape = stand.reduced(whole, "shape")
    assert judge(shape, stand.header("shape")) == undecided("hidden_value")


@pytest.fixture
def by_target(stand, tmp_path):
    """A judge by this target policy."""

    def judge(policy, **settings):
        file = tmp_path / "target.yaml"
        file.write_text(policy)
        return stand.judge(target_policy_file=str(file), **settings)

    return judge


UPDATE = "placement_guard:resource_providers:inventories:update"
ASKS = f'"{UPDATE}": "%s"\n'


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        pytest.param("resource_classes:VCPU", passed(), id="what is written is in the recording"),
        pytest.param(
            "resource_classes:CUSTOM_*",
            Verdict(Decision.REFUSED, "policy.target_forbidden", UPDATE),
            id="and may be refused",
        ),
        pytest.param("max_shrink:50%", undecided("needs_more"), id="what is stored is not"),
        pytest.param(
            "resource_classes:VCPU or max_shrink:50%", passed(), id="it may not be needed"
        ),
        pytest.param(
            "resource_classes:CUSTOM_* or max_shrink:50%",
            undecided("needs_more"),
            id="where it is needed it is not",
        ),
    ],
)
def test_a_policy_that_sees_the_payload_decides(stand, by_target, check, verdict):
    judge = by_target(ASKS % check)
    for _ in range(2):
        assert judge(stand.record(stand.GOOD), stand.header()) == verdict


def test_what_is_only_observed_hangs_on_what_is_stored_too(stand, by_target):
    judge = by_target(ASKS % "max_shrink:50%", target_policy_observe=("placement_guard:*",))
    assert judge(stand.record(stand.GOOD), stand.header()) == undecided("needs_more")


def test_what_could_not_be_evaluated_live_either_is_refused(stand, by_target):
    judge = by_target(ASKS % "max_shrink:50%")
    nothing = stand.record(stand.GOOD, path="/resource_providers/no-uuid/inventories")
    assert judge(nothing, stand.header()) == Verdict(
        Decision.REFUSED, "policy.not_evaluable", UPDATE
    )


def test_a_hidden_value_that_a_policy_asks_for_is_undecided_and_no_failure(
    stand, by_target, caplog
):
    shape = stand.reduced(stand.record(stand.GOOD), "shape")
    judge = by_target(ASKS % "max_total:VCPU=8")
    assert judge(shape, stand.header("shape")) == undecided("hidden_value")
    assert not caplog.records
