"""What a record is made of: kept where that is little, and made a record at once where it is not."""

import json
import threading

import pytest
from prometheus_client import CollectorRegistry

from placement_guard.observers.audit import Audit, ended
from placement_guard.observers.audit.ended import FEW, SMALL, Ended
from placement_guard.observers.audit.metrics import FILE, audit_counters
from placement_guard.observers.audit.record import line_of
from placement_guard.observers.writing.queue import SinkQueue
from placement_guard.observers.writing.sink import UNWRITABLE, SinkError, Way
from tests.unit.observers.audit.conftest import record_of

INVENTORY = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 4}}}
PATIENCE = 20


@pytest.fixture
def counted(monkeypatch):
    """How many records were made."""
    made = []

    def record_at(*given):
        made.append(given)
        return real(*given)

    real = ended.record_at
    monkeypatch.setattr(ended, "record_at", record_at)
    return made


def exchange(made, **changes):
    environ = {"HTTP_X_FORWARDED_FOR": "198.51.100.9", "REMOTE_ADDR": "192.0.2.7"}
    return made.exchange(document=INVENTORY, environ=environ, **changes)


def test_a_server_may_use_its_environ_again_before_the_record_is_made(made):
    asked = exchange(made, body=b"{}")
    told = record_of(asked, made.committed, None)
    late = Ended(asked, made.committed, None)
    asked.environ.clear()
    asked.environ.update({"REMOTE_ADDR": "203.0.113.1", "openstack.request_id": "req-other"})
    record = late.record()
    assert record.request_id == "req-7"
    both = [json.loads(line_of(one)) for one in (told, record)]
    for one in both:
        del one["time"], one["duration"]
    assert both[0] == both[1]


def test_the_time_is_that_of_the_end_of_the_request(made, monkeypatch):
    late = Ended(exchange(made), made.committed, None)
    monkeypatch.setattr("time.time", lambda: 4e9)
    monkeypatch.setattr("time.perf_counter", lambda: 4e9)
    assert late.record().time < 4e9
    assert late.record().duration < PATIENCE


@pytest.mark.parametrize(("size", "at_once"), [(0, 0), (SMALL, 0), (SMALL + 1, 1)])
def test_a_document_does_not_wait_if_it_is_large(made, counted, size, at_once):
    late = Ended(exchange(made, body=b"x" * size), made.committed, None)
    assert len(counted) == at_once
    assert late.record() is late.record()
    assert len(counted) == 1


def test_while_a_sink_takes_nothing_only_a_few_exchanges_are_kept(made, counted):
    tried = threading.Event()

    def stuck(_records):
        tried.set()
        raise SinkError(UNWRITABLE, "no")

    stuck.close = lambda: None
    counters = audit_counters(CollectorRegistry())[FILE]
    way = Way("Audit", "nowhere", lambda: stuck, lambda late: line_of(late.record()))
    queue = SinkQueue(way, counters, most=1000)
    audit = Audit(queue)
    audit(exchange(made), made.committed, None)
    assert tried.wait(PATIENCE)
    assert len(counted) == 1
    for _ in range(FEW):
        audit(exchange(made), made.committed, None)
    assert queue.waiting() == FEW
    assert len(counted) == 1
    for _ in range(10):
        audit(exchange(made), made.committed, None)
    assert len(counted) == 1 + 10
    queue.close()


def test_two_that_ask_at_once_get_the_same(made):
    for _ in range(50):
        late = Ended(exchange(made), made.committed, None)
        start, found = threading.Barrier(2), []

        def ask(late=late, start=start, found=found):
            start.wait(PATIENCE)
            found.append(late.record())

        both = [threading.Thread(target=ask) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(PATIENCE)
        assert len(found) == 2
        assert found[0] == found[1]
