"""The listener: the metrics, on an address of their own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, values

from placement_guard import Settings
from placement_guard.observers.listener import MAX_PEERS, listen
from placement_guard.observers.metrics import Metrics, sharing


@contextlib.contextmanager
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def until_answered(port):
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def listening():
    port = free_port()
    listener = listen(Settings(metrics_port=port), CollectorRegistry())
    yield port
    listener.close()


def test_only_reads_are_answered(listening):
    with pytest.raises(urllib.error.HTTPError, match="405") as raised:
        urllib.request.urlopen(f"http://127.0.0.1:{listening}/metrics", data=b"x")
    raised.value.close()


def test_who_comes_while_many_say_nothing_is_hung_up_on(listening):
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_PEERS):
            stack.enter_context(socket.create_connection(("127.0.0.1", listening)))
        with socket.create_connection(("127.0.0.1", listening)) as late:
            late.settimeout(5)
            assert late.recv(1) == b""
    assert until_answered(listening) is not None


def test_metrics_are_served():
    registry = CollectorRegistry()
    Metrics.of(registry)
    port = free_port()
    server = listen(Settings(metrics_port=port), registry)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.close()
    assert 'placement_guard_requests_total{operation="root:show",outcome="served"} 0.0' in text


def test_port_0_means_none():
    assert listen(Settings(metrics_port=0), CollectorRegistry()) is None


def test_a_taken_port_is_an_error():
    with taken_port() as port, pytest.raises(OSError, match="Address already in use"):
        listen(Settings(metrics_port=port), CollectorRegistry())


@pytest.fixture
def shared(monkeypatch, tmp_path):
    """A directory in which workers count together."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(sharing, "_shared", {})
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_a_port_taken_by_another_worker_is_taken_over_when_that_ends(shared):
    registry = CollectorRegistry()
    with taken_port() as port:
        listener = listen(Settings(metrics_port=port), registry)
    Metrics.of(registry)
    try:
        assert 'outcome="served"' in until_answered(port)
    finally:
        listener.close()


def test_who_waits_for_a_port_can_be_closed(shared):
    with taken_port() as port:
        listen(Settings(metrics_port=port), CollectorRegistry()).close()


def test_an_address_that_cannot_be_bound_is_an_error_for_every_worker(shared):
    with pytest.raises(OSError, match=r"assign|address"):
        listen(Settings(metrics_host="203.0.113.1", metrics_port=1), CollectorRegistry())


def test_several_processes_are_summed_up(tmp_path):
    """Each process counts for itself; what is served is the sum, also of those that are gone."""
    count = (
        "from prometheus_client import CollectorRegistry, REGISTRY\n"
        "from placement_guard.observers.metrics import Metrics\n"
        "from placement_guard.outcome import Ending\n"
        "metrics = Metrics.of(REGISTRY)\n"
        "metrics._requests['traits:list', Ending.SERVED]()\n"
    )
    serve = (
        "from prometheus_client import generate_latest\n"
        "from placement_guard.observers.listener import served_registry\n"
        "print(generate_latest(served_registry()).decode())\n"
    )
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for script in (count, count, count):
        subprocess.run([sys.executable, "-c", script], env=environ, check=True)
    out = subprocess.run(
        [sys.executable, "-c", serve], env=environ, check=True, capture_output=True, text=True
    ).stdout
    assert 'placement_guard_requests_total{operation="traits:list",outcome="served"} 3.0' in out
