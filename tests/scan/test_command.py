"""The command as people and programs use it: formats, connections, interrupts, exit codes."""

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import types

import pytest
from keystoneauth1.fixture import V3Token

from placement_guard import cli

READY_SECONDS = 60

# Of openstacksdk, told to itself: nothing here is about InfluxDB.
pytestmark = pytest.mark.filterwarnings("ignore:Support for InfluxDB")
HOSTILE = "=cmd|'/c calc'!A1\x1b]0;title\x07\x1b[2J\u202e\x00\\x1b"


@pytest.fixture
def hostile(cloud):
    cloud.sql("UPDATE resource_providers SET name = :name WHERE name = 'empty'", name=HOSTILE)
    cloud.sql("UPDATE projects SET external_id = '@SUM(1)\r\n\x9b31m' WHERE external_id = 'other'")
    return cloud


# Formats ---------------------------------------------------------------------------------------


def test_the_table(cloud):
    cloud.inventories("compute-1", {"VCPU": {"total": 2}, "MEMORY_MB": {"total": 4096}})
    code, out, err = cloud.run()
    assert (code, err) == (1, "")
    head, line, blank, last = out.splitlines()
    assert head.split() == ["SEVERITY", "KIND", "WHERE", "WHAT"]
    assert line == (
        f"damage      usage.above_capacity            {cloud.named('compute-1')}  3 of VCPU are in "
        "use, 2 is the capacity (total 2, reserved 0, allocation_ratio 1.0) (compute-1)"
    )
    assert [line.find(cloud.named("compute-1")), line.find("3 of")] == [
        head.find("WHERE"), head.find("WHAT"),
    ]  # fmt: skip
    assert blank == ""
    assert re.fullmatch(
        r"1 finding \(1 damage\) in 10 providers and 9 consumers, with \d+ requests\.", last
    )


def test_what_comes_from_placement_reaches_no_terminal_raw(hostile):
    code, out, err = hostile.run()
    assert (code, err) == (1, "")
    assert all(letter == "\n" or letter.isprintable() for letter in out)
    assert r"=cmd|'/c calc'!A1\x1b]0;title\x07\x1b[2J\u202e\x00\\x1b" in out
    assert r"@SUM(1)\x0d\x0a\x9b31m" in out
    assert len(out.splitlines()) == 5


def test_csv(hostile):
    code, out, err = hostile.run("--format", "csv")
    assert (code, err) == (1, "")
    assert all(letter == "\n" or letter.isprintable() for letter in out)
    head, *rows = csv.reader(io.StringIO(out))
    assert head == [
        "severity", "kind", "provider", "provider_name", "resource_class", "consumer", "what",
    ]  # fmt: skip
    assert {row[1] for row in rows} == {"name.control_character"}
    assert r"'=cmd|'/c calc'!A1\x1b]0;title\x07\x1b[2J\u202e\x00\\x1b" in {row[3] for row in rows}
    cells = [cell for row in [head, *rows] for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]


def test_json_is_ascii_and_exact(hostile):
    code, out, _ = hostile.run("--format", "json")
    assert code == 1
    assert out.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out)
    told = json.loads(out)
    assert HOSTILE in {finding["provider_name"] for finding in told["findings"]}
    assert told["summary"]["found"] == {"name.control_character": 2}
    assert set(told["summary"]) == {
        "complete", "microversion", "providers", "consumers", "gone", "requests", "found",
        "not_checked", "unanswered",
    }  # fmt: skip


