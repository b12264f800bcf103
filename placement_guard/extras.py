"""Options that need an extra: whether it is there, and can read them. No URL is quoted."""

import re
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

MAX_TOPIC: Final = 128
"""The longest topic (characters): a queue of RabbitMQ has room for a suffix."""

is_topic: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_TOPIC}}}").fullmatch
"""Whether this names a topic of notifications."""


def rate_problem(rate: str) -> str | None:
    """What is wrong with the text of a rate; None where it can be used."""
    try:
        from limits import parse  # noqa: PLC0415
    except ImportError:
        return "needs the extra placement-guard[limits]"
    try:
        parse(rate)
    except ValueError:
        return f"{rate!r} is no rate; write for example 100/second, or 2000 per 5 minutes"
    return None


def traces_problem(where: str) -> str | None:
    """What is wrong with where spans go; None where they can. Asks no server."""
    try:
        import_module("opentelemetry.sdk.trace")
        import_module("opentelemetry.exporter.otlp.proto.http")
    except ImportError:
        return "needs the extra placement-guard[traces]"
    if where == "global":
        return None
    parts = urlsplit(where)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return None
    return "is neither global nor a URL; write for example http://127.0.0.1:4318/v1/traces"


def bus_problem(url: str) -> str | None:
    """What is wrong with the URL of a message bus; None where it can be used. Asks no server."""
    if find_spec("oslo_messaging") is None or find_spec("pycadf") is None:
        return "needs the extra placement-guard[notifications]"
    known = sorted(driver.name for driver in entry_points(group="oslo.messaging.drivers"))
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] in known and (rest or scheme == "fake"):
        return None
    names = ", ".join(f"{name}://" for name in known)
    return f"is no transport URL of oslo.messaging; it begins with one of {names}"
