"""The file: whole lines, whoever else writes, rotates or renames, and whatever the disk says."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from placement_guard.observers.audit import file as audit_file
from placement_guard.observers.audit.file import RotatedFile
from placement_guard.observers.audit.sink import NO_SPACE, UNWRITABLE, SinkError

SIZE = 65536


def ids(*paths):
    """The request ids in these files, in order. Each line is whole, or this fails."""
    found = []
    for path in paths:
        text = path.read_bytes()
        # Renamed between its making and its first line, a file is empty.
        assert text.endswith(b"\n") or not text
        found += [json.loads(line)["request_id"] for line in text.splitlines()]
    return found


def wanted(number, first=0):
    return [f"req-{count}" for count in range(first, first + number)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


@pytest.fixture
def sink(path):
    made = []

    def make(max_bytes=0, keep=3, at=path):
        made.append(RotatedFile(str(at), max_bytes, keep))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_line_for_each_record(sink, path, made):
    write = sink()
    write(made.records(2))
    write(made.records(1, first=2))
    assert ids(path) == wanted(3)


def test_others_cannot_read_it(sink, path, made):
    umask = os.umask(0)
    try:
        sink()(made.records(1))
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o640


def test_it_is_rotated_before_it_gets_too_large_and_the_oldest_goes(sink, path, made):
    write = sink(SIZE, keep=2)
    for first in range(0, 400, 20):
        write(made.records(20, first))
    older = [path.with_name(f"audit.jsonl.{number}") for number in (2, 1)]
    found = ids(*older, path)
    assert found == wanted(len(found), 400 - len(found))
    assert len(found) < 400
    assert sorted(path.parent.iterdir()) == sorted([*older, path])
    assert all(each.stat().st_size <= SIZE for each in (*older, path))


def test_a_batch_larger_than_a_file_goes_into_several(sink, path, made):
    sink(SIZE, keep=9)(made.records(300))
    older = sorted(path.parent.glob("audit.jsonl.*"), reverse=True)
    assert len(older) >= 2
    assert ids(*older, path) == wanted(300)


def test_who_renames_it_gets_a_new_one(sink, path, made):
    write = sink()
    write(made.records(2))
    path.rename(path.with_name("audit.jsonl-20260101"))
    write(made.records(2, first=2))
    assert ids(path.with_name("audit.jsonl-20260101")) == wanted(2)
    assert ids(path) == wanted(2, first=2)


def test_who_cuts_it_gets_what_follows(sink, path, made):
    write = sink()
    write(made.records(2))
    os.truncate(path, 0)
    write(made.records(2, first=2))
    assert ids(path) == wanted(2, first=2)


def test_a_line_that_a_killed_process_left_is_not_continued(sink, path, made):
    path.write_bytes(b'{"torn')
    sink()(made.records(1))
    torn, line = path.read_bytes().splitlines()
    assert (torn, json.loads(line)["request_id"]) == (b'{"torn', "req-0")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda path: path.mkdir(), id="a directory is there"),
        pytest.param(os.mkfifo, id="a pipe is there that nobody reads"),
        pytest.param(lambda path: path.parent.rename(f"{path.parent}.gone"), id="no directory"),
        pytest.param(lambda path: path.symlink_to("/dev/full"), id="a device is there"),
    ],
)
def test_what_is_no_file_is_unwritable(sink, path, made, prepare):
    (directory := path.parent / "its").mkdir()
    prepare(directory / path.name)
    with pytest.raises(SinkError) as caught:
        sink(at=directory / path.name)(made.records(1))
    assert (caught.value.reason, caught.value.written) == (UNWRITABLE, 0)


def test_a_file_that_cannot_be_rotated_grows_and_that_is_said_once(sink, path, made, caplog):
    (path.parent / "audit.jsonl.1").mkdir()
    write = sink(SIZE, keep=1)
    for first in range(0, 120, 20):
        write(made.records(20, first))
    assert ids(path) == wanted(120)
    [told] = [record for record in caplog.records if record.name == audit_file.__name__]
    assert told.getMessage() == f"Audit: {path} cannot be rotated: Is a directory"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_full_disk_tears_no_line_and_what_is_in_is_known(small_disk, sink, made):
    path = small_disk / "audit.jsonl"
    write = sink(at=path)
    with pytest.raises(SinkError) as caught:
        write(made.records(200))
    assert caught.value.reason == NO_SPACE
    assert str(caught.value) == "No space left on device"
    written = caught.value.written
    assert ids(path) == wanted(written)
    assert 30 < written < 200
    os.truncate(path, 0)  # as who makes room would
    write(made.records(20, first=written))
    assert ids(path) == wanted(20, first=written)


def test_a_limit_on_the_size_of_files_is_as_a_full_disk(sink, path, made):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    write = sink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(SinkError) as caught:
            write(made.records(20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.reason == NO_SPACE
    assert ids(path) == wanted(caught.value.written)
    write(made.records(20 - caught.value.written, first=caught.value.written))
    assert ids(path) == wanted(20)


WRITERS, EACH = 4, 150

WRITE = f"""
import sys
from msgspec import structs
from oslo_context.context import RequestContext
from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.observers.audit.file import RotatedFile
from placement_guard.observers.audit.record import record_of
from placement_guard.outcome import Ending, Outcome

environ = {{"REQUEST_METHOD": "PUT", "PATH_INFO": "/traits/CUSTOM_A"}}
record = record_of(begin(environ, Router()), Outcome(Ending.COMMITTED, 200), None)
write = RotatedFile(sys.argv[1], {SIZE}, 1000)
print("ready", flush=True)
sys.stdin.readline()
for number in range({EACH}):
    write([structs.replace(record, request_id=f"{{sys.argv[2]}}-{{number}}")])
"""


def started(path, name):
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_several_processes_lose_no_line_and_tear_none(path):
    """Each rotates the file, while somebody else renames it, too."""
    writers = [started(path, str(number)) for number in range(WRITERS)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    renamed = 0
    while any(writer.poll() is None for writer in writers):
        # A rename of whatever has the name now, as logrotate does it.
        target = path.with_name(f"renamed-{renamed}")
        try:
            path.rename(target)
            renamed += 1
        except FileNotFoundError:
            pass
        time.sleep(0.02)  # between two renames, not for anything
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    found = ids(*[each for each in path.parent.iterdir() if each.is_file()])
    assert sorted(found) == sorted(f"{w}-{n}" for w in range(WRITERS) for n in range(EACH))
    assert renamed


def test_a_killed_process_leaves_no_lock(path, sink, made):
    writer = started(path, "killed")
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    while not path.exists() or not path.stat().st_size:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    sink()(made.records(1))
    assert path.read_bytes().splitlines()[-1].count(b'"req-0"') == 1


def test_a_child_has_no_part_in_the_lock_of_its_parent(sink, path, made):
    write = sink()
    write(made.records(1))
    descriptor = write._fd
    pid = os.fork()
    if not pid:  # the child
        try:
            os.fstat(descriptor)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    write(made.records(1, first=1))
    assert ids(path) == wanted(2)
