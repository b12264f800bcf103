"""The stream of requests: the number of a request and the seed say all of it."""

import random
from typing import Any
from urllib.parse import quote

from placement_guard.api.operations import LAST_VERSION, Operation
from tests.differential import hostile, texts, values
from tests.differential.cloud import Cloud
from tests.differential.requests import JSON, Request
from tests.differential.strange import PATHS, uuids, write
from tests.differential.valid import ROWS, Valid

_WITH_BODY = [row for row in ROWS if row.bodies]
_READS = [row for row in ROWS if row.method == "GET"]
_ASKED = [
    row
    for row in _READS
    if row.path in ("/resource_providers", "/allocation_candidates", "/usages", "/traits")
]
# Names are free text, and some are stored: they come more often than identifiers.
_WITH_PARAMETER = [
    row for row in ROWS if "{" in row.path for _ in range(3 if "{name}" in row.path else 1)
]

_KINDS = ("valid",) * 25 + ("value",) * 33 + ("text",) * 14 + ("query",) * 15 + ("path",) * 13
"""How often each kind comes, in hundredths."""

_TYPES = (
    "application/json; charset=utf-8",
    "text/plain",
    "",
    "application/json;",
    "APPLICATION/JSON",
)
_PATH_ENDS = ("%0a", "/", "%00", "%20", "/x", "%0d%0a", ";a=b", "%ff")


class Generator:
    """Makes the requests of a run; called with a number, always makes the same one."""

    def __init__(self, world: Cloud, seed: int) -> None:
        self._world, self._seed = world, seed

    def __call__(self, number: int) -> Request:
        rng = random.Random(f"{self._seed}:{number}")
        kind = rng.choice(_KINDS)
        rows = {"value": _WITH_BODY, "text": _WITH_BODY, "path": _WITH_PARAMETER}.get(kind, ROWS)
        if kind == "query":
            # Most of what can go wrong there goes wrong where parameters are read.
            rows = _ASKED if rng.random() < 0.9 else ROWS
        row = rng.choice(rows)
        minor = self._minor(row, kind, rng)
        valid = Valid(self._world, rng)
        parameters = valid.parameters(row)
        body = valid.body(row, parameters, minor)
        if kind in ("value", "text") and body is None:
            body = {"name": "CUSTOM_IGNORED"}  # a version that reads none
        return self._made(kind, row, minor, valid, parameters, body, rng)

    def _minor(self, row: Operation, kind: str, rng: random.Random) -> int:
        if kind == "valid" or rng.random() < 0.95:
            return rng.randint(row.since[1], LAST_VERSION[1])
        return rng.randint(0, LAST_VERSION[1])

    def _made(
        self,
        kind: str,
        row: Operation,
        minor: int,
        valid: Valid,
        parameters: dict[str, str],
        body: Any,
        rng: random.Random,
    ) -> Request:
        query, change, content_type, end = valid.query(row, minor), "", JSON, ""
        content = None if body is None else write(body, ascii_only=rng.random() < 0.5)
        parameters = {name: quote(value) for name, value in parameters.items()}
        if kind == "value":
            body, change = values.changed(body, rng)
            content = write(body, ascii_only=rng.random() < 0.5)
        elif kind == "text":
            content, change = texts.changed(content or b"", rng)
        elif kind == "query":
            query, change = hostile.hostile(row, minor, rng)
        elif kind == "path":
            change, end = self._spoil(parameters, rng)
            if rng.random() < 0.04:
                content_type, change = rng.choice(_TYPES), change + "+type"
        return Request(
            method=row.method,
            path=row.path.format(**parameters) + end,
            query=query,
            minor=minor,
            body=content,
            content_type=content_type,
            kind=kind,
            route=row.path,
            change=change,
        )

    def _spoil(self, parameters: dict[str, str], rng: random.Random) -> tuple[str, str]:
        """Change one parameter, or the end of the path; returns what was done, and the end."""
        if rng.random() < 0.12:
            return "end", rng.choice(_PATH_ENDS)
        name = rng.choice(list(parameters))
        if "uuid" in name and rng.random() < 0.7:
            spelled = rng.choice(uuids(parameters[name]))
            parameters[name] = quote(spelled, safe="{}:", errors="surrogatepass")
            return f"{name} spelled", ""
        if rng.random() < 0.3:
            parameters[name] += rng.choice(("%0a", "%00", "%20", "%ff", "%ed%a0%80"))
        else:
            # Where the others fail for their first letters, these get further.
            custom = [path for path in PATHS if path.startswith("CUSTOM_")]
            parameters[name] = rng.choice(custom if rng.random() < 0.5 else PATHS)
        return name, ""
