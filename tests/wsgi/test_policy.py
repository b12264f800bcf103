"""The gate: decided before the body is read, always as Placement would decide."""

import pytest


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
