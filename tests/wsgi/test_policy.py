"""The gate: decided before the body is read, always as Placement would decide."""

import types

import pytest
from oslo_context.context import RequestContext

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.rejection import Rejection
from placement_guard.stages import gate_policy
from placement_guard.stages.gate_policy import REMEMBERED_SECONDS, GatePolicy, enforcer_of


class Told:
    """A context's own answer, as Placement's context gives it."""

    def __init__(self, allowed):
        self.allowed, self.asked = allowed, []

    def __call__(self, action, target=None, *, fatal=True):
        self.asked.append((action, target, fatal))
        return self.allowed


def test_a_context_that_can_answer_for_itself_is_asked(stand):
    for allowed, status in ((True, 204), (False, 403)):
        context = stand.context()
        context.can = Told(allowed)
        assert stand.ask(**{"placement.context": context}).status_int == status
        # On a refusal once more, for its wording.
        asked = [False] if allowed else [False, True]
        assert context.can.asked == [("placement:traits:update", None, fatal) for fatal in asked]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        ("placement:traits:update", "placement:traits:update"),
        ("SELECT secret", "Policy does not allow placement:traits:update to be performed."),
    ],
)
def test_of_a_token_of_the_wrong_scope_placement_names_the_rule_only(stand, error, detail):
    def can(action, target=None, *, fatal=True):
        if fatal:
            raise RuntimeError(error)
        return False

    context = stand.context()
    context.can = can
    answer = stand.ask(**{"placement.context": context})
    assert answer.status_int == 403
    assert answer.json["errors"][0]["detail"] == (
        f"Access was denied to this resource.\n\n {detail}  "
    )


def test_any_other_context_is_judged_by_placements_defaults(stand):
    for roles, status in ((["service"], 204), (["admin"], 204), (["member"], 403), ([], 403)):
        context = stand.context(roles=roles)
        assert stand.ask(**{"placement.context": context}).status_int == status


def test_a_refusal_is_in_placements_words(stand):
    answer = stand.ask(**{"placement.context": stand.context(roles=["reader"])})
    assert answer.json["errors"][0]["detail"] == (
        "Access was denied to this resource.\n\n"
        " Policy does not allow placement:traits:update to be performed.  "
    )


def test_reads_are_left_to_placement(stand):
    context = stand.context(roles=[])
    stand.application.answer = ("200 OK", [("Content-Type", "text/plain")], [b"x"])
    assert stand.ask("/traits", "GET", **{"placement.context": context}).status_int == 200


def test_reads_are_asked_for_where_the_operator_wants_it(stand):
    context = stand.context(roles=[])
    settings = {"policy_on_reads": True}
    answer = stand.ask("/traits", "GET", settings=settings, **{"placement.context": context})
    assert answer.status_int == 403


@pytest.mark.parametrize("version", ["1.5", "1.0"])
def test_below_its_first_microversion_placement_answers(stand, version):
    """There it answers 404 before it asks the policy."""
    answer = stand.ask(
        HTTP_OPENSTACK_API_VERSION=f"placement {version}",
        **{"placement.context": stand.context(roles=[])},
    )
    assert answer.status_int == 204


@pytest.mark.parametrize("version", ["1.99", "banana", "0.1", "2.0", "1"])
def test_at_no_microversion_at_all_placement_answers(stand, version):
    answer = stand.ask(
        "/resource_providers",
        "POST",
        body=b"{",
        HTTP_OPENSTACK_API_VERSION=f"placement {version}",
    )
    assert answer.status_int == 204


def test_the_operators_policy_file_is_read(stand, tmp_path):
    import webtest
    from oslo_config import cfg
    from oslo_policy import opts

    from placement_guard import Guard

    file = tmp_path / "policy.yaml"
    file.write_text('"placement:traits:update": "role:gardener"\n')
    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, policy_file=str(file))
    conf([], default_config_files=[], default_config_dirs=[])
    app = webtest.TestApp(Guard(stand.application, conf=conf, registry=stand.registry))
    for roles, status in ((["gardener"], 204), (["admin"], 403)):
        request = webtest.TestRequest.blank(
            "/traits/CUSTOM_A",
            method="PUT",
            environ={
                "placement.context": stand.context(roles=roles),
                "HTTP_OPENSTACK_API_VERSION": "placement latest",
            },
        )
        assert app.do_request(request, status=status)


def test_a_scope_that_the_rule_does_not_take_is_refused(stand):
    context = stand.context(project_id=None, system_scope="all")
    assert stand.ask(**{"placement.context": context}).status_int == 403


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


class Context(RequestContext):
    """A context that answers for itself, by what the policy of its class says."""

    allowed, asked = True, 0

    def can(self, action, target=None, *, fatal=True):
        type(self).asked += 1
        return self.allowed


@pytest.fixture
def gate():
    """A gate, its clock, a context class of its own; ``gate.passes(...)`` sends one exchange."""
    clock, kind = Clock(), type("Context", (Context,), {})
    router = Router()
    stage = GatePolicy(enforcer_of(None), clock=clock)

    def passes(path="/traits/CUSTOM_A", **values):
        context = kind(**{"user_id": "user", "roles": ["admin"], "overwrite": False, **values})
        exchange = begin({"REQUEST_METHOD": "PUT", "PATH_INFO": path}, router)
        given = exchange.extended(context=context, version=(1, 39))
        return not isinstance(stage(given), Rejection)

    return types.SimpleNamespace(passes=passes, clock=clock, kind=kind)


def test_a_yes_is_remembered_for_a_second(gate):
    assert [gate.passes() for _ in range(3)] == [True] * 3
    assert gate.kind.asked == 1
    gate.clock.now += REMEMBERED_SECONDS
    gate.kind.allowed = False
    assert gate.passes() is False
    assert REMEMBERED_SECONDS <= 1


def test_a_no_is_not_remembered(gate):
    gate.kind.allowed = False
    assert gate.passes() is False
    gate.kind.allowed = True
    assert gate.passes() is True


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "other"},
        {"project_id": "project"},
        {"roles": ["admin", "reader"]},
        {"roles": []},
        {"system_scope": "all"},
        {"service_roles": ["service"]},
        {"path": "/resource_classes/CUSTOM_A"},
    ],
    ids=repr,
)
def test_a_yes_to_one_is_none_to_another(gate, other):
    assert gate.passes()
    gate.kind.allowed = False
    assert gate.passes(**other) is False
    assert gate.passes()


def test_a_trait_of_another_name_is_the_same_question(gate):
    assert gate.passes()
    assert gate.passes("/traits/CUSTOM_B")
    assert gate.kind.asked == 1


def test_what_is_remembered_is_bounded(gate, monkeypatch):
    monkeypatch.setattr(gate_policy, "MAX_REMEMBERED", 2)
    assert all(gate.passes(user_id=str(number % 3)) for number in range(6))
    assert 3 < gate.kind.asked <= 6
