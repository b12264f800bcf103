"""A writer of lines: nobody waits for it, and what it drops is counted."""

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import threading

import pytest

from placement_guard.observers import line_writer
from placement_guard.observers.line_file import LineFile
from placement_guard.observers.line_writer import RESULTS, LineWriter

FORK = multiprocessing.get_context("fork")


class Counted(dict):
    """What was told of each result."""

    def __init__(self):
        super().__init__(dict.fromkeys(RESULTS, 0))

    def told(self):
        return {name: lambda number, name=name: self._add(name, number) for name in RESULTS}

    def _add(self, name, number):
        self[name] += number


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines"


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def writer(path, counted):
    made = LineWriter(LineFile(str(path), max_bytes=10**6, kept=1), str.encode, counted.told())
    yield made
    made.close()


def test_what_is_put_there_is_written_and_counted(writer, path, counted):
    for number in range(1000):
        writer.put(f"line {number}", 10)
    assert writer.flush(10)
    assert path.read_text().splitlines() == [f"line {number}" for number in range(1000)]
    assert counted == {**dict.fromkeys(RESULTS, 0), "written": 1000}


def test_a_directory_that_is_not_there_drops_lines_until_it_is(tmp_path, counted, caplog):
    path = tmp_path / "later" / "lines"
    writer = LineWriter(LineFile(str(path), max_bytes=1000, kept=1), str.encode, counted.told())
    for number in range(3):
        writer.put(f"lost {number}", 10)
        assert writer.flush(10)
    path.parent.mkdir()
    writer.put("kept", 10)
    writer.close(10)
    assert path.read_text() == "kept\n"
    assert (counted["file_failed"], counted["written"]) == (3, 1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2  # once that it fails, once that it works again
    assert "later/lines" in told[0]


def test_who_puts_something_there_never_waits_and_what_is_too_much_is_dropped(
    writer, path, counted, monkeypatch
):
    monkeypatch.setattr(line_writer, "MAX_WAITING", 10)
    with (path.parent / "lines.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process that does not go on
        writer.put("first", 10)
        taken = threading.Event()
        threading.Thread(target=lambda: _until_taken(writer, taken), daemon=True).start()
        assert taken.wait(10)
        for number in range(100):
            writer.put(f"line {number}", 10)
        assert counted["queue_full"] == 90
    assert writer.flush(10)
    assert counted == {**dict.fromkeys(RESULTS, 0), "written": 11, "queue_full": 90}


def _until_taken(writer, taken):
    with writer._changed:
        while writer._items:
            writer._changed.wait(0.01)
    taken.set()


def test_what_waits_is_bounded_in_bytes_too(writer, counted, monkeypatch):
    monkeypatch.setattr(line_writer, "MAX_WAITING_BYTES", 100)
    writer.put("too large", 101)
    assert counted["queue_full"] == 1


def test_one_that_makes_no_line_spoils_no_other(path, counted, caplog):
    file = LineFile(str(path), max_bytes=1000, kept=1)
    writer = LineWriter(file, lambda item: json.dumps(item).encode(), counted.told())
    for item in (1, {"secret"}, 2):
        writer.put(item, 1)
    writer.close(10)
    assert path.read_text() == "1\n2\n"
    assert counted["unreadable"] == 1
    assert "secret" not in caplog.text


def test_a_child_has_a_writer_of_its_own(writer, path):
    writer.put("parent", 1)
    assert writer.flush(10)

    def child():
        writer.put("child", 1)
        os._exit(0 if writer.flush(10) else 1)

    process = FORK.Process(target=child)
    process.start()
    process.join(20)
    writer.put("parent again", 1)
    assert writer.flush(10)
    assert process.exitcode == 0
    assert path.read_text().splitlines() == ["parent", "child", "parent again"]


END = """
import sys
from placement_guard.observers.line_file import LineFile
from placement_guard.observers.line_writer import LineWriter
writer = LineWriter(LineFile(sys.argv[1], max_bytes=10**6, kept=1), str.encode,
                    dict.fromkeys(["written", "file_failed", "queue_full"], lambda number: None))
for number in range(3):
    writer.put(f"line {number}", 10)
"""


def test_a_process_that_ends_has_written_what_waited(path):
    subprocess.run([sys.executable, "-c", END, path], check=True)
    assert path.read_text().splitlines() == ["line 0", "line 1", "line 2"]


def test_an_error_of_any_kind_ends_no_thread(path, counted):
    class Odd(LineFile):
        def append(self, lines):
            if lines == [b"odd"]:
                raise ValueError
            super().append(lines)

    writer = LineWriter(Odd(str(path), max_bytes=1000, kept=1), str.encode, counted.told())
    for line in ("odd", "even"):
        writer.put(line, 1)
        assert writer.flush(10)
    writer.close()
    assert path.read_text() == "even\n"
    assert (counted["file_failed"], counted["written"]) == (1, 1)


def test_where_no_thread_can_be_started_the_next_line_tries_again(writer, path, monkeypatch):
    def fail(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        writer.put("first", 1)
    writer.put("second", 1)
    assert writer.flush(10)
    assert path.read_text() == "first\nsecond\n"
