"""The policy in force while its files change; time passes when the test says so."""

import threading

import pytest

from placement_guard.policy import judge, watch
from placement_guard.policy.files import PolicyError
from placement_guard.policy.watch import LOOK_SECONDS, SETTLE_SECONDS, PolicyFiles

GOOD, OTHER, BROKEN = '"everybody": "role:a"\n', '"everybody": "role:b"\n', '"everybody": [\n'


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def settle(self, files):
        """Time for the change to be seen, and for it to have settled."""
        for seconds in (LOOK_SECONDS, SETTLE_SECONDS):
            self.now += seconds
            files()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def policy(path, clock, told):
    return PolicyFiles(str(path), [], told.append, clock)


def text(files):
    return files().rules["everybody"].text


def test_a_policy_that_cannot_be_used_at_start_up_is_an_error(path, clock):
    path.write_text(BROKEN)
    with pytest.raises(PolicyError, match="is no YAML"):
        PolicyFiles(str(path), clock=clock)


def test_nothing_changes_where_nothing_changes(policy, clock, told):
    before = policy()
    for _ in range(5):
        clock.settle(policy)
    assert policy() is before
    assert told == []
    assert policy.state().problems == ()


def test_a_change_is_seen_once_it_has_settled(policy, path, clock, told):
    path.write_text(OTHER)
    assert text(policy) == "role:a"
    clock.now += LOOK_SECONDS
    assert text(policy) == "role:a"  # seen, and not read yet
    clock.now += SETTLE_SECONDS
    assert text(policy) == "role:b"
    assert told == [True]


def test_what_goes_on_changing_is_not_read(policy, path, clock, told):
    for number in range(5):
        path.write_text(OTHER + "#" * number)
        clock.now += LOOK_SECONDS
        assert text(policy) == "role:a"
    clock.settle(policy)
    assert text(policy) == "role:b"
    assert told == [True]


def test_it_is_not_looked_for_a_change_at_every_request(policy, clock, monkeypatch):
    looked, signature = [], watch.signature
    monkeypatch.setattr(watch, "signature", lambda *given: looked.append(1) or signature(*given))
    for seconds in (0.0, 0.5, 1.0, 0.5, 0.5):
        clock.now += seconds * LOOK_SECONDS
        policy()
        policy()
    assert len(looked) == 2


def test_a_broken_one_keeps_the_last_good_one_and_says_so_once(policy, path, clock, told, caplog):
    path.write_text(BROKEN)
    for _ in range(4):
        clock.settle(policy)
    assert text(policy) == "role:a"
    assert told == [False]
    state = policy.state()
    assert (state.rules, len(state.problems)) == (1, 1)
    assert state.problems[0].startswith(f"{path}:2:1: is no YAML: ")
    said = [r.getMessage() for r in caplog.records]
    assert said == [f"The policy is not read again, the last good one stays: {state.problems[0]!a}"]


def test_a_mended_one_comes_into_force_though_it_is_the_old_one(policy, path, clock, told):
    path.write_text(BROKEN)
    clock.settle(policy)
    path.write_text(GOOD)
    clock.settle(policy)
    assert told == [False, True]
    assert policy.state().problems == ()
    assert text(policy) == "role:a"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text('"everybody": "role:a", "x"'),
        lambda path: path.write_text('"everybody": "resource_class:VCPU"'),
        lambda path: path.write_bytes(b'"everybody": "\xff"'),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["removed", "emptied", "no mapping", "mistyped", "no UTF-8", "a directory in its place"],
)
def test_whatever_happens_to_the_file_the_last_good_one_stays(policy, path, clock, told, spoil):
    before = policy()
    spoil(path)
    clock.settle(policy)
    assert policy() is before
    assert told == [False]
    assert len(policy.state().problems) == 1


def test_what_nobody_thought_of_keeps_the_last_good_one_too(policy, path, clock, told, monkeypatch):
    def fail(*_given):
        raise MemoryError

    before = policy()
    monkeypatch.setattr(judge, "load", fail)
    path.write_text(OTHER)
    clock.settle(policy)
    assert policy() is before
    assert told == [False]
    assert policy.state().problems == (f"{path}: cannot be read; the log has more",)


def test_what_changes_while_it_is_read_is_read_again(policy, path, clock, told, monkeypatch):
    load = judge.load

    def slowly(*given):
        found = load(*given)
        path.write_text('"everybody": "role:c"\n')
        return found

    path.write_text(OTHER)
    with monkeypatch.context() as patched:
        patched.setattr(judge, "load", slowly)
        clock.settle(policy)
    assert text(policy) == "role:a"  # of neither state it is known to be the whole
    assert told == []
    clock.settle(policy)
    assert text(policy) == "role:c"
    assert told == [True]


def test_a_file_that_comes_into_a_directory_is_seen_and_one_that_goes(path, clock, told):
    files = PolicyFiles("", [str(path.parent)], told.append, clock)
    (path.parent / "z.yaml").write_text(OTHER)
    clock.settle(files)
    assert text(files) == "role:b"
    (path.parent / "z.yaml").unlink()
    clock.settle(files)
    assert text(files) == "role:a"
    assert told == [True, True]


def test_a_directory_that_is_emptied_keeps_the_last_good_one(path, clock, told):
    files = PolicyFiles("", [str(path.parent)], told.append, clock)
    path.unlink()
    clock.settle(files)
    assert text(files) == "role:a"
    assert told == [False]
    assert files.state().problems == (
        f"{path.parent}: has no policy file in it (.yaml, .yml, .json)",
    )


def test_more_problems_than_can_be_shown_are_cut(policy, path, clock):
    path.write_text("\n".join(f'"r{n}": {n}' for n in range(100)))
    clock.settle(policy)
    assert len(policy.state().problems) == watch.MAX_LOGGED


def test_no_thread_waits_for_another_that_reads(policy, path, clock, monkeypatch):
    load, reading, go_on = judge.load, threading.Event(), threading.Event()

    def slowly(*given):
        reading.set()
        assert go_on.wait(10)
        return load(*given)

    path.write_text(OTHER)
    clock.now += LOOK_SECONDS
    policy()
    clock.now += SETTLE_SECONDS
    monkeypatch.setattr(judge, "load", slowly)
    reader = threading.Thread(target=policy)
    reader.start()
    assert reading.wait(10)
    clock.now += LOOK_SECONDS
    assert text(policy) == "role:a"  # at once, while the other reads
    go_on.set()
    reader.join(10)
    assert text(policy) == "role:b"
