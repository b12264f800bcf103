"""What it costs to decode and judge a body, against decoding it only."""

from typing import Any

import orjson
from placement.schemas import inventory, reshaper
from placement.util import extract_json

from benchmarks.bodies import Body, bodies
from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread, in_turns, ratios
from placement_guard.api import documents
from placement_guard.api.operations import LAST_VERSION
from placement_guard.api.routes import Router
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings
from placement_guard.stages.document import DocumentStage

SCHEMAS = {
    documents.INVENTORIES.name: inventory.PUT_INVENTORY_SCHEMA,
    documents.RESHAPE_1_38.name: reshaper.POST_RESHAPER_SCHEMA_V1_38,
}
"""Placement's own schema of each document that is measured."""

TITLE = "The document stage, against orjson.loads"
NOTE = (
    "Multiples of the time that orjson.loads takes for the same body: median of the rounds "
    "(lowest..highest). orjson.loads itself in microseconds. Processor time."
)
COLUMNS = ("body", "bytes", "orjson.loads", "document stage", "Placement's extract_json")


def document(plan: Plan) -> Table:
    """The document stage and Placement's extract_json, in multiples of orjson.loads."""
    stage = DocumentStage(Settings().modes())
    rows: list[tuple[Cell, ...]] = []
    for name, body in bodies().items():
        if plan.quick and len(body.raw) > 1_000_000:
            continue
        rows.append((_described(name, body), *_measure(name, body, stage, plan)))
    return Table("document", TITLE, NOTE, COLUMNS, rows)


def _measure(
    name: str, body: Body, stage: DocumentStage, plan: Plan
) -> tuple[str, Spread, Spread, Spread]:
    exchange = read(body)
    schema = SCHEMAS[body.document.name]
    _compare(stage(exchange), extract_json(body.raw, schema))
    seconds = in_turns(
        {
            "orjson": lambda: orjson.loads(body.raw),
            "stage": lambda: stage(exchange),
            "placement": lambda: extract_json(body.raw, schema),
        },
        plan,
        f"document: body {name}",
    )
    return (
        str(len(body.raw)),
        Spread.of([value * 1e6 for value in seconds["orjson"]]),
        ratios(seconds["stage"], seconds["orjson"]),
        ratios(seconds["placement"], seconds["orjson"]),
    )


def _compare(judged: Exchange | Rejection, document: Any) -> None:
    if isinstance(judged, Rejection) or judged.document != document:
        raise RuntimeError("the guard and Placement do not agree about a body")


def read(body: Body) -> Exchange:
    """The exchange as the document stage gets it: its body has been read."""
    routed, operation, params = Router().match(body.path, body.method)
    start = Exchange({}, body.method, body.path, routed, operation, params, version=LAST_VERSION)
    return start.extended(body=body.raw)


def _described(name: str, body: Body) -> str:
    return f"{name}: {body.method} {body.document.name}"
