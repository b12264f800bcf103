"""Health: what must work, in bounded time, and what is told along."""

import json
import threading

from placement_guard.observers import health
from placement_guard.observers.health import NOTHING_KNOWN, STARTING, Health


def ask(app, path):
    said = {}
    body = app({"PATH_INFO": path}, lambda status, headers: said.update(status=status))
    return body and (said["status"], json.loads(b"".join(body)))


def fail():
    raise RuntimeError("(2003, \"Can't connect to MySQL server on '10.0.0.7'\")")


def test_a_process_that_answers_lives():
    assert ask(Health({"database": fail}, {}), "/healthz") == ("200 OK", {"alive": True})


def test_ready_where_every_check_passes():
    found = Health({"placement": bool, "database": bool}, {"lanes": lambda: {"available": True}})
    assert ask(found, "/readyz") == (
        "200 OK",
        {
            "ready": True,
            "checks": {"placement": "ok", "database": "ok"},
            "lanes": {"available": True},
        },
    )


def test_not_ready_where_one_fails_and_why_is_for_the_log(caplog):
    status, told = ask(Health({"placement": bool, "database": fail}, {}), "/readyz")
    assert status == "503 Service Unavailable"
    assert told == {"ready": False, "checks": {"placement": "ok", "database": "failed"}}
    assert "10.0.0.7" in caplog.text


def test_a_check_that_hangs_is_a_failure_and_nobody_starts_another(monkeypatch):
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    go, started = threading.Event(), []

    def hang():
        started.append(1)
        go.wait(20)

    found = Health({"database": hang}, {})
    for _ in range(3):
        status, told = ask(found, "/readyz")
        assert (status[:3], told["checks"]["database"][:9]) == ("503", "no answer")
    assert len(started) == 1
    go.set()
    monkeypatch.setattr(health, "CHECK_SECONDS", 20)
    assert ask(found, "/readyz")[0] == "200 OK"


def test_other_paths_are_for_others():
    assert ask(NOTHING_KNOWN, "/metrics") is None
    assert ask(NOTHING_KNOWN, "/readyz")[0] == "200 OK"
    assert ask(STARTING, "/readyz")[0] == "503 Service Unavailable"
