"""Lanes of several hosts over a real Redis: a host is a directory of its own."""

import signal
import time

import pytest

from placement_guard.lanes import Lane, Result, open_lanes
from placement_guard.lanes.scripts import LEASE

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


def keys(server, part):
    return server.ask("KEYS", f"*:{part}")


def members(server, part):
    return sum(server.ask("ZCARD", key) for key in keys(server, part))


def both(workers, hosts, number, **options):
    """So many workers on each of the two hosts."""
    return [worker for host in hosts for worker in workers(host, number, **options)]


def test_one_host_waits_for_the_other(lanes, workers, hosts, server, until):
    (other,) = workers(hosts[1], url=server.url)
    hold = lanes.hold(ONE, seconds=BOUNDED)
    assert (hold.result, hold.driver) == (Result.HELD, "redis")
    assert other.hold("one", seconds=0.5)["result"] == "timeout"
    assert other.hold("two")["result"] == "held"
    other.ask("release")
    other.send("hold", lanes=ONE, seconds=60)
    until(lambda: members(server, "queue") == 1)
    hold.release()
    assert not hold.lost
    assert other.answer()["result"] == "held"
    assert other.ask("release") == {"lost": False}


@pytest.mark.parametrize(
    ("width", "options"),
    [
        (1, {}),
        (3, {"rest": 0.003}),
        (3, {"alone": 0.2}),
        (2, {"names": list("abcdef"), "most": 4, "alone": 0.1}),
    ],
    ids=["one at a time", "three at a time", "some alone", "several lanes in any order"],
)
def test_processes_of_two_hosts_exclude_each_other(width, options, workers, hosts, server, storms):
    started = both(workers, hosts, 3, url=server.url, width=width)
    found = storms(started, width=width, turns=30, **{"names": ["one"], **options})
    assert (found.wrong, found.results) == ([], {"held": 180})
    assert members(server, "holders") == members(server, "queue") == 0


def test_a_lane_is_as_wide_over_all_hosts_as_it_is(workers, hosts, server, tmp_path):
    first, second = both(workers, hosts, 1, url=server.url, width=2)
    (third,) = workers(tmp_path / "host-c", url=server.url, width=2)
    assert first.hold("one")["result"] == second.hold("one")["result"] == "held"
    assert third.hold("one", seconds=0.4)["result"] == "timeout"
    second.ask("release")
    assert third.hold("one")["result"] == "held"


def test_the_urgent_overtake_claims_that_wait_here_and_there(
    workers, hosts, server, until, tmp_path
):
    """Of its own host, too, and those that have the lane of the host and wait for the other."""
    (holder,) = workers(tmp_path / "host-c", url=server.url)
    claims = both(workers, hosts, 2, url=server.url)
    (urgent,) = workers(hosts[1], url=server.url)
    holder.hold("one")
    for claim in claims:
        claim.send("hold", lanes=ONE, seconds=60)
    until(lambda: members(server, "queue") == 2)  # one of each host; the others wait at theirs
    urgent.send("hold", lanes=ONE, seconds=60, urgent=True)
    until(lambda: members(server, "queue") == 3)
    holder.ask("release")
    said = urgent.answer()
    assert (said["result"], said["driver"]) == ("held", "redis")
    assert members(server, "queue") == 2
    urgent.ask("release")


def test_a_full_queue_is_not_waited_for(workers, hosts, server, until, tmp_path):
    holder, waiter = both(workers, hosts, 1, url=server.url, max_waiting=1)
    (third,) = workers(tmp_path / "host-c", url=server.url, max_waiting=1)
    holder.hold("one")
    waiter.send("hold", lanes=ONE, seconds=60)
    until(lambda: members(server, "queue") == 1)
    assert third.hold("one")["result"] == "full"
    assert third.hold("one", seconds=0.4, urgent=True)["result"] == "timeout"
    holder.ask("release")
    assert waiter.answer()["result"] == "held"


def test_a_timeout_takes_what_is_free(workers, hosts, server):
    holder, other = both(workers, hosts, 1, url=server.url)
    holder.hold("one")
    assert other.hold("one", "two", seconds=0.2)["result"] == "timeout"
    holder.ask("release")
    assert holder.hold("two", seconds=0.2)["result"] == "timeout"
    assert holder.ask("release") == {"lost": False}
    assert other.ask("release") == {"lost": False}
    assert holder.hold("one", "two")["result"] == "held"
    assert members(server, "queue") == 0


def test_a_killed_holder_is_forgotten_with_its_lease(workers, hosts, server):
    holder, other = both(workers, hosts, 1, url=server.url)
    holder.hold("one")
    holder.signal(signal.SIGKILL)
    holder.process.wait()
    assert other.hold("one")["result"] == "held"