def test_an_output_that_takes_ascii_only(hostile):
    done = hostile.start(env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    hostile.sql("UPDATE resource_providers SET name = 'Zürich\n' WHERE name = :n", n=HOSTILE)
    out, err = done.communicate(timeout=READY_SECONDS)
    assert (done.returncode, err) == (1, "")
    assert out.isascii()


# Connections -----------------------------------------------------------------------------------


@pytest.fixture
def unconnected(cloud, monkeypatch):
    """Nothing but what a test sets says where Placement is."""
    monkeypatch.setattr(cloud, "command", lambda *arguments: ["scan", *arguments])
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir("/")
    return cloud


def test_a_token_from_the_environment(unconnected, monkeypatch):
    monkeypatch.setenv("OS_TOKEN", "admin")
    assert unconnected.run("--endpoint", unconnected.url)[0] == 0


def test_a_token_from_a_file(unconnected, tmp_path):
    file = tmp_path / "token"
    file.write_text("admin\nnot this\n")
    assert unconnected.run("--endpoint", unconnected.url, "--token-file", str(file))[0] == 0


def test_a_token_from_standard_input(unconnected, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("admin\n"))
    assert unconnected.run("--endpoint", unconnected.url, "--token-file", "-")[0] == 0


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_cloud_of_clouds_yaml(unconnected, monkeypatch, tmp_path, by):
    file = tmp_path / "clouds.yaml"
    file.write_text(
        "clouds:\n  mine:\n    auth_type: admin_token\n"
        f"    auth: {{endpoint: '{unconnected.url}', token: admin}}\n"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    if by == "environment":
        monkeypatch.setenv("OS_CLOUD", "mine")
    assert unconnected.run(*(["--os-cloud", "mine"] if by == "option" else []))[0] == 0
    assert unconnected.between.asked


def keystone(placement):
    """As much of keystone as a password needs: it has no WSGI application that starts alone."""
    seen = []

    def application(environ, start_response):
        seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        told = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if told and b'"password": "right"' not in told:
            start_response("401 Unauthorized", [("Content-Type", "application/json")])
            return [b"{}"]
        token = V3Token(user_name="admin", project_name="admin")
        service = token.add_service("placement")
        service.add_endpoint("public", "http://127.0.0.1:9/wrong", region="one")
        service.add_endpoint("internal", placement, region="one")
        headers = [("Content-Type", "application/json"), ("X-Subject-Token", "admin")]
        start_response("201 Created", headers)
        return [json.dumps(token).encode()]

    application.seen = seen
    return application


@pytest.fixture
def with_keystone(unconnected, server, monkeypatch):
    application = keystone(unconnected.url)
    with server(application) as url:
        given = {
            "AUTH_URL": f"{url}/v3", "USERNAME": "admin", "PASSWORD": "right", "INTERFACE": "internal",
            "PROJECT_NAME": "admin", "USER_DOMAIN_ID": "default", "PROJECT_DOMAIN_ID": "default",
            "REGION_NAME": "one", "IDENTITY_API_VERSION": "3",
        }  # fmt: skip
        for name, value in given.items():
            monkeypatch.setenv(f"OS_{name}", value)
        unconnected.keystone = application
        yield unconnected


def test_a_user_of_keystone_from_the_environment(with_keystone):
    code, out, err = with_keystone.run()
    assert (code, err) == (0, "")
    assert "Nothing found in 10 providers" in out
    # One token for all; the catalogue says where Placement is.
    assert [method for method, _ in with_keystone.keystone.seen].count("POST") == 1


def test_keystone_may_refuse(with_keystone, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "wrong-secret")
    code, out, err = with_keystone.run()
    assert (code, out) == (2, "")
    assert "authentication is refused" in err
    assert "wrong-secret" not in err


def test_placement_may_not_be_in_the_catalogue(with_keystone, monkeypatch):
    monkeypatch.setenv("OS_REGION_NAME", "two")
    code, out, err = with_keystone.run()
    assert (code, out) == (2, "")
    assert "placement-guard scan: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the cloud cannot be used"),
        (["--os-cloud", "nobody-knows"], "the cloud cannot be used"),
        (["--endpoint", "{url}"], "there is no token: give --token-file, or OS_TOKEN"),
        (["--endpoint", "{url}", "--token-file", "/nowhere"], "/nowhere cannot be read"),
        (["--endpoint", "{url}", "--token", "two words"], "the token is empty, or holds"),
        (["--token", "admin"], "a token needs --endpoint"),
        (["--os-cloud", "a", "--endpoint", "{url}"], "choose one: --os-cloud or --endpoint"),
        (["--endpoint", "nowhere", "--token", "t"], "the endpoint is no URL"),
        (["--endpoint", "{url}", "--token", "t", "--os-cacert", "/nowhere"],
         "/nowhere cannot be read; choose another --os-cacert"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_says_where_may_be_wrong(unconnected, arguments, said):
    code, out, err = unconnected.run(*[word.format(url=unconnected.url) for word in arguments])
    assert (code, out) == (2, "")
    assert err.startswith(f"placement-guard scan: {said}")
    assert unconnected.between.asked == []


def test_who_has_no_right_to_is_told_so(unconnected):
    code, out, err = unconnected.run("--endpoint", unconnected.url, "--token", "nobody")
    assert code == 2
    assert err.startswith("placement-guard scan: GET /")
    assert "is forbidden (HTTP 403): a role is needed, admin by default\n" in err
    assert "Not all was read" in out


def test_the_token_is_never_shown(cloud, caplog):
    caplog.set_level("DEBUG")
    secret = "admin:very-secret"
    cloud.between.before("^/usages", lambda: ("418 I'm a teapot", [], b"secret"))
    with contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main(["scan", "--endpoint", cloud.url, "--token", secret])
    assert code == 2
    assert "HTTP 418" in err.getvalue()
    ours = ("keystoneauth", "urllib3", "openstack", "placement_guard")
    logged = [record for record in caplog.records if record.name.startswith(ours)]
    assert logged
    assert not [text for record in logged if "very-secret" in (text := record.getMessage())]
    assert "very-secret" not in err.getvalue()


# What goes wrong on the way --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("200 OK", b"{}", "the address answers, but it is no Placement"),
        ("200 OK", b'{"versions": [3]}', "the address answers, but it is no Placement"),
        ("200 OK", b"hello", "is it Placement?"),
        ("200 OK", b'{"versions": [{"min_version": "1.0", "max_version": "1.13"}]}',
         "Placement's microversions are 1.0 to 1.13; 1.14 to 1.39 are known"),
        ("200 OK", b'{"versions": [{"min_version": "1.40", "max_version": "1.50"}]}',
         "Placement's microversions are 1.40 to 1.50; 1.14 to 1.39 are known"),
        ("404 Not Found", b"", "the address answers, but it is no Placement"),
        ("503 Busy", b"", "/: HTTP 503"),
        ("500 Broken", b"", "GET / is answered with HTTP 500"),
        ("302 Found", b"", "GET / is redirected (HTTP 302)"),
    ],
)  # fmt: skip
def test_what_is_no_placement(cloud, status, body, said):
    cloud.between.before("^/$", lambda: (status, [], body), times=9)
    code, out, err = cloud.run()
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("200 OK", b"[]", "is it Placement?"),
        ("200 OK", b"{}", "the answer is not Placement's"),
        ("200 OK", b'{"resource_providers": [{}]}', "the answer is not Placement's"),
        ("404 Not Found", b"", "it has no list of providers"),
        ("500 Broken", b"", "GET /resource_providers is answered with HTTP 500"),
        ("503 Busy", b"", "/resource_providers: HTTP 503"),
    ],
)
def test_a_list_that_is_none(cloud, status, body, said):
    cloud.between.before("^/resource_providers$", lambda: (status, [], body), times=9)
    code, _, err = cloud.run()
    assert code == 2
    assert said in err


