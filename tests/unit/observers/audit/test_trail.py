"""The trail: no request waits, nothing is dropped without a count, and it resumes by itself."""

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client import CollectorRegistry

from placement_guard.observers.audit import trail as audit_trail
from placement_guard.observers.audit.counters import FILE, AuditCounters
from placement_guard.observers.audit.file import RotatedFile
from placement_guard.observers.audit.sink import NO_SPACE, UNWRITABLE, SinkError
from placement_guard.observers.audit.trail import Trail

PATIENCE = 20


class Sink:
    """Takes records, or does what it is told to."""

    def __init__(self):
        self.taken, self.seen = [], threading.Condition()
        self.trouble = None
        self.closed = 0

    def __call__(self, records):
        with self.seen:
            self.seen.notify_all()
            if self.trouble is not None:
                raise self.trouble
            self.taken += [record.request_id for record in records]

    def close(self):
        self.closed += 1

    def wait_for(self, number):
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.taken) >= number, PATIENCE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(audit_trail, "GATHER_SECONDS", 0.001)
    monkeypatch.setattr(audit_trail, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(audit_trail, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr(audit_trail, "QUIET_SECONDS", 0.01)


class Counted:
    def __init__(self):
        self.registry = CollectorRegistry()
        self.counters = AuditCounters(self.registry).of[FILE]

    @property
    def written(self):
        return self.registry.get_sample_value("placement_guard_audit_records_total", {"sink": FILE})

    @property
    def dropped(self):
        """By reason, those that are not 0."""
        [family] = [f for f in self.registry.collect() if f.name.endswith("dropped")]
        return {
            sample.labels["reason"]: sample.value
            for sample in family.samples
            if sample.value and sample.labels["sink"] == FILE and sample.name.endswith("_total")
        }


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def lay(counted):
    trails = []

    def lay(make, most=100):
        trails.append(Trail("the sink", make, counted.counters, most))
        return trails[-1]

    yield lay
    for each in trails:
        each.close()


def told(caplog):
    return [r.getMessage() for r in caplog.records if r.name == audit_trail.__name__]


def until(condition):
    """Wait for what another thread does and tells nobody."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_records_arrive_in_order_and_are_counted(lay, counted, made):
    sink = Sink()
    trail = lay(lambda: sink)
    for record in made.records(200):
        trail(record)
        sink.wait_for(0)
    trail.close()
    assert sink.taken == [f"req-{number}" for number in range(len(sink.taken))]
    assert counted.written + sum(counted.dropped.values()) == 200
    assert sink.closed == 1


def test_many_threads_leave_exactly_one_record_each(lay, counted, made):
    sink = Sink()
    trail = lay(lambda: sink, most=100_000)
    records = made.records(2000)

    def leave(first):
        for record in records[first::8]:
            trail(record)

    threads = [threading.Thread(target=leave, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail.close()
    assert sorted(sink.taken) == sorted(record.request_id for record in records)
    assert (counted.written, counted.dropped) == (2000, {})


def test_a_sink_in_trouble_gets_the_rest_once_it_is_over(lay, counted, made, caplog):
    sink = Sink()
    sink.trouble = SinkError(NO_SPACE, "No space left on device")
    trail = lay(lambda: sink)
    with sink.seen:
        for record in made.records(5):
            trail(record)
        for _ in range(3):  # it is tried again and again
            assert sink.seen.wait(PATIENCE)
        sink.trouble = None
    sink.wait_for(5)
    until(lambda: len(told(caplog)) > 1)
    assert sink.taken == [f"req-{number}" for number in range(5)]
    assert (counted.written, counted.dropped) == (5, {})
    assert told(caplog) == [
        (
            "Audit: the sink takes no records: No space left on device. "
            "100 can wait; the next ones are dropped."
        ),
        "Audit: the sink takes records again.",
    ]


def test_what_the_sink_has_taken_of_a_batch_is_not_given_again(lay, counted, made):
    given = []

    class Part(Sink):
        def __call__(self, records):
            given.append([record.request_id for record in records])
            super().__call__(records[:2])
            if len(given) == 1:
                raise SinkError(UNWRITABLE, "no", written=2)
            super().__call__(records[2:])

    sink = Part()
    trail = lay(lambda: sink)
    records = made.records(5)
    with sink.seen:
        for record in records:
            trail(record)
    sink.wait_for(5)
    assert sink.taken == [record.request_id for record in records]


def test_more_than_can_wait_are_dropped_counted_and_said_once(lay, counted, made, caplog):
    sink = Sink()
    sink.trouble = SinkError(NO_SPACE, "No space left on device")
    trail = lay(lambda: sink, most=20)
    with sink.seen:
        trail(made.records(1)[0])
        for _ in range(2):
            assert sink.seen.wait(PATIENCE)
    for record in made.records(50, first=1):
        trail(record)
    assert counted.dropped == {NO_SPACE: 30}
    sink.trouble = None
    sink.wait_for(21)
    until(lambda: len(told(caplog)) == 4)
    assert counted.dropped == {NO_SPACE: 30}
    assert counted.written == 21
    assert told(caplog)[1:] == [
        (
            "Audit: records for the sink are dropped: The disk is full, or a quota or a limit on the "
            "size of files is reached."
        ),
        "Audit: the sink takes records again.",
        "Audit: no more records for the sink are dropped; there were 30.",
    ]


def test_no_request_waits_for_a_sink_that_hangs(lay, counted, made, caplog, monkeypatch):
    go, stuck = threading.Event(), threading.Event()
    monkeypatch.setattr(audit_trail, "DRAIN_SECONDS", 0.05)

    class Hanging(Sink):
        def __call__(self, records):
            stuck.set()
            assert go.wait(PATIENCE)
            super().__call__(records)

    sink = Hanging()
    trail = lay(lambda: sink, most=10)
    trail(made.records(1)[0])
    assert stuck.wait(PATIENCE)
    for record in made.records(1000):
        trail(record)
    assert counted.dropped == {"queue_full": 990}
    trail.close()  # nor does the end of the process, for ever
    assert counted.dropped == {"queue_full": 990, "exit": 10}
    assert told(caplog) == [
        "Audit: records for the sink are dropped: More records came than could be written."
    ]
    go.set()


def test_a_bug_of_the_sink_costs_its_batch_only(lay, counted, made, caplog):
    sink = Sink()
    sink.trouble = RuntimeError("a bug")
    trail = lay(lambda: sink)
    trail(made.records(1)[0])
    until(lambda: counted.dropped == {"failed": 1})
    sink.trouble = None
    trail(made.records(1, first=1)[0])
    sink.wait_for(1)
    assert sink.taken == ["req-1"]
    assert "Audit: the guard failed to write to the sink" in told(caplog)


def test_at_the_end_trouble_is_tried_once_more_and_what_is_left_is_counted(lay, counted, made):
    sink = Sink()
    sink.trouble = SinkError(UNWRITABLE, "no")
    trail = lay(lambda: sink)
    for record in made.records(5):
        trail(record)
    trail.close()
    assert counted.dropped == {UNWRITABLE: 5}
    trail(made.records(1)[0])
    assert counted.dropped == {UNWRITABLE: 5, "exit": 1}, "what is closed stays closed"


def test_without_threads_what_comes_waits_for_one(lay, counted, made, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    sink = Sink()
    trail = lay(lambda: sink, most=3)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        for record in made.records(5):
            trail(record)
    assert counted.dropped == {"queue_full": 2}
    trail(made.records(1, first=9)[0])  # the thread it starts may have made room for it, or not
    sink.wait_for(3)
    assert sink.taken[:3] == ["req-0", "req-1", "req-2"]


def test_a_guard_that_is_gone_leaves_no_thread(lay, counted, made):
    sink = Sink()
    trail = Trail("the sink", lambda: sink, counted.counters, 100)
    trail(made.records(1)[0])
    sink.wait_for(1)
    del trail
    gc.collect()
    assert sink.closed == 1


def test_a_child_writes_its_own_records_and_not_those_of_its_parent(tmp_path, counted, made):
    path = tmp_path / "audit.jsonl"
    hold, held = threading.Event(), threading.Event()

    class Held(RotatedFile):
        def __call__(self, records):
            held.set()
            assert hold.wait(PATIENCE)
            super().__call__(records)

    trail = Trail("the file", lambda: Held(str(path), 0, 1), counted.counters, 100)
    trail(made.records(1)[0])
    assert held.wait(PATIENCE)
    trail(made.records(1, first=1)[0])
    pid = os.fork()
    if not pid:  # the child
        hold.set()
        trail(made.records(1, first=2)[0])
        trail.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    [line] = path.read_bytes().splitlines()
    assert json.loads(line)["request_id"] == "req-2"
    hold.set()
    trail.close()
    found = [json.loads(line)["request_id"] for line in path.read_bytes().splitlines()]
    assert found == ["req-2", "req-0", "req-1"]


ENDING = """
import sys
from prometheus_client import CollectorRegistry
from placement_guard import Guard, Settings

def application(environ, start_response):
    start_response("204 No Content", [])
    return []

guard = Guard(application, Settings(audit=sys.argv[1]), registry=CollectorRegistry())
for number in range(100):
    guard({"REQUEST_METHOD": "POST", "PATH_INFO": "/reshaper"}, lambda *given: None)
"""


def test_the_end_of_a_process_waits_for_what_is_in_the_queue(tmp_path):
    path = tmp_path / "audit.jsonl"
    subprocess.run([sys.executable, "-c", ENDING, str(path)], check=True, timeout=PATIENCE)
    assert len(path.read_bytes().splitlines()) == 100


def test_a_process_whose_sink_hangs_ends_all_the_same(tmp_path):
    """Another process has the lock, and is stopped."""
    import fcntl

    path = tmp_path / "audit.jsonl"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", ENDING, str(path)], check=True, timeout=PATIENCE)
    assert not path.stat().st_size


def test_nothing_is_logged_where_all_is_well(lay, made, caplog):
    sink = Sink()
    trail = lay(lambda: sink)
    with caplog.at_level(logging.DEBUG):
        trail(made.records(1)[0])
        trail.close()
    assert told(caplog) == []
