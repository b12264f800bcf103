"""Traces of a real Placement, as a real exporter sends them to a receiver."""

import contextlib
import json
import socket
import time

import pytest
import webtest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings
from placement_guard.observers.tracing import spans as tracing_spans
from placement_guard.settings import ConfigurationError
from placement_guard.stages import ORDER
from tests.otlp_receiver import Receiver

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{}"
PROVIDER = "9cb2c1ee-0000-4000-8000-00000000000a"


@pytest.fixture
def receiver():
    with contextlib.closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")


@pytest.fixture
def placement(tmp_path, api, receiver):
    """Makes a guarded Placement whose spans go to the receiver."""
    from placement import db_api

    from placement_guard.placement import loadapp

    with api.placement_of_its_own():

        def make(traces=None, **options):
            options = {"traces": traces or receiver.url, "traces_share": 1, **options}
            conf = api.read_conf(api.write_conf(tmp_path, placement_guard=options))
            db_api.configure(conf)
            return webtest.TestApp(loadapp(conf, registry=CollectorRegistry()))

        yield make


def inventories(api, app, total=1, status=200, **headers):
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": total}}}
    return app.put_json(
        f"/resource_providers/{PROVIDER}/inventories",
        body,
        headers=api.headers(**headers),
        status=status,
    )


def of_trace(found, trace):
    return [span for span in found if span["trace"] == trace]


def roots(found):
    return [span for span in found if span["name"] == "placement-guard"]


def test_a_request_is_a_span_with_its_stages_and_placement(api, placement, receiver):
    app = placement()
    app.post_json(
        "/resource_providers", {"name": "one", "uuid": PROVIDER}, headers=api.headers(), status=200
    )
    inventories(api, app)
    receiver.until(lambda found: len(roots(found)) == 2)
    root = roots(receiver.spans)[1]
    children = [s for s in of_trace(receiver.spans, root["trace"]) if s is not root]
    assert {span["parent"] for span in children} == {root["id"]}
    assert root["parent"] == ""
    names = [span["name"] for span in sorted(children, key=lambda span: span["began"])]
    stages = ("identity", "framing", "operation", "content_type", "gate_policy", "body",
              "document", "invariants")  # fmt: skip
    assert names == [*(f"stage {stage}" for stage in stages), "placement"]
    assert set(stages) <= set(ORDER)
    for span in children:
        assert root["began"] - 1e6 <= span["began"] <= span["ended"] <= root["ended"] + 1e6
    attributes = root["attributes"]
    assert attributes.pop("placement_guard.request_id").startswith("req-")
    assert attributes.pop("placement_guard.lane_wait_seconds") > 0
    assert attributes == {
        "http.request.method": "PUT",
        "http.response.status_code": 200,
        "placement_guard.operation": "resource_providers:inventories:update",
        "placement_guard.outcome": "committed",
        "placement_guard.microversion": "1.39",
        "placement_guard.lane": "held",
    }


def test_a_refusal_has_its_stage_and_rule_and_never_came_to_placement(api, placement, receiver):
    inventories(api, placement(), total=0.5, status=400)
    receiver.until(roots)
    [root] = roots(receiver.spans)
    assert root["attributes"]["placement_guard.stage"] == "document"
    assert root["attributes"]["placement_guard.rule"] == "document.invalid"
    assert not root["failed"]
    assert "stage document" in {span["name"] for span in receiver.spans}
    # Where there is no such provider is asked of Placement, before a bad body is refused.
    assert {s["name"] for s in receiver.spans if not s["name"].startswith("stage ")} <= {
        "placement-guard",
        "placement",
    }