def test_a_busy_placement_is_asked_again(cloud):
    busy = ("503 Service Unavailable", [("Retry-After", "1")], b"")
    cloud.between.before(f"{cloud.named('compute-1')}/usages", lambda: busy)
    began = time.monotonic()
    assert cloud.found() == set()
    assert time.monotonic() - began >= 1


def test_one_request_without_an_answer_makes_it_incomplete(cloud):
    cloud.inventories("compute-2", {"VCPU": {"total": 1}, "MEMORY_MB": {"total": 4096}})
    path = f"/resource_providers/{cloud.named('compute-1')}/usages"
    cloud.between.before(path, lambda: ("503 Busy", [("Retry-After", "3600")], b""))
    done = cloud.scan()
    assert done.code == 2
    assert done.summary["complete"] is False
    assert done.summary["unanswered"] == [f"{path}: HTTP 503"]
    assert done.err.splitlines() == [
        (
            "placement-guard scan: not looked for: allocation.no_provider: not every provider and not "
            "every consumer could be read"
        ),
        f"placement-guard scan: no answer: {path}: HTTP 503",
    ]
    assert [f["kind"] for f in done.findings] == ["usage.above_capacity"]


def test_a_placement_that_breaks_down_is_given_up(cloud):
    cloud.between.before("/inventories", lambda: ("503 Busy", [], b""), times=99)
    done = cloud.scan()
    assert done.code == 2
    assert len(done.summary["unanswered"]) == 10
    assert "10 requests got no answer; the last: /resource_providers/" in done.err


def test_a_database_that_is_gone_is_no_damage(cloud):
    """Placement answers 500 to all then, not to what is damaged."""
    cloud.between.before("^/resource_providers[/?]", lambda: ("500 Broken", [], b""), times=999)
    done = cloud.scan()
    assert (done.code, done.findings) == (2, [])
    assert "HTTP 500" in done.err


def test_a_failure_that_is_not_looked_for_makes_it_incomplete(cloud):
    path = f"/resource_providers/{cloud.named('compute-1')}/inventories"
    cloud.between.before(path, lambda: ("500 Broken", [], b""), times=9)
    done = cloud.scan("--only", "inventory")
    assert (done.code, done.findings) == (2, [])
    cloud.between.before(path, lambda: ("500 Broken", [], b""), times=9)
    assert cloud.found("--only", "inventory", "--only", "read") == {
        ("read.fails", cloud.named("compute-1"), None)
    }


def test_only_what_is_not_told_is_said_and_not_passed_over(cloud):
    body = b'{"versions": [{"min_version": "1.0", "max_version": "1.37"}]}'
    cloud.between.before("^/$", lambda: ("200 OK", [], body))
    code, _, err = cloud.run("--only", "consumer.migration")
    assert code == 2
    assert "consumer.migration: Placement tells it from microversion 1.38 on" in err


