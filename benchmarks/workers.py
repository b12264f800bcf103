"""Requests per second through two uWSGI workers, of a mix of nova's calls, sent by wrk."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.bodies import uuids
from benchmarks.report import Cell, Table
from benchmarks.served import MODULES, served
from benchmarks.timing import Plan, Spread, ratios
from tests.database_servers import found, running
from tests.uwsgi_workers import UWSGI

CLIENTS, CLIENTS_QUICK = (1, 2, 4, 8), (2,)
SECONDS, SECONDS_QUICK = 4, 1
"""How long wrk sends in a round."""

ROUNDS = 7
"""Rounds at most: each takes some seconds."""

PROVIDERS = 16
INVENTORY = {"total": 1_000_000, "max_unit": 1_000_000}

SCRIPT = Path(__file__).with_name("nova.lua")

TITLE = "Two uWSGI workers, bare and guarded, under a mix of nova's calls"
NOTE = (
    "Requests per second, and milliseconds until an answer, by wrk, for one to eight clients: "
    "medians of the rounds (lowest..highest), in turns. A quarter of the requests are writes. "
    "Refused: answers that are not 2xx, of all rounds. Wall time: client, workers and database "
    "share the machine."
)
COLUMNS = (
    "clients",
    "bare, per s",
    "guarded, per s",
    "guarded / bare",
    "p50: bare",
    "guarded",
    "p99: bare ",
    "guarded ",
    "refused: bare",
    "guarded  ",
)


class Sent(NamedTuple):
    """What wrk says of one round: milliseconds, and answers that are not 2xx."""

    per_second: float
    p50: float
    p99: float
    refused: int


def workers(plan: Plan) -> Table:
    """A guarded Placement under uWSGI against a bare one, asked by several clients at once."""
    kind = next((kind for kind in ("mariadb", "postgresql") if found(kind)), "sqlite")
    wrk = shutil.which("wrk")
    if wrk is None or UWSGI is None:
        missing = "wrk (Debian: wrk)" if wrk is None else "uWSGI (the extra servers)"
        return Table("workers", TITLE, f"Left out: {missing} is not installed.", COLUMNS, [])
    numbers = CLIENTS_QUICK if plan.quick else CLIENTS
    with _sides(kind) as addresses:
        rows = [_row(wrk, addresses, clients, plan) for clients in numbers]
    return Table("workers", TITLE, f"{NOTE} Database: {kind}.", COLUMNS, rows)


def _row(wrk: str, addresses: dict[str, str], clients: int, plan: Plan) -> tuple[Cell, ...]:
    rounds: dict[str, list[Sent]] = {side: [] for side in addresses}
    order = list(addresses)
    for number in range(min(plan.rounds, ROUNDS)):
        plan.progress(f"workers: {clients} clients: round {number + 1}")
        for side in order:
            seconds = SECONDS_QUICK if plan.quick else SECONDS
            rounds[side].append(_send(wrk, addresses[side], clients, seconds))
        order.reverse()
    bare, guarded = rounds["bare"], rounds["guarded"]
    rates = [[sent.per_second for sent in some] for some in (bare, guarded)]
    return (
        float(clients),
        Spread.of(rates[0]),
        Spread.of(rates[1]),
        ratios(rates[1], rates[0]),
        median(sent.p50 for sent in bare),
        median(sent.p50 for sent in guarded),
        median(sent.p99 for sent in bare),
        median(sent.p99 for sent in guarded),
        float(sum(sent.refused for sent in bare)),
        float(sum(sent.refused for sent in guarded)),
    )


def _send(wrk: str, address: str, clients: int, seconds: int) -> Sent:
    command = [wrk, "--threads", "1", "--connections", str(clients), "--latency"]
    command += ["--duration", f"{seconds}s", "--script", str(SCRIPT), address, "--"]
    said = subprocess.run(
        [*command, *_providers()], check=True, capture_output=True, text=True
    ).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Sent(
        float(_said(r"Requests/sec:\s+([\d.]+)", said)[1]),
        _millis(_said(r"50%\s+([\d.]+)(us|ms|s)", said)),
        _millis(_said(r"99%\s+([\d.]+)(us|ms|s)", said)),
        int(refused[1]) if refused else 0,
    )


def _said(pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something else: {text}")
    return match


def _millis(match: re.Match[str]) -> float:
    return float(match[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[match[2]]


@contextmanager
def _sides(kind: str) -> Iterator[dict[str, str]]:
    """The addresses of both sides, each with a database of its own, and providers in it."""
    with ExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory(prefix="placement-guard-bench-"))
        directories = {side: Path(name, side) for side in MODULES}
        databases = {side: f"sqlite:///{path}/placement.db" for side, path in directories.items()}
        if kind != "sqlite":
            server = stack.enter_context(running(kind, list(MODULES)))
            databases = {side: server.url(side) for side in MODULES}
        addresses = {}
        for side, directory in directories.items():
            directory.mkdir()
            addresses[side] = stack.enter_context(served(side, directory, databases[side]))
            for provider in _providers():
                _fill(addresses[side], provider)
        yield addresses


def _providers() -> list[str]:
    return uuids(Random(11), PROVIDERS)


def _fill(address: str, provider: str) -> None:
    _ask(address, "POST", "/resource_providers", {"name": provider, "uuid": provider})
    classes = ("VCPU", "MEMORY_MB", "DISK_GB")
    document = {
        "resource_provider_generation": 0,
        "inventories": dict.fromkeys(classes, INVENTORY),
    }
    _ask(address, "PUT", f"/resource_providers/{provider}/inventories", document)


def _ask(address: str, method: str, path: str, document: object) -> None:
    headers = {"X-Auth-Token": "admin", "Content-Type": "application/json"}
    headers["OpenStack-API-Version"] = "placement 1.36"
    data = json.dumps(document).encode()
    request = urllib.request.Request(address + path, data, headers, method=method)
    urllib.request.urlopen(request, timeout=30).close()
