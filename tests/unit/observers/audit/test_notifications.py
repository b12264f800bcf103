"""Notifications: CADF events over a transport of oslo.messaging, and over one that is gone."""

import json
import logging
import queue
import socket

import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_context.context import RequestContext
from pycadf import cadftaxonomy

from placement_guard.observers.audit.cadf import event_of
from placement_guard.observers.audit.notifications import Notifications
from placement_guard.observers.audit.record import HOST, fields_of
from placement_guard.observers.writing.sink import UNREACHABLE, SinkError
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import reject
from tests.unit.observers.audit.conftest import record_of

USER = "c8f61d6a5c5f4b3d8b1e1f3d5e7a9b0c"


@pytest.fixture
def conf():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    return conf


class Listener:
    """Endpoint of a notification listener."""

    def __init__(self):
        self.heard = queue.Queue()

    def info(self, context, publisher, event_type, payload, metadata):
        self.heard.put((publisher, event_type, payload))


@pytest.mark.parametrize("driver", ["messagingv2", "messaging"])
def test_each_record_is_an_event_on_the_bus(conf, made, driver):
    """The bus in memory, which is that of oslo.messaging's own tests: with queues, and a listener."""
    transport = oslo_messaging.get_notification_transport(conf, url="fake://")
    target = oslo_messaging.Target(topic=f"audit-{driver}")
    listener = Listener()
    server = oslo_messaging.get_notification_listener(
        transport, [target], [listener], executor="threading"
    )
    server.start()
    sink = Notifications("fake://", f"audit-{driver}", driver, conf)
    events = [event_of(record) for record in made.records(3)]
    try:
        sink(events)
        heard = [listener.heard.get(timeout=20) for _ in events]
    finally:
        server.stop()
        server.wait()
        sink.close()
    assert heard == [
        (f"placement-guard.{HOST}", "placement_guard.audit", event) for event in events
    ]


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_bus_that_is_gone_is_unreachable_and_nothing_is_said_of_the_record(conf, made, caplog):
    url = f"rabbit://guest:s3cret@127.0.0.1:{closed_port()}/"
    sink = Notifications(url, "notifications", "messagingv2", conf)
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            with pytest.raises(SinkError) as caught:
                sink([event_of(record) for record in made.records(2)])
            assert (caught.value.reason, caught.value.written) == (UNREACHABLE, 0)
            assert "s3cret" not in str(caught.value)
    assert "s3cret" not in caplog.text
    assert "Payload" not in caplog.text
    assert "req-0" not in caplog.text
    sink.close()


def test_what_oslo_messaging_says_of_others_is_not_swallowed(conf, made, caplog):
    sink = Notifications("fake://", "notifications", "messagingv2", conf)
    sink([event_of(record) for record in made.records(1)])
    logging.getLogger("oslo_messaging.notify.messaging").error("of somebody else")
    assert "of somebody else" in caplog.text


def test_a_url_that_cannot_be_read_is_unreachable_and_not_quoted(conf):
    with pytest.raises(SinkError) as caught:
        Notifications("rabbit://user:s3cret@host:port/", "notifications", "messagingv2", conf)
    assert caught.value.reason == UNREACHABLE
    assert "s3cret" not in str(caught.value)


def of(made, outcome, rejection=None, **changes):
    context = RequestContext(
        user_id=USER, user_name="nova", user_domain_id="default", overwrite=False
    )
    exchange = made.exchange(
        document={"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 4}}},
        context=context,
        **changes,
    )
    return record_of(exchange, outcome, rejection)


def test_a_whole_event(made):
    record = of(made, made.committed)
    event = event_of(record)
    assert event.pop("id") == event_of(record)["id"]
    fields = json.loads(json.dumps(fields_of(record)))
    assert json.loads(json.dumps(event)) == {
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "activity",
        "eventTime": fields["time"],
        "action": "update",
        "outcome": "success",
        "name": "resource_providers:inventories:update",
        "initiator": {
            "id": USER,
            "typeURI": "service/security/account/user",
            "name": "nova",
            "domain": "default",
            "host": {"address": "192.0.2.7"},
        },
        "target": {
            "id": "4e8e5957-649f-477b-9e5b-f1f75b21c03c",
            "typeURI": "service/compute/placement/providers",
        },
        "observer": {"id": HOST, "typeURI": "service/placement-guard", "name": "placement-guard"},
        "reason": {"reasonType": "HTTP", "reasonCode": "200"},
        "attachments": [{"typeURI": "placement-guard/audit", "name": "record", "content": fields}],
    }


def test_an_event_of_a_refusal_names_the_rule(made):
    refused = of(made, Outcome(Ending.REJECTED, 400), reject("json.malformed", "x"))
    event = event_of(refused)
    assert event["outcome"] == cadftaxonomy.OUTCOME_FAILURE
    assert event["reason"] == {
        "reasonType": "HTTP",
        "reasonCode": "400",
        "policyType": "placement-guard rule",
        "policyId": "json.malformed",
    }


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/resource_providers", "create"),
        ("POST", "/allocations", "update"),
        ("POST", "/reshaper", "update"),
        ("DELETE", "/traits/CUSTOM_A", "delete"),
        ("GET", "/traits", "read"),
        ("BREW", "/traits", "unknown"),
    ],
)
def test_the_action_of_an_event(made, method, path, action):
    event = event_of(of(made, made.committed, method=method, path=path))
    assert event["action"] == action


def test_of_nobody_and_nothing_an_event_is_whole_too(made):
    exchange = made.exchange("/reshaper", "POST", context=None)
    record = record_of(exchange.extended(context=None), Outcome(Ending.REJECTED, 401), None)
    event = event_of(record)
    assert (event["initiator"]["id"], event["target"]["id"]) == ("unknown", "placement")
