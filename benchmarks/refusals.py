"""What it costs to refuse a large body, in Placement's words, against decoding it only."""

import json
from collections.abc import Callable
from time import thread_time
from typing import Any

import msgspec
import orjson
from placement.util import extract_json
from webob.exc import HTTPBadRequest

from benchmarks.bodies import Body, bodies, spoiled
from benchmarks.document import SCHEMAS, read
from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread, in_turns, ratios
from placement_guard import wire
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings
from placement_guard.stages.document import DocumentStage

TITLE = "Large reshapes with something wrong in them: the document stage, against orjson.loads"
NOTE = (
    "Multiples of the time that orjson.loads takes for the same body: median of the rounds "
    "(lowest..highest). orjson.loads itself in microseconds. Placement's extract_json was measured "
    "once. The details are what the client is told: bytes of UTF-8. Processor time."
)
COLUMNS = (
    "what is wrong",
    "bytes",
    "orjson.loads",
    "msgspec",
    "document stage",
    "Placement's extract_json",
    "detail",
    "Placement's detail",
)


def refusals(plan: Plan) -> Table:
    """Refusals of large reshapes by the document stage and by Placement's extract_json."""
    stage = DocumentStage(Settings().modes())
    body = bodies()["c" if plan.quick else "e"]
    rows = [(name, *_measure(name, one, stage, plan)) for name, one in spoiled(body).items()]
    return Table("refusals", TITLE, NOTE, COLUMNS, rows)


def _measure(name: str, body: Body, stage: DocumentStage, plan: Plan) -> tuple[Cell, ...]:
    exchange = read(body)
    decode = msgspec.json.Decoder().decode
    plan.progress(f"refusals: {name}: Placement's own")
    began = thread_time()
    theirs = _refused_by_placement(body)
    placement = thread_time() - began
    ours = _detail(stage(exchange))
    _compare(ours, theirs)
    seconds = in_turns(
        {
            "orjson": lambda: orjson.loads(body.raw),
            "msgspec": lambda: decode(body.raw),
            "stage": lambda: stage(exchange),
        },
        plan,
        f"refusals: {name}",
    )
    orjson_seconds = Spread.of(seconds["orjson"])
    return (
        str(len(body.raw)),
        Spread.of([value * 1e6 for value in seconds["orjson"]]),
        ratios(seconds["msgspec"], seconds["orjson"]),
        ratios(seconds["stage"], seconds["orjson"]),
        placement / orjson_seconds.median,
        str(len(ours.encode())),
        str(len(theirs.encode())),
    )


def _refused_by_placement(body: Body) -> str:
    """What Placement says of a body that it refuses."""
    try:
        extract_json(body.raw, SCHEMAS[body.document.name])
    except HTTPBadRequest as refused:
        return str(refused)
    raise RuntimeError("Placement takes a body that is wrong")


def _detail(judged: Exchange | Rejection) -> str:
    """What the client is told."""
    if isinstance(judged, Exchange):
        raise RuntimeError("the guard takes a body that is wrong")  # noqa: TRY004  # no wrong type
    environ = {"REQUEST_METHOD": "POST"}
    [error] = json.loads(b"".join(wire.refuse(judged, environ, _nobody)))["errors"]
    return str(error["detail"])


def _compare(ours: str, theirs: str) -> None:
    """The same sentence, and no more than the client needs."""
    if len(ours.encode()) > wire.MAX_DETAIL:
        raise RuntimeError(f"a detail of {len(ours.encode())} bytes")
    sentence = theirs.partition("\n")[0]
    if sentence not in ours:
        raise RuntimeError(f"Placement says {sentence!r}; the guard says {ours!r}")


def _nobody(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], Any] | None:
    """A server that does not listen."""
