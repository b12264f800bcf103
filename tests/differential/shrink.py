"""Makes a request smaller as long as it shows the same finding: greedily, and not for long."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from tests.differential.requests import JSON, Request
from tests.differential.strange import Raw

ATTEMPTS = 300
"""How many requests may be sent to shrink one."""

SECONDS = 20
"""How long that may take."""


class Members(list[Any]):
    """An object as pairs: what stands twice stays twice."""


def shrunk(request: Request, same: Callable[[Request], bool]) -> Request:
    """The smallest request found for which ``same`` holds, as it does for ``request``."""
    end = time.monotonic() + SECONDS
    left = ATTEMPTS
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(request):
            if left <= 0 or time.monotonic() > end:
                return request
            left -= 1
            if same(candidate):
                request, smaller = candidate, True
                break
    return request


def _candidates(request: Request) -> Iterator[Request]:
    """Requests that are a step simpler, the boldest steps first."""
    if request.minor != 39:
        yield replace(request, minor=39)
    if request.body is not None:
        yield replace(request, body=None)
        if request.content_type != JSON:
            yield replace(request, content_type=JSON)
    for query in _queries(request.query):
        yield replace(request, query=query)
    for path in _shorter_runs(request.path):
        yield replace(request, path=path)
    if request.body:
        for body in _bodies(request.body):
            if body != request.body:
                yield replace(request, body=body)


def _queries(query: str) -> Iterator[str]:
    if not query:
        return
    parts = query.split("&")
    if len(parts) > 4:
        yield "&".join(parts[: len(parts) // 2])
        yield "&".join(parts[len(parts) // 2 :])
    for at in range(len(parts)):
        yield "&".join(parts[:at] + parts[at + 1 :])
    for at, part in enumerate(parts):
        items = part.split(",")
        for index in range(len(items) - 1, 0, -1) if len(items) < 20 else (len(items) // 2,):
            yield "&".join([*parts[:at], ",".join(items[:index]), *parts[at + 1 :]])
    yield from _shorter_runs(query)


def _shorter_runs(text: str) -> Iterator[str]:
    """A run of one letter (or one escape), halved."""
    for match in re.finditer(r"(%..|.)\1{7,}", text):
        run = match[0]
        half = match[1] * (len(run) // len(match[1]) // 2)
        yield text[: match.start()] + half + text[match.end() :]


# Bodies -------------------------------------------------------------------------------------------


def _bodies(body: bytes) -> Iterator[bytes]:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        yield from _shallower(body, opening, closing)
    try:
        tree = json.loads(
            body, object_pairs_hook=Members, parse_int=Raw, parse_float=Raw, parse_constant=Raw
        )
        for simpler in _simpler(tree):
            yield _written(simpler).encode()
    except (ValueError, RecursionError):  # no JSON, or too deep to be walked
        yield from _shorter(body)


def _shallower(body: bytes, opening: bytes, closing: bytes) -> Iterator[bytes]:
    runs = re.findall(rb"(?:%s){3,}" % re.escape(opening), body)
    levels = max((len(run) // len(opening) for run in runs), default=0)
    for fewer in (levels // 2, levels * 7 // 8, levels - 1) if levels else ():
        yield body.replace(opening * levels, opening * fewer, 1).replace(
            closing * levels, closing * fewer, 1
        )


def _shorter(body: bytes) -> Iterator[bytes]:
    """Text that is no JSON: without a half, a quarter, ... of it."""
    size = len(body) // 2
    while size:
        for at in range(0, len(body), size):
            yield body[:at] + body[at + size :]
        size //= 2
        if len(body) // max(size, 1) > 64:
            return


def _simpler(node: Any) -> Iterator[Any]:
    """The same tree with one thing simpler."""
    if isinstance(node, Members):
        yield from _fewer(node, Members)
        for at, (key, value) in enumerate(node):
            for other in _simpler(value):
                yield Members([*node[:at], (key, other), *node[at + 1 :]])
            for other in _simpler_text(key) if len(key) > 40 else ():
                yield Members([*node[:at], (other, value), *node[at + 1 :]])
    elif isinstance(node, list):
        yield from _fewer(node, list)
        for at, value in enumerate(node):
            for other in _simpler(value):
                yield [*node[:at], other, *node[at + 1 :]]
    elif isinstance(node, Raw):
        yield from _simpler_number(node)
    elif isinstance(node, str):
        yield from _simpler_text(node)


def _fewer(node: Any, kind: Callable[[Any], Any]) -> Iterator[Any]:
    if not node:
        return
    yield kind([])
    if len(node) > 8:
        yield kind(node[: len(node) // 2])
        yield kind(node[len(node) // 2 :])
    for at in range(min(len(node), 16)):
        yield kind(node[:at] + node[at + 1 :])


def _simpler_number(number: Raw) -> Iterator[Raw]:
    if len(number) > 1:
        yield Raw("1")
    if len(number) > 6:
        yield Raw(number[: len(number) // 2])
        yield Raw(number[:-1])


def _simpler_text(text: str) -> Iterator[str]:
    if len(text) > 1:
        yield text[:1]
        yield text[-1:]
    if len(text) > 3:
        yield text[: len(text) // 2]
        yield text[len(text) // 2 :]
        yield text[:-1]


def _written(node: Any) -> str:
    if isinstance(node, Members):
        return "{" + ", ".join(f"{json.dumps(k)}: {_written(v)}" for k, v in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_written, node)) + "]"
    return str(node) if isinstance(node, Raw) else json.dumps(node)
