"""What in a request has made Placement fail: asked after it has, so never a false refusal."""

from webob.request import BaseRequest

from placement_guard.api import failures
from placement_guard.api.failures import Asked
from placement_guard.api.jsonpath import json_path
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject


def blame(exchange: Exchange, error: Exception) -> Rejection | None:
    """The rejection of what Placement has failed on, where a query, a path or a body is the cause.

    The rules of :mod:`placement_guard.api.failures`: 400. Placement has asked everything before,
    so whoever may not ask gets a 403. None where the failure is about something else.
    """
    if exchange.operation.rule is None:
        return None
    # Placement reads no query of a mutation.
    reads = not exchange.operation.mutates
    try:
        pairs = tuple(BaseRequest(exchange.environ).GET.items()) if reads else ()
    except UnicodeError:
        return None
    found = failures.blame(Asked(pairs, exchange.params, exchange.document), error)
    if found is None:
        return None
    path = json_path(found.path) if found.path else ""
    return reject(found.rule, f"{found.what}: {path}" if path else found.what, path)
