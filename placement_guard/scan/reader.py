"""GET, and nothing else: how a scan asks Placement.

An answer that may pass is waited for and asked again, a few times and not for long. What the server
says of waiting (``Retry-After``) is done, up to a bound.
"""

import datetime as dt
import email.utils
import json
import random
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter

from placement_guard.scan.errors import (
    CannotScanError,
    InterruptedScanError,
    RefusedError,
    UnansweredError,
    UnreadableError,
)

ATTEMPTS: Final = 4
"""How often a request is sent at most."""

LONGEST_WAIT: Final = 60.0
"""The longest pause before a request is sent again (seconds)."""

FIRST_WAIT: Final = 0.5
"""The pause before the second attempt; it doubles with each (seconds)."""

_PASSING: Final = frozenset({429, 500, 502, 503, 504})

Version = tuple[int, int]


class Reader:
    """Reads JSON from Placement, from several threads at once.

    ``adapter`` holds the session and where Placement is; ``timeout`` is that of one request
    (seconds); once ``stop`` is set, no further request is sent.
    """

    def __init__(self, adapter: Adapter, *, timeout: float, stop: threading.Event) -> None:
        self._adapter = adapter
        self._timeout = timeout
        self._stop = stop
        self._lock = threading.Lock()
        self.version: Version = (1, 0)
        """The microversion that is asked for, unless ``get`` is told another."""
        self.requests = 0
        """How many requests were sent."""

    def get(
        self, path: str, query: Mapping[str, str] | None = None, *, version: Version | None = None
    ) -> dict[str, Any] | None:
        """What the JSON says, with NaN and the infinities as they are; None for a 404.

        Raises UnansweredError, UnreadableError, InterruptedScanError, CannotScanError; and
        RefusedError for a 400.
        """
        url = f"{path}?{urlencode(query)}" if query else path
        for attempt in range(1, ATTEMPTS + 1):
            if self._stop.is_set():
                raise InterruptedScanError
            status, wait, answer = self._send(url, version or self.version)
            if status not in _PASSING:
                break
            if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                if status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise UnreadableError(f"GET {url} is answered with HTTP 500")
                raise UnansweredError(f"{url}: {answer}")
            pause = wait or FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311
            self._stop.wait(pause)
        found: dict[str, Any] | None = answer
        return found

    def _send(self, url: str, version: Version) -> tuple[int, float, Any]:
        """The status (504 where there was no answer), how long to wait, and the JSON or a text."""
        with self._lock:
            self.requests += 1
        try:
            response = self._adapter.get(
                url,
                headers={"OpenStack-API-Version": f"placement {version[0]}.{version[1]}"},
                timeout=self._timeout,
                raise_exc=False,
                # A redirect would take the token along, to wherever it leads.
                redirect=False,
            )
        except exceptions.RetriableConnectionFailure as error:
            return HTTPStatus.GATEWAY_TIMEOUT, 0.0, str(error)
        except exceptions.Unauthorized as error:
            raise CannotScanError(f"authentication is refused: {error}") from None
        except exceptions.ClientException as error:
            raise CannotScanError(str(error)) from None
        status = response.status_code
        if status == HTTPStatus.OK:
            return status, 0.0, _decoded(response.content, url)
        if status == HTTPStatus.NOT_FOUND:
            return status, 0.0, None
        if status == HTTPStatus.BAD_REQUEST:
            raise RefusedError(f"{url}: HTTP 400")
        if status in _PASSING:
            return status, _seconds(response.headers.get("Retry-After")), f"HTTP {status}"
        raise CannotScanError(_refusal(status, url))


def _refusal(status: int, url: str) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "authentication is refused (HTTP 401): the token is not valid"
    if status == HTTPStatus.FORBIDDEN:
        return f"GET {url} is forbidden (HTTP 403): a role is needed, admin by default"
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return f"GET {url} is not served at this microversion (HTTP 406)"
    if 300 <= status < 400:
        return f"GET {url} is redirected (HTTP {status}); name the address that it leads to"
    return f"GET {url} is answered with HTTP {status}"


def _decoded(body: bytes, url: str) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise CannotScanError(f"GET {url} is not answered with a JSON object: is it Placement?")
    return told


def _seconds(told: str | None) -> float:
    """How long ``Retry-After`` asks to wait: seconds, or a date (RFC 9110); 0 if it does not."""
    if not told:
        return 0.0
    try:
        if told.strip().isdecimal():
            return float(told)
        until = email.utils.parsedate_to_datetime(told)
        return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
