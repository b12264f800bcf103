"""The file: whole lines, whoever else writes, rotates or renames, and whatever the disk says."""

import contextlib
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time

import pytest

from placement_guard.observers.writing import file as rotated_file
from placement_guard.observers.writing.file import RotatedFile
from placement_guard.observers.writing.sink import NO_SPACE, UNWRITABLE, SinkError

SIZE = 65536

DEV_FULL = os.makedev(1, 7)


def ids(*paths):
    """The request ids in these files, in order. Each line is whole, or this fails."""
    found = []
    for path in paths:
        text = path.read_bytes()
        # Renamed between its making and its first line, a file is empty.
        assert text.endswith(b"\n") or not text
        found += [json.loads(line)["request_id"] for line in text.splitlines()]
    return found


def lines(number, first=0):
    """So many, each with its number."""
    filling = "x" * 600
    return [
        json.dumps({"request_id": f"req-{count}", "filling": filling}).encode()
        for count in range(first, first + number)
    ]


def wanted(number, first=0):
    return [f"req-{count}" for count in range(first, first + number)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines"


@pytest.fixture
def sink(path):
    made = []

    def make(max_bytes=0, kept=3, at=path, mode=0o640, head=b""):
        made.append(RotatedFile(str(at), max_bytes, kept, mode=mode, head=head))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_line_for_each_record(sink, path):
    write = sink()
    write(lines(2))
    write(lines(1, first=2))
    assert ids(path) == wanted(3)


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_others_cannot_read_it(sink, path, mode):
    umask = os.umask(0)
    try:
        sink(mode=mode)(lines(1))
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == mode


def test_it_is_rotated_before_it_gets_too_large_and_the_oldest_goes(sink, path):
    write = sink(SIZE, kept=2)
    for first in range(0, 400, 20):
        write(lines(20, first))
    older = [path.with_name(f"lines.{number}") for number in (2, 1)]
    found = ids(*older, path)
    assert found == wanted(len(found), 400 - len(found))
    assert len(found) < 400
    assert sorted(path.parent.iterdir()) == sorted([*older, path])
    assert all(each.stat().st_size <= SIZE for each in (*older, path))


def test_a_batch_larger_than_a_file_goes_into_several(sink, path):
    sink(SIZE, kept=9)(lines(300))
    older = sorted(path.parent.glob("lines.*"), reverse=True)
    assert len(older) >= 2
    assert ids(*older, path) == wanted(300)


def test_who_renames_it_gets_a_new_one(sink, path):
    write = sink()
    write(lines(2))
    path.rename(path.with_name("lines-20260101"))
    write(lines(2, first=2))
    assert ids(path.with_name("lines-20260101")) == wanted(2)
    assert ids(path) == wanted(2, first=2)


def test_who_cuts_it_gets_what_follows(sink, path):
    write = sink()
    write(lines(2))
    os.truncate(path, 0)
    write(lines(2, first=2))
    assert ids(path) == wanted(2, first=2)


def test_a_line_that_a_killed_process_left_is_not_continued(sink, path):
    path.write_bytes(b'{"torn')
    sink()(lines(1))
    torn, line = path.read_bytes().splitlines()
    assert (torn, json.loads(line)["request_id"]) == (b'{"torn', "req-0")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda path: path.mkdir(), id="a directory is there"),
        pytest.param(os.mkfifo, id="a pipe is there that nobody reads"),
        pytest.param(lambda path: path.parent.rename(f"{path.parent}.gone"), id="no directory"),
        pytest.param(lambda path: path.symlink_to("/dev/full"), id="a link to a device is there"),
        pytest.param(
            lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, DEV_FULL), id="a device is there"
        ),
        pytest.param(lambda path: path.symlink_to(path.parent / "else"), id="a link is there"),
    ],
)
def test_what_is_no_file_is_unwritable(sink, path, prepare):
    (directory := path.parent / "its").mkdir()
    prepare(directory / path.name)
    with pytest.raises(SinkError) as caught:
        sink(at=directory / path.name)(lines(1))
    assert (caught.value.reason, caught.value.written) == (UNWRITABLE, 0)
    assert not (directory / "else").exists()


def test_a_file_that_cannot_be_rotated_grows_and_that_is_said_once(sink, path, caplog):
    (path.parent / "lines.1").mkdir()
    write = sink(SIZE, kept=1)
    for first in range(0, 120, 20):
        write(lines(20, first))
    assert ids(path) == wanted(120)
    [told] = [record for record in caplog.records if record.name == rotated_file.__name__]
    assert told.getMessage() == f"{path} cannot be rotated: Is a directory"


