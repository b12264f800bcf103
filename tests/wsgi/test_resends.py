"""What loses a race is sent again, whole; what a client must decide is not."""

import io
import json

import pytest
import webob.exc
import webtest

from placement_guard.api import operations, resends
from placement_guard.api.conflicts import KIND_NAMES

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
CLAIM = json.dumps(
    {
        "allocations": {PROVIDER: {"resources": {"VCPU": 1}}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }
).encode()
INVENTORIES = json.dumps({"resource_provider_generation": 1, "inventories": {}}).encode()

LOST = "Inventory and/or allocations changed while attempting to allocate: x"
STALE_CONSUMER = "consumer generation conflict - expected 2 but got 1"


class DBDeadlock(Exception):  # noqa: N818
    """Named as oslo.db's."""


class ConcurrentUpdateDetected(Exception):  # noqa: N818
    """Named as Placement's."""


class Placement:
    """Loses races as it is told to, then serves; does to each request what Placement does."""

    def __init__(self, *turns):
        self.turns = list(turns)
        self.bodies, self.environs, self.contexts = [], [], []

    def __call__(self, environ, start_response):
        self.bodies.append(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        self.environs.append(environ)
        self.contexts.append(environ["placement.context"])
        assert "placement.error_code" not in environ
        assert not hasattr(environ["placement.context"], "touched")
        environ["placement.context"].touched = True
        turn = self.turns.pop(0) if self.turns else 204
        if isinstance(turn, Exception):
            raise turn
        if turn == 204:
            start_response("204 No Content", [])
            return []
        environ["placement.error_code"] = "placement.concurrent_update"
        body = json.dumps({"errors": [{"status": 409, "detail": turn}]}).encode()
        start_response("409 Conflict", [("Content-Type", "application/json")])
        return [body]


def ask(stand, placement, *, path=f"/allocations/{CONSUMER}", method="PUT", body=CLAIM, **settings):
    given = {"resend_attempts": 4, **settings}
    guard = stand.guard(**given)
    guard.application = placement
    request = webtest.TestRequest.blank(
        path,
        method=method,
        environ={
            "placement.context": stand.context(roles=["admin", "service"]),
            "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
            "CONTENT_TYPE": "application/json",
        },
    )
    request.body = body
    return webtest.TestApp(guard).do_request(request, expect_errors=True)


def resent(stand, operation="allocations:update"):
    return stand.count("placement_guard_resends_total", operation=operation)


def ended(stand, result, operation="allocations:update"):
    return stand.count("placement_guard_resent_requests_total", operation=operation, result=result)


@pytest.mark.parametrize("turn", [LOST, DBDeadlock(), ConcurrentUpdateDetected()])
def test_a_lost_race_is_sent_again_whole_until_it_is_served(stand, turn):
    placement = Placement(turn, turn)
    answer = ask(stand, placement)
    assert answer.status_int == 204
    assert placement.bodies == [CLAIM] * 3
    assert len(set(map(id, placement.environs))) == 3
    assert len(set(map(id, placement.contexts))) == 3
    assert "Placement-Guard" not in answer.headers
    assert (resent(stand), ended(stand, "cured")) == (2, 1)


def test_a_stale_generation_of_the_client_is_its_own_to_mend(stand):
    placement = Placement(STALE_CONSUMER)
    answer = ask(stand, placement)
    assert answer.status_int == 409
    assert answer.headers["Placement-Guard"] == 'conflict="consumer_generation"'
    assert "Retry-After" not in answer.headers
    assert (len(placement.bodies), resent(stand)) == (1, 0)


def test_a_race_that_shows_a_stale_generation_ends_there(stand):
    placement = Placement(LOST, STALE_CONSUMER)
    answer = ask(stand, placement)
    assert answer.status_int == 409
    assert STALE_CONSUMER in answer.text
    assert (resent(stand), ended(stand, "cured")) == (1, 1)


def test_what_never_wins_gets_placements_own_conflict_and_a_time_to_come_again(stand):
    placement = Placement(*[LOST] * 9)
    answer = ask(stand, placement)
    assert answer.status_int == 409
    assert LOST in answer.text
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Placement-Guard"] == 'conflict="lost_race"'
    assert (len(placement.bodies), ended(stand, "attempts")) == (4, 1)


def test_deadlocks_without_end_become_a_conflict_that_clients_know(stand):
    answer = ask(stand, Placement(*[DBDeadlock("(1213, SELECT secret)")] * 9))
    assert answer.status_int == 409
    [error] = answer.json["errors"]
    assert error["code"] == "placement.concurrent_update"
    assert "secret" not in answer.text
    assert answer.headers["Placement-Guard"] == 'conflict="deadlock"'
    assert ended(stand, "attempts") == 1


def test_no_resend_after_the_deadline(stand, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    placement = Placement(*[LOST] * 9)
    assert ask(stand, placement, resend_seconds=0.001).status_int == 409
    assert (len(placement.bodies), ended(stand, "deadline")) == (1, 1)


def test_switched_off_nothing_is_sent_again(stand):
    placement = Placement(LOST)
    answer = ask(stand, placement, resend=False)
    assert answer.status_int == 409
    assert len(placement.bodies) == 1


@pytest.mark.parametrize("turn", [DBDeadlock(), ConcurrentUpdateDetected()])
def test_an_inventory_write_that_loses_is_told_so_at_once(stand, turn):
    placement = Placement(turn)
    path = f"/resource_providers/{PROVIDER}/inventories"
    answer = ask(stand, placement, path=path, body=INVENTORIES)
    assert answer.status_int == 409
    assert answer.json["errors"][0]["code"] == "placement.concurrent_update"
    assert len(placement.bodies) == 1
    assert resent(stand) == 0


def test_the_code_of_a_failed_attempt_does_not_reach_the_layers_around(stand):
    """Placement's middleware reads it where it formats an error."""
    seen = {}

    class Full(Placement):
        def __call__(self, environ, start_response):
            if self.bodies:
                assert "placement.error_code" not in environ
                raise webob.exc.HTTPConflict("Unable to allocate inventory: full")
            return super().__call__(environ, start_response)

    guard = stand.guard(resend_attempts=4)
    guard.application = Full(LOST)
    environ = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": f"/allocations/{CONSUMER}",
        "placement.context": stand.context(),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(CLAIM)),
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "wsgi.input": io.BytesIO(CLAIM),
    }
    with pytest.raises(webob.exc.HTTPConflict):
        guard(environ, lambda *given: seen.update(given=given))
    assert "placement.error_code" not in environ


def test_the_last_code_does_reach_them(stand):
    placement = Placement(*[LOST] * 9)
    ask(stand, placement)
    assert placement.environs[0]["placement.error_code"] == "placement.concurrent_update"


def test_a_body_that_was_not_kept_is_not_sent_again(stand):
    placement = Placement(LOST)
    body = CLAIM + b" " * 2000
    answer = ask(stand, placement, body=body, max_body_bytes=1024, observe=True)
    assert answer.status_int == 409
    assert placement.bodies == [body]


def test_a_release_that_deadlocks_is_sent_again(stand):
    placement = Placement(DBDeadlock())
    assert ask(stand, placement, method="DELETE", body=b"").status_int == 204
    assert resent(stand, "allocations:delete") == 1


def test_other_failures_are_failures(stand):
    placement = Placement(ValueError("x"))
    assert ask(stand, placement).status_int == 500
    assert len(placement.bodies) == 1


def test_a_deadlock_of_a_read_is_a_failure(stand):
    answer = ask(stand, Placement(DBDeadlock()), path="/traits", method="GET", body=b"")
    assert answer.status_int == 500


def test_the_table_speaks_of_operations_and_kinds_that_there_are():
    pairs = [(row.operation, row.kind) for row in resends.TABLE]
    assert len(set(pairs)) == len(pairs)
    mutations = {o.name for o in operations.OPERATIONS if o.mutates}
    assert {operation for operation, _ in pairs} == mutations
    assert {kind for _, kind in pairs} <= set(KIND_NAMES)
    assert all(row.reason for row in resends.TABLE)


def test_what_holds_a_generation_that_the_client_has_read_is_never_sent_again():
    held = ("inventories", "aggregates", "resource_providers:traits")
    assert not [name for name, _ in resends.AGAIN if any(word in name for word in held)]
