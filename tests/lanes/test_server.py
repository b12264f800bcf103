"""How Redis is reached: its address, its connections, what is kept there and what is said of it."""

import logging
import subprocess
import sys
import threading
import time

import pytest

from placement_guard.lanes import Lane, Result, open_lanes, problem
from placement_guard.lanes.scripts import KEPT

ONE, TWO = [Lane("one")], [Lane("two")]

BOUNDED = 30
"""Far more than any wait here may take, and far less than one without a bound (seconds)."""


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Redis may take longer here, as in worker.py: a busy machine is no outage."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"placement_guard.lanes.server.{name}", 3)


@pytest.fixture
def hosts(tmp_path):
    return [tmp_path / "host-a", tmp_path / "host-b"]


@pytest.fixture
def server(redis_server):
    return redis_server()


@pytest.fixture
def lanes(server, hosts):
    opened = open_lanes(server.url, str(hosts[0]), 1, 64)
    yield opened
    opened.close()


def test_a_password_is_used_and_never_said(redis_server, hosts, caplog):
    caplog.set_level(logging.DEBUG)
    server = redis_server("s3cret")
    good = open_lanes(server.url, str(hosts[0]), 1, 64)
    with good.hold(ONE, seconds=BOUNDED) as hold:
        assert hold.driver == "redis"
    bad = open_lanes(server.url.replace("s3cret", "wr0ng"), str(hosts[0]), 1, 64)
    none = open_lanes(server.where, str(hosts[0]), 1, 64)
    for lanes in (bad, none):
        with lanes.hold(ONE, seconds=BOUNDED) as hold:
            assert (hold.result, hold.driver) == (Result.HELD, "files")
        assert lanes.state().where == server.where
        assert not lanes.state().available
    said = caplog.text + repr([lanes.state() for lanes in (good, bad, none)])
    assert "invalid" in said
    assert "s3cret" not in said
    assert "wr0ng" not in said


def test_a_password_in_an_error_is_left_out(redis_server, hosts):
    server = redis_server("NOAUTH")
    lanes = open_lanes(server.where.replace("://", "://:NOAUTH@"), str(hosts[0]), 1, 64)
    assert lanes._server.why(ValueError("NOAUTH is wrong")) == "ValueError: *** is wrong"


def test_nothing_stays_in_redis(lanes, server):
    for number in range(200):
        lanes.hold([Lane(str(number))], seconds=0).release()
    hold = lanes.hold([*ONE, *TWO], seconds=BOUNDED)
    left = server.ask("KEYS", "*")
    assert all(key.startswith("{placement-guard}:lane:") for key in left)
    assert len(left) == 2
    assert all(0 < server.ask("PTTL", key) <= KEPT * 1000 for key in left)
    hold.release()
    assert server.ask("KEYS", "*") == []


def test_scripts_that_redis_has_forgotten_are_sent_again(lanes, server):
    for _ in range(2):
        with lanes.hold(ONE, seconds=BOUNDED) as hold:
            assert hold.driver == "redis"
        server.ask("SCRIPT", "FLUSH")


def test_a_unix_socket_will_do(server, hosts, tmp_path, redis_server):
    path = server.directory / "socket"
    server.kill()
    with subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", ""],
        stdout=subprocess.DEVNULL,
        cwd=server.directory,
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not path.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            lanes = open_lanes(f"unix://{path}?db=2", str(hosts[0]), 1, 64)
            with lanes.hold(ONE, seconds=BOUNDED) as hold:
                assert hold.driver == "redis"
            assert lanes.state().where == f"unix://{path}?db=2"
            lanes.close()
        finally:
            process.kill()


FORKS = """
import os, sys
from placement_guard.lanes import Lane, open_lanes

lanes = open_lanes(sys.argv[1], sys.argv[2], 1, 64)
one, two = [Lane("one")], [Lane("two")]
hold = lanes.hold(one, seconds=5)
assert hold.driver == "redis"
pid = os.fork()
if not pid:
    hold.release()
    mine = lanes.hold(two, seconds=5)
    assert (mine.result, mine.driver) == ("held", "redis")
    assert lanes.hold(one, seconds=0.4).result == "timeout"
    mine.release()
    assert not mine.lost
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
hold.release()
assert not hold.lost
"""


def test_a_fork_has_connections_and_leases_of_its_own(server, hosts):
    program = [sys.executable, "-W", "ignore", "-c", FORKS, server.url, str(hosts[0])]
    subprocess.run(program, check=True, timeout=60)


def test_without_another_thread_leases_are_not_extended(lanes, monkeypatch, caplog):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    for _ in range(2):
        with lanes.hold(ONE, seconds=BOUNDED) as hold:
            assert (hold.result, hold.driver) == (Result.HELD, "redis")
        assert not hold.lost
    assert [record.getMessage() for record in caplog.records] == [
        "Lanes: leases will not be extended (can't start new thread)."
    ]


def test_close_ends_the_thread_and_the_connections(lanes, server):
    before = set(threading.enumerate())
    with lanes.hold(ONE, seconds=BOUNDED):
        (thread,) = set(threading.enumerate()) - before
    lanes.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(server.ask("CLIENT", "LIST").splitlines()) == 1  # the one that asks
    with lanes.hold(ONE, seconds=BOUNDED) as hold:
        assert hold.driver == "redis"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://:s3cret@host", "it is no address of a Redis server"),
        ("redis://", "it is no address of a Redis server"),
        ("s3cret", "it is no address of a Redis server"),
        ("redis://:s3/cret@host", "in a password, write / ? # and @ percent-encoded"),
        ("redis://s3?cret@host", "in a password, write / ? # and @ percent-encoded"),
        ("redis://:s3cret@host:port", "it cannot be read"),
        ("redis://:s3cret@[host", "it cannot be read"),
        ("redis://:s3cret@host/0?db=x", "it cannot be read"),
        ("redis://:s3cret@host/0?socket_timeout=60", "of options only"),
        ("redis://:s3cret@host/0?retry_on_timeout=1", "of options only"),
        ("redis://:s3cret@host/0?ssl_ca_certs=/ca.pem", "its options are not those of redis-py"),
    ],
)
def test_an_address_that_is_none_is_told_without_quoting_it(url, why, hosts, caplog):
    assert problem(url).startswith(why)
    lanes = open_lanes(url, str(hosts[0]), 1, 64)
    with lanes.hold(ONE, seconds=0) as hold:
        assert (hold.result, hold.driver) == (Result.HELD, "files")
    assert "Redis is not used" in caplog.text
    for secret in ("s3", "cret"):
        assert secret not in problem(url) + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://user:s%2Fcret@host:6380/1",
        "rediss://host:6380/0?ssl_ca_certs=/ca.pem",
        "unix://:secret@/run/redis.sock?db=1",
    ],
)
def test_an_address_is_not_asked_before_it_is_used(url):
    assert problem(url) is None


def test_without_redis_py_it_is_said_what_brings_it(monkeypatch, hosts, caplog):
    for name in [name for name in sys.modules if name.split(".")[0] == "redis"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "placement_guard.lanes.server", raising=False)
    assert "placement-guard[redis]" in problem("redis://host")
    assert open_lanes("redis://host", str(hosts[0]), 1, 64).state().driver == "files"
    assert "placement-guard[redis]" in caplog.text
