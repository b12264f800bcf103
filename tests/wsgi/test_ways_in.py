"""The same requests through each way in, by webtest: what is accepted, and each kind of refusal."""

import gc
import importlib
import io
import sys
import uuid

import pytest
import webtest
from paste.deploy import loadapp as paste_loadapp
from prometheus_client import REGISTRY

from placement_guard import Guard, Settings

ROOT = "etc/placement-guard/api-paste.ini"
LIMIT = 64 * 1024


def by_hand(conf, _directory):
    """``Guard(app, settings)`` in a stack put together by hand."""
    from microversion_parse.middleware import MicroversionMiddleware
    from placement import (
        auth,
        db_api,
        deploy,
        fault_wrap,
        handler,
        microversion,
        policy,
        requestlog,
        util,
    )

    db_api.configure(conf)
    policy.init(conf)
    deploy.update_database(conf)
    app = Guard(handler.PlacementHandler(config=conf), Settings(max_body_bytes=LIMIT))
    app = MicroversionMiddleware(
        app,
        microversion.SERVICE_TYPE,
        microversion.VERSIONS,
        json_error_formatter=util.json_error_formatter,
    )
    for layer in (
        fault_wrap.FaultWrapper,
        auth.PlacementKeystoneContext,
        auth.NoAuthMiddleware,
        requestlog.RequestLog,
    ):
        app = layer(app)
    return app


def by_deploy(conf, _directory):
    """``placement_guard.placement.deploy(conf)``, the rest as Placement's own loadapp does it."""
    from placement import db_api, deploy, policy

    from placement_guard import placement as ours

    db_api.configure(conf)
    app = ours.deploy(conf)
    policy.init(conf)
    deploy.update_database(conf)
    return app


def by_loadapp(conf, _directory):
    """``placement_guard.placement.loadapp(conf)``."""
    from placement import db_api

    from placement_guard import placement as ours

    db_api.configure(conf)
    return ours.loadapp(conf)


def by_wsgi_module(_conf, directory):
    """``placement_guard.wsgi:application``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_PLACEMENT_CONFIG_DIR", str(directory))
        sys.modules.pop("placement_guard.wsgi", None)
        before = gc.get_freeze_count()
        application = importlib.import_module("placement_guard.wsgi").application
        # A full collection looks at nothing that was there at start.
        assert gc.get_freeze_count() > before
        gc.unfreeze()
        return application


def by_paste(_conf, directory):
    """``etc/placement-guard/api-paste.ini``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_PLACEMENT_CONFIG_DIR", str(directory))
        return paste_loadapp(f"config:{ROOT}", relative_to=".")


WAYS = [by_hand, by_deploy, by_loadapp, by_wsgi_module, by_paste]


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.__name__.replace("_", " "))
def app(request, tmp_path_factory, api):
    directory = tmp_path_factory.mktemp("way")
    conf = api.read_conf(
        api.write_conf(directory, placement_guard={"metrics_port": 0, "max_body_bytes": LIMIT})
    )
    with api.placement_of_its_own():
        yield webtest.TestApp(request.param(conf, directory))


def test_placement_is_changed_inside_by_each_way_but_that_by_hand(app, request):
    from placement.handler import PlacementHandler

    from placement_guard.inside import GuardedConf
    from placement_guard.placement import _find

    config = _find(app.app, PlacementHandler).config
    by_hand = "by hand" in request.node.name
    assert isinstance(config, GuardedConf) is not by_hand
    hands_on = REGISTRY.get_sample_value("placement_guard_hands_on")
    assert by_hand or hands_on == 1


@pytest.fixture
def provider(app, api):
    name = str(uuid.uuid4())
    app.post_json("/resource_providers", {"name": name, "uuid": name}, headers=api.headers())
    return name


def error_of(answer):
    [error] = answer.json["errors"]
    assert error["status"] == answer.status_int
    assert error["request_id"] == answer.headers["X-Openstack-Request-Id"]
    return error