@pytest.mark.parametrize(("flags", "is_traced"), [("01", True), ("00", False)])
def test_the_callers_span_is_the_parent_and_decides(api, placement, receiver, flags, is_traced):
    share = {"traces_share": 0 if is_traced else 1}
    app = placement(**share)
    headers = api.headers(traceparent=PARENT.format(flags), tracestate="vendor=1")
    app.get("/resource_providers", headers=headers, status=200)
    if not is_traced:
        time.sleep(0.5)
        assert receiver.spans == []
        return
    receiver.until(roots)
    [root] = roots(receiver.spans)
    assert root["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert root["parent"] == "b7ad6b7169203331"
    assert root["state"] == "vendor=1"


@pytest.mark.parametrize("odd", ["", "x", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "\xff" * 9000])
def test_an_odd_header_of_a_caller_begins_a_trace_of_its_own(api, placement, receiver, odd):
    app = placement()
    app.get("/resource_providers", headers=api.headers(traceparent=odd), status=200)
    receiver.until(roots)
    assert roots(receiver.spans)[0]["parent"] == ""


def test_a_share_of_none_traces_none(api, placement, receiver):
    app = placement(traces_share=0)
    app.get("/resource_providers", headers=api.headers(), status=200)
    time.sleep(0.5)
    assert receiver.spans == []


def test_no_span_has_anything_secret(api, placement, receiver):
    secret = "s3cret-and-long"
    app = placement()
    app.post_json(
        f"/resource_providers?{secret}=1",
        {"name": secret, secret: secret},
        headers=api.headers(**{"X-Service-Token": secret, "Cookie": secret, "X-Roles": "admin"}),
        status=400,
    )
    receiver.until(roots)
    assert secret not in json.dumps(receiver.spans)
    assert "admin" not in json.dumps([span["attributes"] for span in receiver.spans])


def failing(environ, start_response):
    raise ValueError("what it says is for the log")


def test_a_failure_is_one_and_its_text_stays_in_the_log(receiver):
    guard = Guard(
        failing, Settings(traces=receiver.url, traces_share=1.0), registry=CollectorRegistry()
    )
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/resource_providers",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "placement.context": RequestContext(user_id="u", overwrite=False),
    }
    b"".join(guard(environ, lambda *_given: None))
    receiver.until(roots)
    [root] = roots(receiver.spans)
    assert root["failed"]
    assert all(span["events"] == 0 for span in receiver.spans)
    assert "for the log" not in json.dumps(receiver.spans)


def test_a_collector_that_is_away_costs_nothing_but_the_spans(api, placement, receiver, caplog):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        app = placement(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        began = time.monotonic()
        for _ in range(5):
            app.get("/resource_providers", headers=api.headers(), status=200)
        assert time.monotonic() - began < tracing_spans.SEND_SECONDS


def test_what_is_not_taken_is_counted_and_said_once(receiver, caplog):
    failed = []
    receiver.status = 400
    made = tracing_spans.OpenTelemetry(receiver.url, 1.0, failed.append)
    with caplog.at_level("INFO"):
        for _ in range(2):
            span = made.begin("one", {})
            made.stage(span, "two", 1, 2)
            made.end(span, {}, failed=False, ended=3)
            count = sum(failed)
            receiver.until(lambda _spans, count=count: sum(failed) == count + 2)
        receiver.status = 200
        made.end(made.begin("one", {}), {}, failed=False, ended=3)
        receiver.until(lambda found: found)
    said = [r.getMessage() for r in caplog.records if r.name.startswith("placement_guard")]
    assert said == [
        "Traces: the collector does not take spans; they are dropped",
        "Traces: the collector takes spans again",
    ]


def test_a_provider_of_the_process_is_used(monkeypatch):
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    made = tracing_spans.OpenTelemetry(tracing_spans.GLOBAL, 0.0, lambda _number: None)
    made.end(made.begin("one", {}), {"a": 1}, failed=True, ended=3)
    assert [span.name for span in exporter.get_finished_spans()] == ["one"]


@pytest.mark.parametrize("where", ["collector:4318", "ftp://h/", "http://", "yes"])
def test_where_no_span_could_go_is_said_at_the_start(where):
    with pytest.raises(ConfigurationError, match="traces"):
        Settings(traces=where).check()


def test_the_address_may_hold_a_password_and_is_not_shown():
    assert "s3cret" not in str(Settings(traces="http://u:s3cret@h/v1/traces"))


@pytest.mark.parametrize("guarded", [False, True])
def test_osprofiler_traces_as_ever(api, tmp_path, guarded):
    """Placement's own profiler: its middleware is outside of the guard, its points inside."""
    from osprofiler import notifier, opts, profiler, web
    from placement import db_api

    from placement_guard.placement import bare_loadapp, loadapp

    told = []
    with api.placement_of_its_own():
        conf = api.read_conf(api.write_conf(tmp_path))
        opts.set_defaults(conf, enabled=True, hmac_keys="k", trace_sqlalchemy=True)
        db_api.configure(conf)
        web.enable("k")
        before = notifier.get()
        notifier.set(lambda info, **_more: told.append(info))
        try:
            app = webtest.TestApp(
                loadapp(conf, registry=CollectorRegistry()) if guarded else bare_loadapp(conf)
            )
            profiler.init("k", base_id="base", parent_id="parent")
            headers = web.get_trace_id_headers()
            profiler.clean()
            app.get("/resource_providers", headers=api.headers(**headers), status=200)
        finally:
            notifier.set(before)
            web.disable()
            profiler.clean()
    names = [info["name"] for info in told]
    assert names[0] == "wsgi-start"
    assert names[-1] == "wsgi-stop"
    assert {info["base_id"] for info in told} == {"base"}
    [start] = [info for info in told if info["name"] == "wsgi-start"]
    assert start["info"]["request"]["path"] == "/resource_providers"
