"""A file of lines: whole lines whatever happens, and nobody who waits for them."""

import fcntl
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading

import pytest

from placement_guard.observers import line_file
from placement_guard.observers.line_file import RESULTS, LineFile, LineWriter

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


def names(path):
    return sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(".lock"))


def _append(path, worker, barrier):
    file = LineFile(str(path), max_bytes=4096, kept=1000, head=b"head")
    barrier.wait(20)
    for number in range(0, 200, 4):
        file.append([b"%d-%d %s" % (worker, number + n, b"x" * 40) for n in range(4)])


def test_several_processes_write_and_rotate_without_losing_a_line(path):
    barrier = FORK.Barrier(4)
    workers = [FORK.Process(target=_append, args=(path, n, barrier)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    files = [p for p in path.parent.iterdir() if not p.name.endswith(".lock")]
    assert len(files) > 5
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    written = [line.split()[0] for line in lines if line != b"head"]
    assert sorted(written) == sorted(b"%d-%d" % (w, n) for w in range(4) for n in range(200))
    for file in files:
        assert file.read_bytes().startswith(b"head\n")
        assert file.stat().st_size <= 4096 + len(b"head\n")
        assert file.stat().st_mode & 0o777 == 0o600


def test_old_files_are_kept_up_to_a_number_and_the_oldest_goes(path):
    file = LineFile(str(path), max_bytes=10, kept=2)
    for number in range(5):
        file.append([b"line %d" % number])
    assert names(path) == ["lines", "lines.1", "lines.2"]
    assert [path.read_bytes(), (path.parent / "lines.2").read_bytes()] == [b"line 4\n", b"line 2\n"]


def test_no_old_file_is_kept_where_none_is_wanted(path):
    file = LineFile(str(path), max_bytes=10, kept=0)
    for number in range(3):
        file.append([b"line %d" % number])
    assert names(path) == ["lines"]


def test_a_line_that_somebody_left_unfinished_ends_there(path):
    path.write_bytes(b"whole\nunfini")
    LineFile(str(path), max_bytes=1000, kept=1, head=b"head").append([b"next"])
    assert path.read_bytes() == b"whole\nunfini\nhead\nnext\n"


def test_a_file_that_was_taken_away_is_made_again_with_its_head(path):
    file = LineFile(str(path), max_bytes=1000, kept=1, head=b"head")
    file.append([b"one"])
    path.rename(path.with_suffix(".away"))
    file.append([b"two"])
    assert path.read_bytes() == b"head\ntwo\n"


@pytest.mark.parametrize("kind", ["fifo", "symlink", "directory"])
def test_what_is_no_file_is_not_written_to(path, kind):
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "symlink":
        path.symlink_to(path.parent / "elsewhere")
    else:
        path.mkdir()
    with pytest.raises(OSError, match="lines"):
        LineFile(str(path), max_bytes=1000, kept=1).append([b"line"])
    assert not (path.parent / "elsewhere").exists()


FULL = """
import resource, sys
from placement_guard.observers.line_file import LineFile
file = LineFile(sys.argv[1], max_bytes=10**6, kept=1)
file.append([b"x" * 90] * 10)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    file.append([b"y" * 90] * 10)
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append([b"z"])
"""


def test_where_there_is_no_room_nothing_is_written_by_halves(path):
    """A limit on the size of files stops a write in the middle, as a full disk does."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL, path], capture_output=True, text=True, check=False
    )
    assert (ended.stdout.strip(), ended.stderr) == ("27", "")  # EFBIG
    assert path.read_bytes() == b"x" * 90 + (b"\n" + b"x" * 90) * 9 + b"\nz\n"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


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
    monkeypatch.setattr(line_file, "MAX_WAITING", 10)
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
    monkeypatch.setattr(line_file, "MAX_WAITING_BYTES", 100)
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
from placement_guard.observers.line_file import LineFile, LineWriter
writer = LineWriter(LineFile(sys.argv[1], max_bytes=10**6, kept=1), str.encode,
                    dict.fromkeys(["written", "file_failed", "queue_full"], lambda number: None))
for number in range(3):
    writer.put(f"line {number}", 10)
"""


def test_a_process_that_ends_has_written_what_waited(path):
    subprocess.run([sys.executable, "-c", END, path], check=True)
    assert path.read_text().splitlines() == ["line 0", "line 1", "line 2"]


KILLED = """
import sys
from placement_guard.observers.line_file import LineFile
file = LineFile(sys.argv[1], max_bytes=10**9, kept=1)
while True:
    file.append([b"x" * 1000] * 100)
    print("written", flush=True)
"""


def test_a_process_that_is_killed_leaves_the_lock_and_whole_lines(path):
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    LineFile(str(path), max_bytes=10**9, kept=1).append([b"after"])
    lines = path.read_bytes().splitlines()
    assert lines.pop() == b"after"
    assert sum(line != b"x" * 1000 for line in lines) <= 1
