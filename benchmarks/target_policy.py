"""What target policy adds to a write, and how it grows with the payload."""

import json
import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from benchmarks.bodies import inventories, reshape_of_many
from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread, in_turns
from placement_guard import Guard, Settings
from placement_guard.exchange import CONTEXT, MICROVERSION

PROFILES = Path(__file__).resolve().parents[1] / "etc/placement-guard/policy.d"

SIZES = (20, 200, 2000)
"""How many providers a reshape names."""

MINE = """\
"cyborg:resource_providers:inventories:update": "resource_classes:VCPU,MEMORY_MB,DISK_GB"
"cyborg:reshaper:reshape": "resource_classes:VCPU,MEMORY_MB,DISK_GB and max_providers:5000"
"""
"""Put over the profiles that are shipped: rules that read nothing of what is stored."""

TITLE = "Target policy: what it adds to a write that it allows"
NOTE = (
    "Microseconds of one request at the guard, with nothing behind it, without target policy and "
    "with the profiles that are shipped, for a user of one of them whose rules read nothing of "
    "what is stored: medians of the rounds (lowest..highest), and the difference, also for each "
    "provider that is named. In turns, in one process; processor time."
)
COLUMNS = ("request", "gate alone", "with target policy", "added", "added for each provider")


def target_policy(plan: Plan) -> Table:
    """What target policy adds to a write."""
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="placement-guard-bench-") as directory:
        (mine := Path(directory, "mine")).mkdir()
        (mine / "cyborg.yaml").write_text(MINE, "utf-8")
        policed = Settings(target_policy_dirs=(str(PROFILES), str(mine)))
        plain, guarded = (
            Guard(_nothing, settings, registry=CollectorRegistry())
            for settings in (Settings(), policed)
        )
        rows = []
        for name, providers, method, path, body in _requests(plan.quick):
            both = {
                "plain": _sender(plain, method, path, body),
                "policed": _sender(guarded, method, path, body),
            }
            seconds = in_turns(both, plan, f"target_policy: {name}")
            rows.append((name, *_cells(seconds, providers)))
    return Table("target_policy", TITLE, NOTE, COLUMNS, rows)


def _cells(seconds: dict[str, list[float]], providers: int) -> tuple[Cell, ...]:
    plain, policed = ([s * 1e6 for s in seconds[side]] for side in ("plain", "policed"))
    added = [mine - theirs for mine, theirs in zip(policed, plain, strict=True)]
    each = Spread.of([more / providers for more in added])
    return Spread.of(plain), Spread.of(policed), Spread.of(added), each


def _requests(quick: bool) -> list[tuple[str, int, str, str, bytes]]:  # noqa: FBT001
    """Name, number of providers, method, path and body of what is sent."""
    body = json.dumps(inventories(Random(1), 3)).encode()
    path = "/resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c/inventories"
    found = [("PUT inventories, 3 classes", 1, "PUT", path, body)]
    for size in SIZES[:2] if quick else SIZES:
        raw = reshape_of_many(size)
        found.append((f"reshape, {size} providers", size, "POST", "/reshaper", raw))
    return found


def _nothing(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("204 No Content", [])
    return []


def _sender(guard: Guard, method: str, path: str, body: bytes) -> Callable[[], None]:
    def send() -> None:
        # A new context each time, as Placement's middleware makes one.
        context = RequestContext(
            user_id="cyborg",
            project_id="service",
            roles=["service", "placement-cyborg"],
            overwrite=False,
        )
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            CONTEXT: context,
            MICROVERSION: (1, 39),
        }
        told: list[str] = []
        list(guard(environ, lambda status, _headers, _error=None: told.append(status)))
        if not told[0].startswith("204"):
            raise RuntimeError(f"{told[0]} instead of 204")

    return send
