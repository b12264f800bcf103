"""The log of refusals: one line each, nothing in it that a client could forge."""

import logging

from oslo_context.context import RequestContext

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.observers.logs import Logs
from placement_guard.outcome import Ending, Outcome, classify
from placement_guard.rejection import reject


def logged(caplog, rejection, user="user", *, warned=False):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/reshaper", "openstack.request_id": "req-7"}
    context = RequestContext(user_id=user, overwrite=False)
    exchange = begin(environ, Router()).extended(context=context, version=(1, 30))
    with caplog.at_level(logging.INFO):
        if warned:
            Logs()(exchange.warned(rejection), Outcome(Ending.COMMITTED, 204), None)
        else:
            Logs()(exchange, Outcome(Ending.REJECTED, 400), rejection)
    return caplog.records


def test_a_refusal_of_the_guards_own_is_a_warning(caplog):
    [record] = logged(caplog, reject("json.duplicate_key", "x", '$["a"]'))
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        'Rejected reshaper:reshape by rule json.duplicate_key at $["a"] '
        "(request req-7, user 'user', microversion 1.30)"
    )


def test_one_that_placement_would_make_too_is_information(caplog):
    [record] = logged(caplog, reject("json.malformed", "x"))
    assert record.levelno == logging.INFO


def test_what_is_let_through_says_so(caplog):
    [record] = logged(caplog, reject("json.malformed", "x"), warned=True)
    assert record.getMessage().startswith("Warned of reshaper:reshape by rule json.malformed")


def test_a_user_id_cannot_start_a_line_of_its_own(caplog):
    [record] = logged(caplog, reject("json.malformed", "x"), user="a\nERROR forged")
    assert "\n" not in record.getMessage()


def test_what_is_served_is_not_logged(caplog):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    with caplog.at_level(logging.DEBUG):
        Logs()(begin(environ, Router()), classify(200, mutates=False), None)
    assert not caplog.records
