"""The log of refusals: one line each, nothing in it that a client could forge."""

import logging

import pytest
from oslo_context.context import RequestContext

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.observers.logs import BURST, Logs
from placement_guard.outcome import Ending, Outcome, classify
from placement_guard.rejection import reject


def logged(caplog, rejection, user="user", *, request_id="req-7", warned=False):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/reshaper"}
    environ["openstack.request_id"] = request_id
    context = RequestContext(user_id=user, overwrite=False)
    exchange = begin(environ, Router()).extended(context=context, version=(1, 30))
    with caplog.at_level(logging.INFO):
        if warned:
            Logs()(exchange.warned(rejection), Outcome(Ending.COMMITTED, 204), None)
        else:
            Logs()(exchange, Outcome(Ending.REJECTED, 400), rejection)
    return caplog.records


def test_a_refusal_is_one_line_of_information(caplog):
    [record] = logged(caplog, reject("json.duplicate_key", "x", '$["a"]'))
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        'Rejected reshaper:reshape by rule json.duplicate_key at $["a"] '
        "(request req-7, user 'user', microversion 1.30)"
    )


def test_its_parts_are_keys_of_their_own(caplog):
    [record] = logged(caplog, reject("json.duplicate_key", "x", '$["a"]'))
    found = {name: value for name, value in vars(record).items() if name.startswith("guard_")}
    assert found == {
        "guard_decision": "reject",
        "guard_operation": "reshaper:reshape",
        "guard_stage": "document",
        "guard_rule": "json.duplicate_key",
        "guard_policy_rule": None,
        "guard_json_path": '$["a"]',
        "guard_request_id": "req-7",
        "guard_user": "user",
        "guard_microversion": "1.30",
        "guard_not_logged": 0,
    }


def test_a_flood_of_one_rule_is_a_few_lines_and_a_number(caplog):
    now = [100.0]
    logs = Logs(lambda: now[0])
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/reshaper", "openstack.request_id": "req-7"}
    exchange = begin(environ, Router())

    def refuse(rule):
        logs(exchange, Outcome(Ending.REJECTED, 400), reject(rule, "x"))

    with caplog.at_level(logging.INFO):
        for _ in range(1000):
            refuse("json.malformed")
        refuse("json.duplicate_key")  # another rule has lines of its own
        assert len(caplog.records) == BURST + 1
        now[0] -= 50  # a clock that jumps back gives no lines
        refuse("json.malformed")
        assert len(caplog.records) == BURST + 1
        now[0] += 2.5
        for _ in range(5):
            refuse("json.malformed")
    told = [record.getMessage() for record in caplog.records[BURST + 1 :]]
    assert len(told) == 2
    assert told[0].endswith(f"; {1000 - BURST + 1} more of this rule were not logged")
    assert told[1].endswith("microversion -)")


def test_what_is_let_through_says_so(caplog):
    [record] = logged(caplog, reject("json.malformed", "x"), warned=True)
    assert record.getMessage().startswith("Warned of reshaper:reshape by rule json.malformed")


@pytest.mark.parametrize("written", ["a\nERROR forged", "\x1b[2J", "\u2028x", "x" * 5000])
def test_what_a_client_wrote_is_neither_raw_nor_long(caplog, written):
    [record] = logged(caplog, reject("json.malformed", "x"), user=written, request_id=written)
    for text in (record.getMessage(), record.guard_user, record.guard_request_id):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 600


def test_what_is_served_is_not_logged(caplog):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    with caplog.at_level(logging.DEBUG):
        Logs()(begin(environ, Router()), classify(200, mutates=False), None)
    assert not caplog.records