def test_a_good_write_is_accepted(app, api, provider):
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 4}}}
    path = f"/resource_providers/{provider}/inventories"
    answer = app.put_json(path, body, headers=api.headers())
    assert answer.json["inventories"]["VCPU"]["total"] == 4
    assert app.get(path, headers=api.headers()).json == answer.json


def test_a_bad_body_is_refused_in_placements_words(app, api, provider):
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": "four"}}}
    path = f"/resource_providers/{provider}/inventories"
    answer = app.put_json(path, body, headers=api.headers(), status=400)
    error = error_of(answer)
    assert error["code"] == "placement.undefined_code"
    assert "JSON does not validate: 'four' is not of type 'integer'" in error["detail"]
    assert answer.headers["Placement-Guard"] == (
        'decision=reject, stage="document", rule="document.invalid"'
    )


def test_a_duplicate_key_is_refused_with_its_path(app, api, provider):
    body = b'{"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 4, "total": 5}}}'
    answer = app.put(
        f"/resource_providers/{provider}/inventories",
        body,
        content_type="application/json",
        headers=api.headers("1.0"),
        status=400,
    )
    error = error_of(answer)
    assert error["code"] == "placement_guard.json.duplicate_key"
    assert error["detail"].strip().splitlines()[-1] == (
        "the key stands there more than once: $.inventories.VCPU.total"
    )


def test_without_a_token_401(app):
    assert app.get("/resource_providers", status=401)


def test_who_may_not_write_gets_403_before_the_body_is_read(app, api):
    body = Chunks(b"{}")
    answer = send_chunked(app, api, body, status=403, headers={"X-Roles": "reader"})
    assert body.pieces == [b"{}"]
    assert (
        error_of(answer)["detail"]
        .strip()
        .endswith("Policy does not allow placement:resource_providers:create to be performed.")
    )


def test_a_change_on_no_route_gets_404(app, api):
    answer = app.post_json("/nothing/here", {}, headers=api.headers(), status=404)
    assert 'rule="operation.unknown"' in answer.headers["Placement-Guard"]
    assert error_of(answer)["code"] == "placement.undefined_code"


def test_a_read_on_no_route_gets_placements_404(app, api):
    answer = app.get("/nothing/here", headers=api.headers(), status=404)
    assert "Placement-Guard" not in answer.headers


def test_another_method_gets_placements_405(app, api):
    answer = app.post_json("/usages", {}, headers=api.headers(), status=405)
    assert answer.headers["Allow"] == "GET"
    assert "Placement-Guard" not in answer.headers


def test_an_unknown_microversion_gets_placements_406(app, api):
    answer = app.put_json("/traits/CUSTOM_A", {}, headers=api.headers("1.99"), status=406)
    assert answer.json["errors"][0]["max_version"] == "1.39"


def test_a_read_that_accepts_no_json_gets_placements_406(app, api):
    answer = app.get("/resource_providers", headers=api.headers(Accept="image/png"), status=406)
    assert "Placement-Guard" not in answer.headers


def test_a_body_over_the_limit_gets_413_with_limit_and_size(app, api):
    answer = app.post(
        "/resource_providers",
        b"x" * (LIMIT + 1),
        content_type="application/json",
        headers=api.headers(),
        status=413,
    )
    error = error_of(answer)
    assert error["code"] == "placement_guard.body.too_large"
    assert f"The body has {LIMIT + 1} bytes; the limit is {LIMIT} bytes." in error["detail"]


def test_another_content_type_gets_415(app, api):
    answer = app.post(
        "/resource_providers", b"x", content_type="text/plain", headers=api.headers(), status=415
    )
    assert "The media type text/plain is not supported" in error_of(answer)["detail"]


def test_a_body_without_content_type_gets_400(app, api):
    answer = app.request(
        "/resource_providers",
        method="POST",
        body=b"{}",
        headers=api.headers(**{"Content-Type": ""}),
        expect_errors=True,
    )
    assert answer.status_int == 400
    assert "content-type header required" in error_of(answer)["detail"]


