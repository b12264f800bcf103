"""The board: bounded, shared by workers through files, and never in the way of a request."""

import json
import stat
import time

import msgspec
import pytest
from oslo_context.context import RequestContext

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.observers.board import Board, Page, Shelf, shelf
from placement_guard.observers.board.facts import DECISIONS, MINUTES, OLD_CLIENTS, Snapshot
from placement_guard.observers.slots import Slots
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import reject
from placement_guard.rules import RULES, Mode

SERVED = Outcome(Ending.SERVED, 200, seconds=0.001)
REFUSED = Outcome(Ending.REJECTED, 400)
MODES = {rule.id: rule.default_mode for rule in RULES}


def exchange(path="/resource_providers", method="POST", user="user", version=(1, 39), **more):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "openstack.request_id": "req-7"}
    context = RequestContext(user_id=user, project_id="project", overwrite=False)
    return begin(environ, Router()).extended(context=context, version=version, **more)


def refuse(board, path="$.name", **of):
    board(exchange(**of), REFUSED, reject("document.invalid", "x", path))


def conflict(board, provider):
    at = f"/resource_providers/{provider}/inventories"
    board(exchange(at, "PUT"), Outcome(Ending.CONFLICT, 409, conflict="lost_race"), None)


def alone(board):
    return Shelf(board, None, MODES)


def test_a_decision_tells_who_what_and_where():
    board = Board(lambda: 60.0)
    refuse(board)
    board(exchange(), SERVED, None)
    board(exchange(warnings=(reject("json.malformed", "x"),)), SERVED, None)
    board(exchange(), Outcome(Ending.SHED, 503, shed="busy"), None)
    conflict(board, "one")
    found = board.snapshot("w0").decisions
    assert [(d.verdict, d.why, d.status) for d in found] == [
        ("rejected", "document.invalid", 400),
        ("warned", "json.malformed", 200),
        ("shed", "busy", 503),
        ("conflict", "lost_race", 409),
    ]
    first = found[0]
    assert (first.user, first.project, first.json_path) == ("user", "project", "$.name")
    assert (first.request_id, first.microversion) == ("req-7", "1.39")


def test_everything_is_bounded_and_in_ascii():
    now = [0.0]
    board = Board(lambda: now[0])
    for number in range(300):
        now[0] += 60
        refuse(
            board, user=f"{number}" + "\u202e\n\x1b" * 500, version=(1, 1), path="$" + "x" * 5000
        )
        conflict(board, f"{number}" + "y" * 5000)
    found = board.snapshot("w0")
    assert (len(found.decisions), len(found.minutes)) == (DECISIONS, MINUTES)
    assert len(found.old) == OLD_CLIENTS
    data = msgspec.json.encode(found)
    assert data.isascii()
    assert len(data) < shelf.MAX_BYTES / 8
    assert found.old[-1].user.startswith("299")


def test_a_minute_counts_what_was_in_it_whatever_the_clock_does():
    now = [6000.0]
    board = Board(lambda: now[0])
    for at in (6000.0, 6059.0, 6060.0, 6000.0, 6001.0):
        now[0] = at
        refuse(board)
    minutes = board.snapshot("w0").minutes
    assert [(m.at, m.requests, m.rejected) for m in minutes] == [(100, 4, 4)]


def test_a_conflict_that_was_cured_is_hot_too():
    board = Board(lambda: 60.0)
    at = "/resource_providers/one/inventories"
    board(exchange(at, "PUT"), Outcome(Ending.COMMITTED, 200, attempts=3), None)
    assert [h.provider for h in board.snapshot("w0").hot.now] == ["one"]
    assert board.snapshot("w0").decisions == ()


def test_who_speaks_an_old_microversion_is_named_once_an_hour(caplog):
    now = [0.0]
    board = Board(lambda: now[0])
    with caplog.at_level("INFO"):
        for at in (0, 10, 20, 3700):
            now[0] = at
            board(exchange(version=(1, 9 if at else 10)), SERVED, None)
        board(exchange(version=(1, 28)), SERVED, None)
        board(exchange("/", "GET", version=(1, 0)), SERVED, None)
    [old] = board.snapshot("w0").old
    assert (old.user, old.microversion, old.requests, old.seen) == ("user", "1.9", 4, 3700)
    assert [r.getMessage() for r in caplog.records] == [
        f"User 'user' speaks microversion {version}, resource_providers:create; below 1.28 a "
        "claim knows no generation of its consumer"
        for version in ("1.10", "1.9")
    ]


@pytest.fixture
def shelves(tmp_path):
    """Makes the shelf of one more worker of the same service."""
    made = []

    def one(board=None, failed=lambda: None):
        slots = Slots(str(tmp_path))
        slots._pid = -1  # as another process would
        made.append(Shelf(board or Board(), slots, MODES, failed))
        return made[-1]

    yield one
    for each in made:
        each.end()