def held_up(cloud, pattern):
    """Two events: a request that matches is there; it may go on."""
    reached, hold = threading.Event(), threading.Event()

    def wait():
        reached.set()
        hold.wait(READY_SECONDS)

    cloud.between.before(pattern, wait)
    return reached, hold


# Interrupts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_gives_a_partial_report(cloud, number):
    """At once: no request is waited for."""
    last = max(cloud.named(f"compute-{n}") for n in range(4))
    first = min(cloud.named(f"compute-{n}") for n in range(4))
    cloud.sql("UPDATE inventories SET total = 1, reserved = 0, allocation_ratio = 1.0")
    reached, hold = held_up(cloud, f"{last}/inventories")
    done = cloud.start("--format", "json", "--concurrency", "1")
    try:
        assert reached.wait(READY_SECONDS)
        done.send_signal(number)
        out, err = done.communicate(timeout=READY_SECONDS / 2)
    finally:
        hold.set()
        done.kill()
    assert done.returncode == 2
    assert err == "placement-guard scan: interrupted: the report is partial\n"
    told = json.loads(out)
    assert told["summary"]["complete"] is False
    assert ("usage.above_capacity", first) in {(f["kind"], f["provider"]) for f in told["findings"]}
    assert last not in {f["provider"] for f in told["findings"]}


def test_an_interrupt_before_anything_was_read(cloud):
    reached, hold = held_up(cloud, "^/$")
    done = cloud.start()
    try:
        assert reached.wait(READY_SECONDS)
        done.send_signal(signal.SIGINT)
        out, err = done.communicate(timeout=READY_SECONDS / 2)
    finally:
        hold.set()
        done.kill()
    assert (done.returncode, out) == (2, "")
    assert err == "placement-guard scan: interrupted: the report is partial\n"


def test_an_interrupt_while_the_token_is_awaited(unconnected, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(readline=interrupted))
    done = unconnected.run("--endpoint", unconnected.url, "--token-file", "-")
    assert done == (2, "", "placement-guard scan: interrupted\n")


def test_a_reader_of_the_report_that_goes_away(cloud):
    cloud.sql("UPDATE inventories SET total = 1, reserved = 0, allocation_ratio = 1.0")
    read, write = os.pipe()
    os.close(read)
    done = cloud.start(stdout=write)
    os.close(write)
    _, err = done.communicate(timeout=READY_SECONDS)
    assert done.returncode == 2
    assert err == "placement-guard scan: the report cannot be written (Broken pipe)\n"


# Terminals -------------------------------------------------------------------------------------


def on_a_terminal(cloud, *streams, **environ):
    """What a terminal is shown, with these streams on it, and what the others get."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **dict.fromkeys(streams, inner)}
    env = {**os.environ, "TERM": "xterm", **environ}
    env.pop("NO_COLOR", None) if "NO_COLOR" not in environ else None
    done = cloud.start("--concurrency", "1", env=env, **given)
    os.close(inner)
    shown = b""
    with contextlib.suppress(OSError):  # what a closed terminal answers
        while chunk := os.read(outer, 65536):
            shown += chunk
    out, err = done.communicate(timeout=READY_SECONDS)
    os.close(outer)
    return done.returncode, shown.decode(), out, err


def test_a_bar_is_shown_on_a_terminal_and_goes_away(cloud):
    code, shown, out, _ = on_a_terminal(cloud, "stderr")
    assert code == 0
    assert "providers: " in shown
    assert "consumers: " in shown
    assert re.fullmatch(r"Nothing found in 10 providers[^\x1b\r]*\n", out)


def test_no_bar_and_no_colour_elsewhere(cloud):
    cloud.inventories("compute-1", {"VCPU": {"total": 2}, "MEMORY_MB": {"total": 4096}})
    _, out, err = cloud.run()
    assert "\x1b" not in out + err
    assert "\r" not in out + err


def test_findings_and_a_bar_on_one_terminal(cloud):
    cloud.inventories("compute-1", {"VCPU": {"total": 2}, "MEMORY_MB": {"total": 4096}})
    code, shown, _, _ = on_a_terminal(cloud, "stdout", "stderr")
    assert code == 1
    assert "\x1b[31mdamage    \x1b[0m  usage.above_capacity" in shown
    # The line begins where the bar was taken away.
    line = next(part for part in shown.split("\n") if "usage.above_capacity" in part)
    assert line.split("\r")[-2 if line.endswith("\r") else -1].startswith("\x1b[31mdamage")


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_colour_may_be_declined(cloud, environ):
    cloud.inventories("compute-1", {"VCPU": {"total": 2}, "MEMORY_MB": {"total": 4096}})
    _, shown, _, _ = on_a_terminal(cloud, "stdout", **environ)
    assert "damage      usage.above_capacity" in shown
    assert "\x1b[31m" not in shown
