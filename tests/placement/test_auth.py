"""keystone's own middleware in front, bare and guarded: the same tokens give the same answers.

Only the fetching of a token from keystone is replaced, by the fixture that keystonemiddleware
ships for it.
"""

import types

import pytest
import webtest
from keystoneauth1.fixture import V3Token
from keystonemiddleware.fixture import AuthTokenFixture
from prometheus_client import CollectorRegistry

TOKENS = {
    "admin": {"roles": ["admin"], "project": "p1"},
    "service": {"roles": ["service"], "project": "services"},
    "member": {"roles": ["member"], "project": "p1"},
    "reader": {"roles": ["reader"], "project": "p1"},
    "system": {"roles": ["admin"], "system": True},
}


def token_of(roles, project=None, *, system=False):
    token = V3Token(user_id="u1", user_name="user", user_domain_id="default")
    if system:
        token.set_system_scope()
    else:
        token.set_project_scope(id=project, name=project, domain_id="default", domain_name="d")
    for role in roles:
        token.add_role(name=role)
    return token


@pytest.fixture(scope="module", params=[False, True], ids=["decided at once", "decision delayed"])
def clouds(request, tmp_path_factory, api):
    from placement import db_api

    from placement_guard.placement import bare_loadapp, loadapp

    directory = tmp_path_factory.mktemp("keystone")
    path = api.write_conf(
        directory,
        api={"auth_strategy": "keystone"},
        keystone_authtoken={
            "www_authenticate_uri": "http://127.0.0.1:1/v3",
            "auth_type": "none",
            "delay_auth_decision": request.param,
        },
    )
    fixture = AuthTokenFixture()
    with api.placement_of_its_own(), fixture:
        for name, what in TOKENS.items():
            fixture.add_token(token_of(**what), name)
        conf = api.read_conf(path)
        db_api.configure(conf)
        registry = CollectorRegistry()
        yield types.SimpleNamespace(
            bare=webtest.TestApp(bare_loadapp(conf)),
            guarded=webtest.TestApp(loadapp(conf, registry=registry)),
            registry=registry,
        )


def both(clouds, method, path, token=None, **headers):
    given = {"OpenStack-API-Version": "placement 1.39", **headers}
    if token is not None:
        given["X-Auth-Token"] = token
    return [
        app.request(path, method=method, headers=given, expect_errors=True).status_int
        for app in (clouds.bare, clouds.guarded)
    ]


WRITE = ("PUT", "/traits/CUSTOM_AUTH")
EXPECTED = [
    ("admin", {201, 204}),
    ("service", {201, 204}),
    ("member", {403}),
    ("reader", {403}),
    ("system", {403}),
    ("unknown", {401}),
    (None, {401}),
]


@pytest.mark.parametrize(("token", "statuses"), EXPECTED, ids=[str(case[0]) for case in EXPECTED])
def test_a_token_gives_the_same_answer(clouds, token, statuses):
    bare, guarded = both(clouds, *WRITE, token)
    assert {bare, guarded} <= statuses


def test_a_service_token_beside_a_users_changes_nothing(clouds):
    answers = both(clouds, *WRITE, "admin", **{"X-Service-Token": "service"})
    assert set(answers) <= {201, 204}


def test_identity_headers_of_a_client_are_worth_nothing(clouds):
    forged = {"X-User-Id": "u1", "X-Roles": "admin", "X-Identity-Status": "Confirmed"}
    assert both(clouds, *WRITE, **forged) == [401, 401]
    assert both(clouds, *WRITE, "member", **forged) == [403, 403]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("token", [None, "unknown", "member"])
def test_the_root_answers_everybody_alike(clouds, method, token):
    bare, guarded = both(clouds, method, "/", token)
    assert bare == guarded == (200 if method == "GET" else 405)


def test_no_sound_token_was_refused_for_its_identity(clouds):
    for name in TOKENS:
        both(clouds, "GET", "/traits", name)
    refused = [
        sample
        for family in clouds.registry.collect()
        for sample in family.samples
        if sample.labels.get("stage") == "identity" and "rejections_total" in sample.name
    ]
    assert refused
    assert not any(sample.value for sample in refused)
