"""Who asks: each way in which a context can be wrong gets a 401 with a rule of its own."""

import logging

import pytest
import webtest
from oslo_context.context import RequestContext


def context(**changes):
    values = {"user_id": "user", "project_id": "project", "roles": ["admin"], "overwrite": False}
    return RequestContext(**{**values, **changes})


REFUSED = [
    ("no context", {"placement.context": None}, "context.missing"),
    ("a dict for a context", {"placement.context": {"user_id": "user"}}, "context.wrong_type"),
    ("no user", {"placement.context": context(user_id=None)}, "context.no_user"),
    ("an empty user", {"placement.context": context(user_id="")}, "context.no_user"),
    ("another user", {"HTTP_X_USER_ID": "other"}, "context.contradicts_headers"),
    ("another project", {"HTTP_X_PROJECT_ID": "other"}, "context.contradicts_headers"),
    ("no project in the headers", {"HTTP_X_PROJECT_ID": ""}, "context.contradicts_headers"),
    ("more roles", {"HTTP_X_ROLES": "admin,service"}, "context.contradicts_headers"),
    ("fewer roles", {"HTTP_X_ROLES": ""}, "context.contradicts_headers"),
    ("status Invalid", {"HTTP_X_IDENTITY_STATUS": "Invalid"}, "context.not_confirmed"),
    ("status empty", {"HTTP_X_IDENTITY_STATUS": ""}, "context.not_confirmed"),
]


@pytest.mark.parametrize(
    ("environ", "rule"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_wrong_identity_is_refused(stand, environ, rule):
    if "placement.context" not in environ:
        environ = {**environ, "placement.context": context()}
    answer = stand.ask(**environ)
    assert answer.status_int == 401
    assert answer.headers["Placement-Guard"] == (
        f'decision=reject, stage="identity", rule="{rule}"'
    )
    assert answer.json["errors"][0]["code"] == f"placement_guard.{rule}"
    assert not stand.application.asked
    assert (
        stand.count(
            "placement_guard_rejections_total",
            stage="identity",
            rule=rule,
            operation="traits:update",
            mode="enforce",
        )
        == 1
    )


ACCEPTED = [
    ("no headers at all", context(), {}),
    ("all headers", context(), {"HTTP_X_USER_ID": "user", "HTTP_X_PROJECT_ID": "project"}),
    (
        "roles in another order, with blanks",
        context(roles=["a", "admin"]),
        {"HTTP_X_ROLES": "admin, a"},
    ),
    (
        "noauth2's tenant header",
        context(),
        {"HTTP_X_TENANT_ID": "project", "HTTP_X_USER_ID": "user"},
    ),
    (
        "a system-scoped token",
        context(project_id=None, system_scope="all"),
        {"HTTP_OPENSTACK_SYSTEM_SCOPE": "all", "HTTP_X_USER_ID": "user"},
    ),
    ("an empty project for a token without", context(project_id=None), {"HTTP_X_PROJECT_ID": ""}),
    (
        "a service token",
        context(service_user_id="nova", service_roles=["service"]),
        {"HTTP_X_SERVICE_USER_ID": "nova", "HTTP_X_SERVICE_ROLES": "service"},
    ),
    ("a confirmed status", context(), {"HTTP_X_IDENTITY_STATUS": "Confirmed"}),
]


@pytest.mark.parametrize(
    ("given", "environ"), [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED]
)
def test_a_sound_identity_passes(stand, given, environ):
    # A copy: a context serves one request only, and a parameter stays for the whole run.
    answer = stand.ask(
        **{"placement.context": RequestContext.from_dict(given.to_dict())}, **environ
    )
    # Placement's policy lets no system-scoped token write; that is not a matter of identity.
    assert answer.status_int == (403 if given.system_scope else 204)
    assert not {rule for rule in stand.rejections() if rule.startswith("context.")}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", ""])
def test_the_root_is_open_for_every_method(stand, path, method):
    answer = stand.ask(path, method, **{"placement.context": None})
    assert answer.status_int == 204
    assert len(stand.application.asked) == 1


def test_a_context_serves_one_request_only(stand):
    shared = context()
    assert stand.ask(**{"placement.context": shared}).status_int == 204
    answer = stand.ask(**{"placement.context": shared})
    assert answer.status_int == 401
    assert 'rule="context.reused"' in answer.headers["Placement-Guard"]


def test_a_fixed_context_may_be_allowed(stand):
    shared = context()
    for _ in range(3):
        answer = stand.ask(
            settings={"rules": {"context.reused": "off"}}, **{"placement.context": shared}
        )
        assert answer.status_int == 204


def test_a_rule_in_mode_warn_lets_the_request_through_and_asks_the_next(stand):
    answer = stand.ask(
        settings={"rules": {"context.contradicts_headers": "warn"}},
        HTTP_X_USER_ID="other",
        **{"placement.context": context()},
    )
    assert answer.status_int == 204
    assert answer.headers["Placement-Guard"] == (
        'decision=warn, stage="identity", rule="context.contradicts_headers"'
    )
    shared = context()
    for status in (204, 401):
        answer = stand.ask(
            settings={"rules": {"context.contradicts_headers": "off"}},
            HTTP_X_USER_ID="other",
            **{"placement.context": shared},
        )
        assert answer.status_int == status


def test_two_guards_in_one_pipeline_see_one_request(stand):
    outer = webtest.TestApp(stand.guard())
    outer.app.application = stand.guard()
    request = webtest.TestRequest.blank(
        "/traits/CUSTOM_A",
        method="PUT",
        environ={"placement.context": context(), "HTTP_OPENSTACK_API_VERSION": "placement 1.39"},
    )
    assert outer.do_request(request).status_int == 204


def test_a_wrong_pipeline_is_logged_once_at_error(stand, caplog):
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            stand.ask(**{"placement.context": None})
    errors = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "context.missing" in errors[0].getMessage()
    assert "pipeline around the guard is wrong" in errors[0].getMessage()


def test_what_a_client_can_cause_is_no_error_in_the_log(stand, caplog):
    with caplog.at_level(logging.INFO):
        stand.ask(HTTP_X_IDENTITY_STATUS="Invalid")
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_a_root_without_a_context_behind_which_placement_fails_is_a_401(stand):
    """Placement's handler needs a context for the root too, and raises KeyError without."""
    stand.application.error = KeyError("placement.context")
    answer = stand.ask("/", "GET", **{"placement.context": None})
    assert answer.status_int == 401
    assert 'rule="context.missing"' in answer.headers["Placement-Guard"]