def test_a_killed_waiter_holds_nobody_up(workers, hosts, server, until, tmp_path):
    holder, waiter = both(workers, hosts, 1, url=server.url)
    (third,) = workers(tmp_path / "host-c", url=server.url)
    holder.hold("one")
    waiter.send("hold", lanes=ONE, seconds=60)
    until(lambda: members(server, "queue") == 1)
    third.send("hold", lanes=ONE, seconds=60)
    until(lambda: members(server, "queue") == 2)
    waiter.signal(signal.SIGKILL)
    waiter.process.wait()
    holder.ask("release")
    assert third.answer()["result"] == "held"


def test_leases_are_extended_and_a_lost_one_is_noticed(workers, hosts, server, until, tmp_path):
    paused, other = both(workers, hosts, 1, url=server.url)
    (steady,) = workers(tmp_path / "host-c", url=server.url)
    began = time.monotonic()
    steady.hold("two")
    paused.hold("one")
    paused.signal(signal.SIGSTOP)
    assert other.hold("one")["result"] == "held"
    until(lambda: time.monotonic() > began + LEASE + 1)
    assert other.hold("two", seconds=0.4)["result"] == "timeout"
    assert steady.ask("release") == {"lost": False}
    paused.signal(signal.SIGCONT)
    assert paused.ask("release") == {"lost": True}


def test_a_lane_that_redis_has_forgotten_is_lost(lanes, server):
    hold = lanes.hold(ONE, seconds=BOUNDED)
    server.ask("FLUSHALL")
    hold.release()
    assert (hold.result, hold.lost) == (Result.HELD, True)


def test_without_redis_each_host_queues_for_itself(lanes, hosts, server, workers, storms, caplog):
    (here,) = workers(hosts[0], url=server.url)
    (there,) = workers(hosts[1], url=server.url)
    hold = lanes.hold(ONE, seconds=BOUNDED)
    server.kill()
    hold.release()
    assert hold.lost
    with lanes.hold(ONE, seconds=BOUNDED) as hold:
        assert (hold.result, hold.driver) == (Result.HELD, "files")
        assert here.hold("one", seconds=0.4)["result"] == "timeout"
        assert here.hold("one", seconds=0.4, urgent=True)["result"] == "timeout"
        said = there.hold("one")
        assert (said["result"], said["driver"]) == ("held", "files")
    state = lanes.state()
    assert (state.driver, state.where, state.available) == ("redis", server.where, False)
    assert "Connection refused" in state.why or "Connection closed" in state.why
    assert state.below.available
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_the_urgent_wait_at_their_host_where_redis_has_just_gone(lanes, workers, hosts, server):
    (here,) = workers(hosts[0])
    here.hold("one")
    server.kill()
    with lanes.hold(ONE, seconds=0.4, urgent=True) as hold:
        assert (hold.result, hold.driver) == (Result.TIMEOUT, "files")
    here.ask("release")
    with lanes.hold(ONE, seconds=0, urgent=True) as hold:
        assert (hold.result, hold.driver) == (Result.HELD, "files")


def test_a_redis_that_dies_in_a_storm_leaves_each_host_exact(workers, hosts, server, storms, until):
    started = workers(hosts[0], 4, url=server.url)

    def kill():
        until(lambda: keys(server, "holders"))
        server.kill()

    found = storms(started, names=["one"], width=1, turns=50, rest=0.002, meanwhile=kill)
    assert (found.wrong, found.results) == ([], {"held": 200})
    assert {worker.hold("two")["driver"] for worker in started[:1]} == {"files"}


def test_it_comes_back_by_itself(lanes, server, until, caplog):
    server.kill()

    def driver():
        with lanes.hold(ONE, seconds=BOUNDED) as hold:
            return hold.driver

    assert driver() == "files"
    server.start()
    until(lambda: driver() == "redis")
    assert lanes.state().available
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"Lanes: the Redis server {server.where} cannot be used",
        f"Lanes: the Redis server {server.where} can be used again.",
    ]


def test_a_redis_that_does_not_answer_costs_little(lanes, server, until):
    hold = lanes.hold(TWO, seconds=BOUNDED)
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    drivers = []
    for _ in range(100):
        with lanes.hold(ONE, seconds=60) as again:
            drivers.append(again.driver)
            assert again.result is Result.HELD
    hold.release()
    assert hold.lost
    assert time.monotonic() - began < BOUNDED
    assert drivers == ["files"] * 100
    assert not lanes.state().available
    server.signal(signal.SIGCONT)

    def driver():
        with lanes.hold(ONE, seconds=BOUNDED) as again:
            return again.driver

    until(lambda: driver() == "redis")


def test_an_interrupt_while_it_waits_leaves_nothing_held(
    lanes, workers, hosts, server, monkeypatch
):
    (other,) = workers(hosts[1], url=server.url)
    other.hold("one")

    def interrupt(_seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lanes.hold(ONE, seconds=60)
    other.ask("release")
    with lanes.hold(ONE, seconds=BOUNDED) as hold:
        assert hold.result is Result.HELD


def test_no_lanes_are_held_at_once(lanes):
    with lanes.hold([], seconds=60) as hold:
        assert (hold.result, hold.driver) == (Result.HELD, "files")
