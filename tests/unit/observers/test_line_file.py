"""A file of lines: whole lines whatever happens."""

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from placement_guard.observers.line_file import LineFile

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines"


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
