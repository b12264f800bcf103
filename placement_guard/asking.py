"""Asking Placement: once, or again where a write has lost a race and was rolled back whole."""

import copy
from contextlib import nullcontext
from io import BytesIO
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from msgspec import structs
from oslo_log import log

from placement_guard import wire
from placement_guard.admission.breaker import breaker_from
from placement_guard.admission.places import Places
from placement_guard.admission.queues import Wanted, lanes_from, spared, wanted
from placement_guard.admission.rates import Rates
from placement_guard.admission.resending import Attempts, resending
from placement_guard.admission.shed import OUTAGE as GONE
from placement_guard.admission.shed import Shed
from placement_guard.answer import Answer, WSGIApp
from placement_guard.api import resends
from placement_guard.api.outages import is_outage
from placement_guard.api.races import race_of
from placement_guard.exchange import CONTEXT, Environ, Exchange, current, providers_read
from placement_guard.outcome import FAILED, OUTAGE, Ending, Outcome, classify
from placement_guard.settings import Settings
from placement_guard.target import RESHAPE

LOG = log.getLogger(__name__)


class Answered(NamedTuple):
    """Placement has answered."""

    answer: Answer
    outcome: Outcome

    def ended(self, **more: Any) -> "Answered":
        """With more said of how it ended."""
        return self._replace(outcome=structs.replace(self.outcome, **more))


class Failed(NamedTuple):
    """Placement has raised an exception that no answer is made of."""

    error: Exception
    outcome: Outcome = FAILED

    def ended(self, **more: Any) -> "Failed":
        """With more said of how it ended."""
        return self._replace(outcome=structs.replace(self.outcome, **more))


class Told(Protocol):
    """Who is told how it goes: metrics."""

    def breaker(self, is_open: bool) -> None:  # noqa: FBT001
        """The breaker has opened, or closed."""

    def in_use(self, limit: str, more: int) -> None:
        """A place of a limit was taken (1) or left (-1)."""


class Asking:
    """Asks an application: if it may be asked, in the lanes of a request, as often as it takes."""

    def __init__(self, settings: Settings, told: Told | None = None) -> None:
        self.lanes = lanes_from(settings)
        self.breaker = breaker_from(settings, told.breaker if told else None)
        self._rates = Rates(settings)
        self._places = Places(settings, told.in_use) if told else Places(settings)
        self._lane_seconds = settings.lane_wait_seconds
        self._hand_on = settings.hand_on
        self._resending = resending(settings)

    def __call__(self, app: WSGIApp, exchange: Exchange) -> Answered | Failed | Shed:
        if exchange.operation.public:  # it needs no database, and tells a probe that we live
            return self._ask(app, exchange)
        lanes = wanted(exchange)
        limited = not spared(exchange, lanes)
        shed = self._rates(exchange) if limited else None
        if shed is not None:
            return shed
        passage = self.breaker.enter()
        if passage is None:
            return Shed(GONE, self.breaker.retry_after)
        with passage:
            place = self._places.enter(exchange) if limited else None
            if isinstance(place, Shed):
                return place
            with place or nullcontext():
                asked = self._queue(app, exchange, lanes)
            passage.outage = _outage(asked.outcome)
        return asked if place is None else asked.ended(queued=place.waited)

    def _queue(self, app: WSGIApp, exchange: Exchange, lanes: Wanted) -> Answered | Failed:
        if not lanes.lanes:
            return self._ask(app, exchange)
        with self.lanes.hold(lanes.lanes, seconds=self._lane_seconds, urgent=lanes.urgent) as hold:
            asked = self._ask(app, exchange)
        return asked.ended(lane=hold.result.value, waited=hold.waited)

    def _ask(self, app: WSGIApp, exchange: Exchange) -> Answered | Failed:
        began = perf_counter()
        if _can_be_sent_again(exchange):
            asked = self._until_served(app, exchange, self._resending.begin())
        else:
            asked = self._once(app, exchange, exchange.environ)
        return asked.ended(seconds=perf_counter() - began)

    def _until_served(
        self, app: WSGIApp, exchange: Exchange, attempts: Attempts
    ) -> Answered | Failed:
        """Each attempt has an environ, an input and a context of its own: one that failed leaves
        its error code behind, and may have changed what it decoded."""
        environ, untouched = exchange.environ, dict(exchange.environ)
        context = copy.copy(untouched.get(CONTEXT))
        while True:
            asked = self._once(app, exchange, environ)
            conflict = asked.outcome.conflict
            if (exchange.operation.name, conflict) not in resends.AGAIN or not attempts.again():
                break
            if isinstance(asked, Answered):
                asked.answer.discard()
            LOG.debug("Request %s is sent again after: %s", exchange.request_id, conflict)
            environ = {**untouched, CONTEXT: copy.copy(context)}
            if exchange.body is not None:
                environ["wsgi.input"] = BytesIO(exchange.body)
        _hand_back(environ, exchange.environ)
        return asked.ended(attempts=attempts.made, given_up=attempts.ended)

    def _once(self, app: WSGIApp, exchange: Exchange, environ: Environ) -> Answered | Failed:
        """One attempt: what it is handed is decoded for it alone."""
        token = current.set(exchange if self._hand_on else None)
        is_reshape = self._hand_on and exchange.operation.name == RESHAPE
        read = providers_read.set({} if is_reshape else None)
        try:
            return _once(app, exchange, environ)
        finally:
            providers_read.reset(read)
            current.reset(token)


def _outage(outcome: Outcome) -> bool | None:
    """Whether the database was gone; None where the answer needed none, as many a 4xx."""
    if outcome.status == OUTAGE.status:
        return True
    return None if outcome.ending in {Ending.REFUSED, Ending.FAILED} else False


def _can_be_sent_again(exchange: Exchange) -> bool:
    """Whether anything of this operation is sent again, and its body, if it has one, is known."""
    known = exchange.body is not None or exchange.expected is None
    return known and exchange.operation.name in resends.OPERATIONS


def _once(app: WSGIApp, exchange: Exchange, environ: Environ) -> Answered | Failed:
    mutates = exchange.operation.mutates
    try:
        answer = Answer(app, environ)
    except Exception as error:
        race = race_of(error) if mutates else None
        if race is None:
            return Failed(error, OUTAGE if is_outage(error) else FAILED)
        LOG.info("Placement lost a race in request %s: %s", exchange.request_id, type(error))
        answer = Answer(wire.concurrent_update, environ)
        return Answered(answer, Outcome(Ending.CONFLICT, 409, race))
    outcome = classify(answer.status, mutates=mutates)
    if outcome.ending is Ending.CONFLICT:
        code, detail = wire.code_and_detail(answer.examine())
        code = environ.get(wire.ENV_CODE, code)
        outcome = classify(answer.status, mutates=mutates, code=code, detail=detail)
    return Answered(answer, outcome)


def _hand_back(last: Environ, first: Environ) -> None:
    """What the layers around the guard read of an attempt: the code of its error, or none."""
    if last is first:
        return
    first.pop(wire.ENV_CODE, None)
    if wire.ENV_CODE in last:
        first[wire.ENV_CODE] = last[wire.ENV_CODE]
