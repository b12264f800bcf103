"""Which operation it is, at which microversion; a change that no route matches goes no further."""

from typing import Final

import microversion_parse

from placement_guard.api.operations import FIRST_VERSION, LAST_VERSION, READING_METHODS, Version
from placement_guard.exchange import MICROVERSION, Environ, Exchange
from placement_guard.rejection import Rejection, reject

_VERSIONS: Final = [f"1.{minor}" for minor in range(FIRST_VERSION[1], LAST_VERSION[1] + 1)]


def operation(exchange: Exchange) -> Exchange | Rejection:
    """The operation stage. Rule ``operation.unknown``: 404, for mutations that no route matches.

    A read that nothing matches is left to Placement, as are 405 and 406.
    """
    if not exchange.routed and exchange.method not in READING_METHODS:
        return reject("operation.unknown")
    return exchange.extended(version=_version(exchange.environ))


def _version(environ: Environ) -> Version | None:
    """The microversion of the request; None where it has none that Placement would serve."""
    version: Version | None = environ.get(MICROVERSION)
    if version is not None:
        return version
    # Outside Placement's microversion middleware: read the header as the middleware would.
    try:
        headers = microversion_parse.headers_from_wsgi_environ(environ)
        return microversion_parse.extract_version(headers, "placement", _VERSIONS)
    except (ValueError, TypeError):
        return None
