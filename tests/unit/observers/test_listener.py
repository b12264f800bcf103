"""The listener: the metrics, on an address of their own."""

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from placement_guard import Settings
from placement_guard.observers.listener import listen
from placement_guard.observers.metrics import Metrics


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


def test_metrics_are_served():
    registry = CollectorRegistry()
    Metrics.of(registry)
    port = free_port()
    server = listen(Settings(metrics_port=port), registry)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
    assert 'placement_guard_requests_total{operation="root:show",outcome="served"} 0.0' in text


def test_port_0_means_none():
    assert listen(Settings(metrics_port=0), CollectorRegistry()) is None


def test_a_taken_port_is_an_error():
    with taken_port() as port, pytest.raises(OSError, match="Address already in use"):
        listen(Settings(metrics_port=port), CollectorRegistry())


def test_a_port_taken_by_another_worker_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with taken_port() as port:
        assert listen(Settings(metrics_port=port), CollectorRegistry()) is None


def test_an_address_that_cannot_be_bound_is_an_error_for_every_worker(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
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
