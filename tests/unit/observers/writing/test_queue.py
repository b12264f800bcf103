"""The queue: no request waits, nothing is dropped without a count, and it resumes by itself."""

import gc
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client import CollectorRegistry

from placement_guard.observers.audit.metrics import FILE, audit_counters
from placement_guard.observers.writing import queue as sink_queue
from placement_guard.observers.writing import writer as sink_writer
from placement_guard.observers.writing.file import RotatedFile
from placement_guard.observers.writing.queue import SinkQueue
from placement_guard.observers.writing.sink import NO_SPACE, UNWRITABLE, SinkError, Way

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
            self.taken += records

    def close(self):
        self.closed += 1

    def wait_for(self, number):
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.taken) >= number, PATIENCE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(sink_writer, "GATHER_SECONDS", 0.001)
    monkeypatch.setattr(sink_writer, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(sink_writer, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr(sink_writer, "QUIET_SECONDS", 0.01)


class Counted:
    def __init__(self):
        self.registry = CollectorRegistry()
        self.counters = audit_counters(self.registry)[FILE]

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
    queues = []

    def lay(make, most=100, most_bytes=None, encode=str):
        way = Way("Audit", "the sink", make, encode)
        queues.append(SinkQueue(way, counted.counters, most=most, most_bytes=most_bytes))
        return queues[-1]

    yield lay
    for each in queues:
        each.close()


def told(caplog):
    return [r.getMessage() for r in caplog.records if r.name == sink_writer.__name__]


def records(number, first=0):
    return [f"req-{count}" for count in range(first, first + number)]


def until(condition):
    """Wait for what another thread does and tells nobody."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_records_arrive_in_order_and_are_counted(lay, counted):
    sink = Sink()
    queue = lay(lambda: sink)
    for record in records(200):
        queue.put(record)
        sink.wait_for(0)
    queue.close()
    assert sink.taken == [f"req-{number}" for number in range(len(sink.taken))]
    assert counted.written + sum(counted.dropped.values()) == 200
    assert sink.closed == 1


def test_many_threads_leave_exactly_one_record_each(lay, counted):
    sink = Sink()
    queue = lay(lambda: sink, most=100_000)
    given = records(2000)

    def leave(first):
        for record in given[first::8]:
            queue.put(record)

    threads = [threading.Thread(target=leave, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.close()
    assert sorted(sink.taken) == sorted(given)
    assert (counted.written, counted.dropped) == (2000, {})


def test_a_sink_in_trouble_gets_the_rest_once_it_is_over(lay, counted, caplog):
    sink = Sink()
    sink.trouble = SinkError(NO_SPACE, "No space left on device")
    queue = lay(lambda: sink)
    with sink.seen:
        for record in records(5):
            queue.put(record)
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


def test_what_the_sink_has_taken_of_a_batch_is_not_given_again(lay, counted):
    given = []

    class Part(Sink):
        def __call__(self, batch):
            given.append(batch)
            super().__call__(batch[:2])
            if len(given) == 1:
                raise SinkError(UNWRITABLE, "no", written=2)
            super().__call__(batch[2:])

    sink = Part()
    queue = lay(lambda: sink)
    with sink.seen:
        for record in records(5):
            queue.put(record)
    sink.wait_for(5)
    assert sink.taken == records(5)


def test_more_than_can_wait_are_dropped_counted_and_said_once(lay, counted, caplog):
    sink = Sink()
    sink.trouble = SinkError(NO_SPACE, "No space left on device")
    queue = lay(lambda: sink, most=20)
    with sink.seen:
        queue.put(records(1)[0])
        for _ in range(2):
            assert sink.seen.wait(PATIENCE)
    for record in records(50, first=1):
        queue.put(record)
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


def test_no_request_waits_for_a_sink_that_hangs(lay, counted, caplog, monkeypatch):
    go, stuck = threading.Event(), threading.Event()
    monkeypatch.setattr(sink_queue, "DRAIN_SECONDS", 0.05)

    class Hanging(Sink):
        def __call__(self, records):
            stuck.set()
            assert go.wait(PATIENCE)
            super().__call__(records)

    sink = Hanging()
    queue = lay(lambda: sink, most=10)
    queue.put(records(1)[0])
    assert stuck.wait(PATIENCE)
    for record in records(1000):
        queue.put(record)
    assert counted.dropped == {"queue_full": 990}
    queue.close()  # nor does the end of the process, for ever
    assert counted.dropped == {"queue_full": 990, "exit": 10}
    assert told(caplog) == [
        "Audit: records for the sink are dropped: More records came than could be written."
    ]
    go.set()
    sink.wait_for(1)
    assert sink.taken == ["req-0"]
    until(lambda: sink.closed)
    assert counted.dropped == {"queue_full": 990, "exit": 10}, "each is counted once"


def test_a_bug_of_the_sink_costs_its_batch_only(lay, counted, caplog):
    sink = Sink()
    sink.trouble = RuntimeError("a bug")
    queue = lay(lambda: sink)
    queue.put(records(1)[0])
    until(lambda: counted.dropped == {"failed": 1})
    sink.trouble = None
    queue.put(records(1, first=1)[0])
    sink.wait_for(1)
    assert sink.taken == ["req-1"]
    assert "Audit: the guard failed to write to the sink" in told(caplog)


def test_at_the_end_trouble_is_tried_once_more_and_what_is_left_is_counted(lay, counted):
    sink = Sink()
    sink.trouble = SinkError(UNWRITABLE, "no")
    queue = lay(lambda: sink)
    for record in records(5):
        queue.put(record)
    queue.close()
    assert counted.dropped == {UNWRITABLE: 5}
    queue.put(records(1)[0])
    assert counted.dropped == {UNWRITABLE: 5, "exit": 1}, "what is closed stays closed"


def test_without_threads_what_comes_waits_for_one(lay, counted, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    sink = Sink()
    queue = lay(lambda: sink, most=3)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        for record in records(5):
            queue.put(record)
    assert counted.dropped == {"queue_full": 2}
    queue.put(records(1, first=9)[0])  # the thread it starts may have made room for it, or not
    sink.wait_for(3)
    assert sink.taken[:3] == ["req-0", "req-1", "req-2"]


def test_a_guard_that_is_gone_leaves_no_thread(lay, counted):
    sink = Sink()
    way = Way("Audit", "the sink", lambda: sink, str)
    queue = SinkQueue(way, counted.counters, most=100)
    queue.put(records(1)[0])
    sink.wait_for(1)
    del queue
    gc.collect()
    assert sink.closed == 1


def test_a_child_writes_its_own_records_and_not_those_of_its_parent(tmp_path, counted):
    path = tmp_path / "audit.jsonl"
    hold, held = threading.Event(), threading.Event()

    class Held(RotatedFile):
        def __call__(self, records):
            held.set()
            assert hold.wait(PATIENCE)
            super().__call__(records)

    way = Way("Audit", "the file", lambda: Held(str(path), 0, 1, mode=0o600), str.encode)
    queue = SinkQueue(way, counted.counters, most=100)
    queue.put(records(1)[0])
    assert held.wait(PATIENCE)
    queue.put(records(1, first=1)[0])
    pid = os.fork()
    if not pid:  # the child
        hold.set()
        queue.put(records(1, first=2)[0])
        queue.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert path.read_text() == "req-2\n"
    hold.set()
    queue.close()
    assert path.read_text().splitlines() == ["req-2", "req-0", "req-1"]


def test_what_waits_is_bounded_in_bytes_too_with_what_is_being_written(lay, counted):
    go, stuck = threading.Event(), threading.Event()

    class Hanging(Sink):
        def __call__(self, batch):
            stuck.set()
            assert go.wait(PATIENCE)
            super().__call__(batch)

    sink = Hanging()
    queue = lay(lambda: sink, most_bytes=100)
    queue.put("too large", 101)
    queue.put("first", 60)
    assert stuck.wait(PATIENCE)
    queue.put("second", 41)
    queue.put("third", 40)
    assert counted.dropped == {"queue_full": 2}
    go.set()
    assert queue.flush(PATIENCE)
    queue.put("fourth", 100)
    assert queue.flush(PATIENCE)
    assert sink.taken == ["first", "third", "fourth"]


def test_a_batch_is_bounded_in_bytes(lay, counted, monkeypatch):
    monkeypatch.setattr(sink_writer, "BATCH_BYTES", 100)
    batches = []

    class Batches(Sink):
        def __call__(self, batch):
            batches.append(len(batch))
            if batches == [1]:
                raise SinkError(UNWRITABLE, "no")
            super().__call__(batch)

    sink = Batches()
    queue = lay(lambda: sink)
    queue.put("req-0", 1)
    until(lambda: batches)
    with sink.seen:  # it is tried again, and waits here
        for number in range(1, 11):
            queue.put(f"req-{number}", 40)
    assert queue.flush(PATIENCE)
    assert sink.taken == records(11)
    assert max(batches) <= 11
    assert batches[:2] == [1, 1]


def test_one_that_cannot_be_encoded_spoils_no_other(lay, counted, caplog):
    def encode(item):
        if "secret" in item:
            raise ValueError(item)
        return item

    sink = Sink()
    queue = lay(lambda: sink, encode=encode)
    for item in ("one", "a secret", "two"):
        queue.put(item)
    assert queue.flush(PATIENCE)
    assert sink.taken == ["one", "two"]
    assert (counted.written, counted.dropped) == (2, {"not_encodable": 1})
    assert "Audit: a record has no line: ValueError" in told(caplog)
    assert "secret" not in caplog.text


def test_who_waits_for_it_is_told_whether_all_is_written(lay):
    sink = Sink()
    queue = lay(lambda: sink)
    assert queue.flush(0)
    sink.trouble = SinkError(NO_SPACE, "No space left on device")
    queue.put("req-0")
    assert not queue.flush(0.01)
    sink.trouble = None
    assert queue.flush(PATIENCE)
    assert sink.taken == ["req-0"]


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


def test_nothing_is_logged_where_all_is_well(lay, caplog):
    sink = Sink()
    queue = lay(lambda: sink)
    with caplog.at_level(logging.DEBUG):
        queue.put(records(1)[0])
        queue.close()
    assert told(caplog) == []
