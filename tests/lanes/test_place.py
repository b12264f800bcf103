"""Where the lanes are kept: every place that is not as it should be is refused, and said once."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from placement_guard.lanes import Lane, Result, ofd, open_lanes, place

ONE = [Lane("one")]


def plain(path):
    path.mkdir(mode=0o700)
    (path / "lanes").touch(mode=0o600)


def a_link(path):
    plain(path.with_name("other"))
    path.symlink_to("other")


def a_file(path):
    path.touch()


def open_to_all(path):
    path.mkdir()
    path.chmod(0o777)


def open_to_the_group(path):
    path.mkdir()
    path.chmod(0o770)


def anothers(path):
    plain(path)
    os.chown(path, 12345, -1)


def a_link_to_a_file_in_it(path):
    path.mkdir(mode=0o700)
    path.with_name("target").touch(mode=0o600)
    (path / "lanes").symlink_to("../target")


def a_fifo_in_it(path):
    path.mkdir(mode=0o700)
    os.mkfifo(path / "lanes", 0o600)


def a_directory_in_it(path):
    (path / "lanes").mkdir(mode=0o700, parents=True)


def a_file_that_all_may_open_in_it(path):
    plain(path)
    (path / "lanes").chmod(0o604)


def anothers_file_in_it(path):
    plain(path)
    os.chown(path / "lanes", 12345, -1)


def nothing_above_it(path):
    path.parent.rmdir()


HOSTILE = {
    a_link: "it, or the file in it, is a link or something else",
    a_file: "it, or the file in it, is a link or something else",
    open_to_all: "others may write to it; it needs mode 0700",
    open_to_the_group: "others may write to it; it needs mode 0700",
    anothers: f"it belongs to user 12345, not to {os.geteuid()}",
    a_link_to_a_file_in_it: "it, or the file in it, is a link or something else",
    a_fifo_in_it: "lanes is not a file",
    a_directory_in_it: "Is a directory",
    a_file_that_all_may_open_in_it: "others may open lanes; it needs mode 0600",
    anothers_file_in_it: f"lanes belongs to user 12345, not to {os.geteuid()}",
    nothing_above_it: "No such file or directory",
}
NEEDS_ROOT = {anothers, anothers_file_in_it}


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "parent" / "lanes"
    path.parent.mkdir()
    return path


def result(lanes):
    with lanes.hold(ONE, seconds=0) as hold:
        return hold.result


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_a_hostile_place_is_refused_and_said_once(make, directory, caplog):
    if make in NEEDS_ROOT and os.geteuid():
        pytest.skip("only root can give a file away")
    make(directory)
    lanes = open_lanes(None, f"{directory}/", 1, 64)  # through a slash, a link would be followed
    assert [result(lanes) for _ in range(3)] == [Result.UNAVAILABLE] * 3
    state = lanes.state()
    assert (state.available, state.where) == (False, str(directory))
    assert state.why == f"{directory}: {HOSTILE[make]}"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"Lanes: the file of the lanes cannot be used ({state.why}). "
        "Writes do not queue, so that more of them conflict."
    )


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755], ids="{:o}".format)
def test_a_directory_that_others_cannot_write_to_is_taken(mode, directory):
    """As that which systemd makes for a service."""
    directory.mkdir()
    directory.chmod(mode)
    assert result(open_lanes(None, str(directory), 1, 64)) is Result.HELD
    assert (directory / "lanes").stat().st_mode & 0o777 == 0o600


def test_what_is_missing_is_made_for_this_user_alone(directory):
    umask = os.umask(0)
    try:
        assert result(open_lanes(None, str(directory), 1, 64)) is Result.HELD
    finally:
        os.umask(umask)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "lanes").stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_to_is_refused():
    lanes = open_lanes(None, f"/proc/{os.getpid()}", 1, 64)  # not even root can
    assert result(lanes) is Result.UNAVAILABLE
    assert not lanes.state().available


def test_what_is_deleted_while_it_runs_is_made_again(directory, workers):
    lanes = open_lanes(None, str(directory), 1, 64)
    (other,) = workers(directory)
    for path in (directory / "lanes", directory):
        path.unlink() if path.is_file() else shutil.rmtree(path)
        assert result(lanes) is Result.HELD
        assert other.hold("one")["result"] == "held"
        assert result(lanes) is Result.TIMEOUT
        other.ask("release")


def test_what_is_replaced_while_it_runs_is_looked_at_anew(directory, workers, caplog):
    lanes = open_lanes(None, str(directory), 1, 64)
    moved = directory.with_name("moved")
    directory.rename(moved)
    open_to_all(directory)
    assert [result(lanes) for _ in range(3)] == [Result.UNAVAILABLE] * 3
    assert not lanes.state().available
    directory.rmdir()
    moved.rename(directory)
    (other,) = workers(directory)
    assert other.hold("one")["result"] == "held"
    assert result(lanes) is Result.TIMEOUT
    assert lanes.state().available
    assert [record.getMessage()[:45] for record in caplog.records] == [
        "Lanes: the file of the lanes cannot be used (",
        "Lanes: the file of the lanes can be used agai",
    ]


def test_without_a_directory_the_first_that_can_be_used_is_taken(directory, monkeypatch):
    run, temporary = directory, directory.with_name("tmp")
    temporary.mkdir()
    monkeypatch.setattr(place, "RUN", str(run))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    second = str(temporary / f"placement-guard-{os.geteuid()}")

    assert open_lanes(None, None, 1, 64).state().where == str(run)
    shutil.rmtree(run)
    open_to_all(run)
    assert open_lanes(None, "", 1, 64).state().where == second
    shutil.rmtree(second)
    Path(second).symlink_to(run)
    state = open_lanes(None, None, 1, 64).state()
    assert (state.available, state.where) == (False, f"{run} or {second}")
    assert state.why == (
        f"{run}: others may write to it; it needs mode 0700; "
        f"{second}: it, or the file in it, is a link or something else"
    )


def test_without_a_temporary_directory_it_is_said_why(monkeypatch, directory):
    def none():
        raise FileNotFoundError

    monkeypatch.setattr(place, "RUN", str(directory / "missing"))
    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert place.Place(None).directory.endswith(f"or /tmp/placement-guard-{os.geteuid()}")


def test_a_platform_without_these_locks_has_no_lanes(directory, monkeypatch):
    monkeypatch.setattr(ofd, "SUPPORTED", False)
    lanes = open_lanes(None, str(directory), 1, 64)
    assert result(lanes) is Result.UNAVAILABLE
    assert lanes.state().why == "this platform has no open file description locks; Linux has"


def test_a_file_system_whose_locks_have_no_effect_is_refused(directory, monkeypatch):
    monkeypatch.setattr(ofd, "lock", lambda *_: True)
    lanes = open_lanes(None, str(directory), 1, 64)
    assert lanes.state().why == (
        f"{directory}: locks have no effect in it; it needs a local file system"
    )


def test_locks_that_do_not_work_are_an_outage(directory, monkeypatch):
    lanes = open_lanes(None, str(directory), 1, 64)

    def none_left(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(ofd, "lock", none_left)
    assert result(lanes) is Result.UNAVAILABLE
    assert lanes.state().why == "[Errno 37] No locks available"