def until(is_so):
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_workers_show_each_others_and_a_dead_ones_and_its_slot_goes_on(tmp_path, shelves):
    first, second = Board(), Board()
    one, two = shelves(first), shelves(second)
    one.begin()
    two.begin()
    refuse(first)
    conflict(second, "hot")
    until(lambda: two.status().decisions[0:] and len(two.status().decisions) == 2)
    until(lambda: len(one.status().decisions) == 2)
    status = one.status()
    assert [w.slot for w in status.workers] == ["w0", "w1"]
    assert status.minutes[-1].requests + status.minutes[-2].requests == 2
    assert [h.provider for h in status.hot] == ["hot"]
    files = sorted(tmp_path.glob("board_*.json"))
    assert [path.name for path in files] == ["board_w0.json", "board_w1.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    # The second one dies: what it knew stays, and who comes in its place goes on with it.
    two.end()
    two._slots._fd = __import__("os").close(two._slots._fd)
    assert [w.slot for w in one.status().workers] == ["w0"]
    assert len(one.status().decisions) == 2
    third = Board()
    three = shelves(third)
    three.begin()
    conflict(third, "hot")
    until(lambda: one.status().hot[0].conflicts == 2)
    assert len(one.status().decisions) == 3


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"slot": 5}', b" " * (shelf.MAX_BYTES + 1)])
def test_a_file_that_is_none_of_ours_is_passed_over(tmp_path, shelves, data):
    (tmp_path / "board_w7.json").write_bytes(data)
    (tmp_path / "board_w8.json").mkdir()
    assert shelves().status().decisions == ()


def test_that_it_cannot_be_written_is_said_and_counted_once(tmp_path, shelves, caplog):
    failed = []
    one = shelves(failed=lambda: failed.append(1))
    (tmp_path / "board_w0.new").mkdir()
    for _ in range(3):
        one._write()
    assert failed == [1]
    assert len([r for r in caplog.records if "status page" in r.getMessage()]) == 1
    (tmp_path / "board_w0.new").rmdir()
    one._write()
    (tmp_path / "board_w0.new").mkdir()
    one._write()
    assert failed == [1, 1]


def test_what_is_hot_is_logged_once_a_minute_by_who_listens(monkeypatch, caplog):
    monkeypatch.setattr(shelf, "HOT_SECONDS", 0.05)
    monkeypatch.setattr(shelf, "WRITE_SECONDS", 0.01)
    board, silent = Board(), Board()
    with caplog.at_level("INFO"):
        one, two = alone(board), alone(silent)
        one.begin()
        two.begin(lambda: False)
        conflict(board, "one")
        conflict(silent, "two")
        until(lambda: caplog.records)
        time.sleep(0.2)
        one.end()
        two.end()
    assert [r.getMessage() for r in caplog.records] == [
        "Providers that conflict most, in the last hour: one 1"
    ]


def ask(page, path="/", host="127.0.0.1:9778"):
    given = []
    answer = page(
        {"PATH_INFO": path, "HTTP_HOST": host},
        lambda status, headers: given.extend((status, headers)),
    )
    return (given[0][:3], dict(given[1]), b"".join(answer).decode()) if given else None


@pytest.fixture
def page():
    board = Board()
    for written in ("<script>\"&'", "plain"):
        refuse(board, user=written, path=f"$.{written}")
    board.told = lambda: {
        "lanes": {"driver": "files", "where": "/<run>", "available": False, "why": "<gone>"},
        "breaker_open": True,
        "limits": {"claims": (1, 4), "writes": (0, 0)},
        "policy": {"rules": 3, "loaded_at": 5.0, "problems": ["<line 1>"]},
        "hands_on": False,
    }
    return Page(Shelf(board, None, {**MODES, "json.malformed": Mode.WARN}), "guard.example")


def test_the_page_escapes_and_sends_strict_headers(page):
    status, headers, text = ask(page)
    assert status == "200"
    assert "&lt;script&gt;" in text
    assert "<script>&" not in text
    assert "&lt;line 1&gt;" in text
    assert "1 of 4" in text
    assert "this process only" in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert " style=" not in text  # the policy would forbid it


def test_programs_get_json(page):
    status = json.loads(ask(page, "/status.json")[2])
    assert status["changed_modes"] == {"json.malformed": "warn"}
    assert len(status["decisions"]) == 2
    assert len(status["minutes"]) == 60
    assert json.loads(ask(page, "/hot")[2]) == {"seconds": 3600, "providers": []}
    assert ask(page, "/metrics") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]:9778", "localhost:1", "GUARD.example:9778"])
def test_it_is_for_who_asks_by_address_or_own_name(page, host):
    assert ask(page, host=host)[0] == "200"


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example:9778", "[evil]"])
@pytest.mark.parametrize("path", ["/", "/status.json", "/hot"])
def test_and_for_nobody_else(page, host, path):
    status, headers, text = ask(page, path, host)
    assert status == "403"
    assert "plain" not in text
    assert "Content-Security-Policy" in headers


def test_a_page_that_cannot_be_made_says_nothing_of_why(page, monkeypatch):
    monkeypatch.setattr(page, "shelf", None)
    status, _, text = ask(page)
    assert status == "500"
    assert "NoneType" not in text


def test_a_part_that_cannot_be_told_hides_no_other(page):
    page.shelf._board.told = lambda: 1 / 0
    assert ask(page)[0] == "200"


def test_a_board_before_its_first_request_is_shown():
    text = ask(Page(alone(Board()), "h"))[2]
    assert "Nothing was refused" in text
    assert "Nobody speaks one below 1.28" in text


def test_a_snapshot_is_what_is_read_again():
    board = Board(lambda: 60.0)
    refuse(board, version=(1, 5))
    conflict(board, "one")
    found = board.snapshot("w0")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Snapshot) == found
