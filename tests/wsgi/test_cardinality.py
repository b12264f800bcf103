"""However odd the requests are, there are no more series than the documentation says."""

import io
import json
import random
import re
import sys
import time
from pathlib import Path

import pytest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry, generate_latest

from placement_guard import Guard, Settings
from placement_guard.rules import RULES

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"

REQUESTS = 100_000

SCRAPE_SECONDS = 0.2
"""What a scrape may take; it is told, and only a multiple of it fails: machines are busy."""

METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "BREW", "\xff")
PATHS = (
    "/", "", "/resource_providers", "/resource_providers/{}", "/resource_providers/{}/inventories",
    "/allocations/{}", "/allocations", "/reshaper", "/traits/CUSTOM_{}", "/resource_classes/{}",
    "/usages", "/allocation_candidates", "/resource_providers/{}/inventories/{}", "/{}", "//{}\n",
)  # fmt: skip
BODIES = (
    b"",
    b"{}",
    b"[]",
    b'{"a": NaN}',
    b'{"name": 5}',
    b'{"name": "%s"}',
    b'{"a":1,"a":1}',
    b"\xff",
)
STATUSES = (
    "200 OK", "201 Created", "204 No Content", "404 Not Found", "409 Conflict", "409 Odd",
    "500 Internal Server Error", "503 Service Unavailable", "418 Odd", "302 Found",
)  # fmt: skip
CODES = ("placement.concurrent_update", "placement.inventory.inuse", "placement.{}", "{}")


class Odd:
    """An application that answers anything, and raises sometimes."""

    def __init__(self, rng):
        self.rng = rng

    def __call__(self, environ, start_response):
        if self.rng.random() < 0.02:
            raise ValueError(word(self.rng))
        code = self.rng.choice(CODES).format(word(self.rng))
        error = {"code": code, "detail": word(self.rng), "status": 409}
        start_response(self.rng.choice(STATUSES), [("Content-Type", "application/json")])
        return [json.dumps({"errors": [error]}).encode()]


def word(rng):
    return "".join(rng.choices("abcXYZ019-_'\"\\{}%\n\xe9\xff", k=rng.randrange(1, 24)))


def environ(rng):
    body = rng.choice(BODIES).replace(b"%s", word(rng).encode("utf-8"))
    made = {
        "REQUEST_METHOD": rng.choice(METHODS),
        "PATH_INFO": rng.choice(PATHS).replace("{}", word(rng)),
        "QUERY_STRING": rng.choice(("", "limit=x", f"{word(rng)}={word(rng)}", "name=%00")),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": rng.choice(("application/json", "", word(rng))),
        "HTTP_OPENSTACK_API_VERSION": rng.choice(
            (f"placement 1.{rng.randrange(99)}", word(rng), "placement latest", "")
        ),
        f"HTTP_X_{rng.choice('ABC')}": word(rng),
        "openstack.request_id": f"req-{word(rng)}",
        "placement.microversion": None,
    }
    if body:
        made["CONTENT_LENGTH"] = rng.choice((str(len(body)), str(len(body)), "x", "-1"))
    if rng.random() < 0.1:
        made["HTTP_X_USER_ID"] = word(rng)
    if rng.random() < 0.95:
        made["placement.context"] = RequestContext(
            user_id=rng.choice((word(rng), None)),
            project_id=word(rng),
            roles=rng.choice((["admin"], ["admin", "service"], [], [word(rng)])),
            service_roles=rng.choice(([], ["service"])),
            overwrite=False,
        )
    return {name: value for name, value in made.items() if value is not None}


def series(registry):
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.fixture
def quiet(monkeypatch):
    """The log of so many refusals is not what is looked at."""
    monkeypatch.setattr("placement_guard.guard.LOG.error", lambda *_, **__: None)
    monkeypatch.setattr("placement_guard.guard.LOG.exception", lambda *_, **__: None)


def test_there_are_never_more_series_than_at_the_start(quiet, capsys):
    documented = int(re.search(r"there are (\d+) from the start", PAGE.read_text())[1])
    rng, registry = random.Random(20), CollectorRegistry()
    changed = [r.id for r in RULES if not r.wrong_pipeline and r.id != "policy.forbidden"]
    rules = {rule: rng.choice(("enforce", "warn")) for rule in changed}
    settings = Settings(lanes=False, resend_seconds=0.001, limit_claims=1, rules=rules)
    guard = Guard(Odd(rng), settings, registry=registry)
    before = series(registry)
    assert len(before) == documented
    answered = set()
    for _ in range(REQUESTS):
        b"".join(guard(environ(rng), lambda status, *_more: answered.add(status[:3])))
    assert series(registry) == before
    assert {"200", "400", "401", "403", "404", "409", "415", "500"} <= answered
    took = []
    for _ in range(5):
        began = time.perf_counter()
        text = generate_latest(registry)
        took.append(time.perf_counter() - began)
    assert sorted(took)[2] < 10 * SCRAPE_SECONDS
    with capsys.disabled():
        sys.stdout.write(
            f"\n{REQUESTS} odd requests, {len(before)} series before and after; a scrape of "
            f"{len(text)} bytes in {sorted(took)[2] * 1000:.0f} ms; answers: {sorted(answered)}\n"
        )