def test_mounted_under_a_prefix_it_is_all_the_same(app, api):
    mounted = webtest.TestApp(app.app, extra_environ={"SCRIPT_NAME": "/placement"})
    name = str(uuid.uuid4())
    made = mounted.post_json(
        "/resource_providers", {"name": name, "uuid": name}, headers=api.headers()
    )
    assert made.json["links"][0]["href"] == f"/placement/resource_providers/{name}"
    mounted.post_json("/resource_providers", {"name": 5}, headers=api.headers(), status=400)
    mounted.post_json("/nothing", {}, headers=api.headers(), status=404)


class Chunks(io.RawIOBase):
    """A body of unknown length, as a server hands over a chunked one."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def read(self, size=-1):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if 0 <= size < len(piece):
            self.pieces.insert(0, piece[size:])
            piece = piece[:size]
        return piece


def send_chunked(app, api, body, *, status, headers=None):
    request = webtest.TestRequest.blank(
        "/resource_providers",
        method="POST",
        headers=api.headers(**{"Content-Type": "application/json", **(headers or {})}),
    )
    request.environ.pop("CONTENT_LENGTH", None)
    request.environ["wsgi.input"] = body
    request.environ["wsgi.input_terminated"] = True
    # Without webtest's lint: it holds that a body has a Content-Length.
    return webtest.TestApp(app.app, lint=False).do_request(request, status=status)


def test_a_chunked_body_is_read_and_served(app, api):
    name = str(uuid.uuid4())
    answer = send_chunked(app, api, Chunks(b'{"name": ', f'"{name}"}}'.encode()), status=200)
    assert answer.json["name"] == name


def test_a_chunked_body_is_judged(app, api):
    answer = send_chunked(app, api, Chunks(b'{"name": ', b"5}"), status=400)
    assert "5 is not of type 'string'" in error_of(answer)["detail"]


def test_a_chunked_body_over_the_limit_gets_413(app, api):
    answer = send_chunked(app, api, Chunks(*[b"x" * 1024] * 100), status=413)
    assert f"has more than {LIMIT} bytes" in error_of(answer)["detail"]


def test_get_and_head_are_untouched(app, api, provider):
    path = f"/resource_providers/{provider}"
    assert app.get(path, headers=api.headers()).json["uuid"] == provider
    head = app.head(path, headers=api.headers(), status=405)
    assert not head.body
    assert "Placement-Guard" not in head.headers


@pytest.mark.parametrize("path", ["/", ""])
def test_the_root_answers_everybody(app, path):
    # noauth2 asks for a token at the empty path; keystone's middleware does not.
    headers = {} if path else {"X-Auth-Token": "admin"}
    request = webtest.TestRequest.blank("/", headers=headers)
    request.environ["PATH_INFO"] = path
    answer = webtest.TestApp(app.app, lint=False).do_request(request)
    assert answer.json["versions"][0]["max_version"] == "1.39"


def test_html_and_text_are_given_to_who_asks_for_them(app, api):
    for accept, start in (("text/html", "<html>"), ("text/plain", "400 Bad Request")):
        answer = app.post_json(
            "/resource_providers", {"name": 5}, headers=api.headers(Accept=accept), status=400
        )
        assert answer.content_type == accept
        assert answer.text.strip().startswith(start)
        assert "is not of type" in answer.text


def test_what_placement_raises_becomes_an_answer_all_the_same(app, api):
    """It comes out as an answer with the microversion headers, as from a bare Placement."""
    missing = str(uuid.uuid4())
    answer = app.delete(f"/resource_providers/{missing}", headers=api.headers(), status=404)
    assert f"No resource provider with uuid {missing} found" in error_of(answer)["detail"]
    assert answer.headers["OpenStack-API-Version"] == "placement 1.39"