def test_no_old_file_is_kept_where_none_is_wanted(sink, path):
    write = sink(SIZE, kept=0)
    for first in range(0, 200, 20):
        write(lines(20, first))
    assert list(path.parent.iterdir()) == [path]
    found = ids(path)
    assert found == wanted(len(found), 200 - len(found))


def test_each_file_begins_with_the_head_once(sink, path):
    write = sink(head=b"head")
    write([b"one"])
    write([b"two"])
    assert path.read_bytes() == b"head\none\ntwo\n"
    path.rename(path.with_suffix(".away"))
    write([b"three"])
    assert path.read_bytes() == b"head\nthree\n"
    os.truncate(path, 0)
    write([b"four"])
    assert path.read_bytes() == b"head\nfour\n"


def test_another_process_writes_its_own_head_after_a_line_left_unfinished(sink, path):
    path.write_bytes(b"whole\nunfini")
    sink(head=b"head")([b"next"])
    assert path.read_bytes() == b"whole\nunfini\nhead\nnext\n"


def test_a_head_for_which_there_is_no_room_comes_with_the_first_line(sink, path):
    write = sink(head=b"h" * 90)
    with limited_files(150), pytest.raises(SinkError) as caught:
        write([b"x" * 90])
    assert (caught.value.reason, caught.value.written) == (NO_SPACE, 0)
    assert path.read_bytes() == b""
    write([b"x" * 90])
    assert path.read_bytes() == b"h" * 90 + b"\n" + b"x" * 90 + b"\n"


@contextlib.contextmanager
def limited_files(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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


def test_a_full_disk_tears_no_line_and_what_is_in_is_known(small_disk, sink):
    path = small_disk / "lines"
    write = sink(at=path)
    with pytest.raises(SinkError) as caught:
        write(lines(200))
    assert caught.value.reason == NO_SPACE
    assert str(caught.value) == "No space left on device"
    written = caught.value.written
    assert ids(path) == wanted(written)
    assert 30 < written < 200
    os.truncate(path, 0)  # as who makes room would
    write(lines(20, first=written))
    assert ids(path) == wanted(20, first=written)


def test_a_limit_on_the_size_of_files_is_as_a_full_disk(sink, path):
    write = sink()
    with limited_files(10_000), pytest.raises(SinkError) as caught:
        write(lines(20))
    assert caught.value.reason == NO_SPACE
    assert ids(path) == wanted(caught.value.written)
    write(lines(20 - caught.value.written, first=caught.value.written))
    assert ids(path) == wanted(20)


WRITERS, EACH = 4, 150

HEAD = json.dumps({"request_id": "head"}).encode()

WRITE = f"""
import json, sys
from placement_guard.observers.writing.file import RotatedFile

write = RotatedFile(sys.argv[1], {SIZE}, 1000, mode=0o600, head={HEAD})
print("ready", flush=True)
sys.stdin.readline()
for number in range({EACH}):
    line = {{"request_id": f"{{sys.argv[2]}}-{{number}}", "filling": "x" * 600}}
    write([json.dumps(line).encode()])
"""


def started(path, name):
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_several_processes_lose_no_line_and_tear_none(path):
    """Each rotates the file, while somebody else renames it, too. Each file has its head."""
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
    files = list(path.parent.iterdir())
    found = [name for name in ids(*files) if name != "head"]
    assert sorted(found) == sorted(f"{w}-{n}" for w in range(WRITERS) for n in range(EACH))
    assert renamed
    assert all(each.read_bytes().startswith(HEAD) for each in files if each.stat().st_size)
    assert all(each.stat().st_size <= SIZE for each in files)


def test_a_killed_process_leaves_no_lock(path, sink):
    writer = started(path, "killed")
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    while not path.exists() or not path.stat().st_size:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    sink()(lines(1))
    assert path.read_bytes().splitlines()[-1].count(b'"req-0"') == 1


def test_a_child_opens_the_file_anew(sink, path):
    write = sink(head=b"head")
    write([b"parent"])
    pid = os.fork()
    if not pid:  # the child
        try:
            write([b"child"])
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    write([b"parent again"])
    assert path.read_text().splitlines() == ["head", "parent", "head", "child", "parent again"]


def test_a_child_has_no_part_in_the_lock_of_its_parent(sink, path):
    write = sink()
    write(lines(1))
    descriptor = write._fd
    pid = os.fork()
    if not pid:  # the child
        try:
            os.fstat(descriptor)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    write(lines(1, first=1))
    assert ids(path) == wanted(2)
