"""Findings of the past, as files that people read: they are sent first, every time."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tests.differential.answers import Answer
from tests.differential.requests import Request, from_data, to_data
from tests.differential.verdicts import Finding, told

DIRECTORY = Path(__file__).with_name("corpus")

MAX_TEXT = 600
"""How much of a wording is kept (characters): it is there to be read."""


def load(directory: Path = DIRECTORY) -> list[tuple[Path, dict[str, Any], Request]]:
    """Every saved finding, in the order of the file names."""
    found = []
    for path in sorted(directory.glob("*.json")):
        data = json.loads(path.read_text())
        found.append((path, data, from_data(data["request"])))
    return found


def known(kind: str, directory: Path = DIRECTORY) -> set[str]:
    """The signatures of findings that a file calls open on this kind of database, by a reason.

    Faults of Placement that no guard can mend, or what is not mended yet. A file without
    ``only_on`` speaks of every database.
    """
    return {
        data["signature"]
        for _, data, _ in load(directory)
        if data.get("open") and data.get("only_on", kind) == kind
    }


def kind_of(url: str | None) -> str:
    """The kind of database behind a URL: sqlite, mysql, postgresql."""
    return "sqlite" if url is None else url.partition(":")[0].partition("+")[0]


def save(
    finding: Finding,
    request: Request,
    bare: Answer,
    guarded: Answer,
    directory: Path = DIRECTORY,
) -> Path:
    """Write a finding down; the name is made of the request, so that the same one is one file."""
    data = {
        "verdict": finding.verdict,
        "why": finding.why[: 2 * MAX_TEXT],
        "signature": finding.signature,
        "request": to_data(request),
        "bare": _said(bare),
        "guarded": _said(guarded),
    }
    text = json.dumps(data["request"], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    words = re.sub(r"[^a-z]+", "-", request.label.lower()).strip("-")
    path = directory / f"{finding.verdict}-{words[:60]}-{digest}.json"
    directory.mkdir(exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n")
    return path


def _said(answer: Answer) -> dict[str, Any]:
    code, detail = told(answer)
    said: dict[str, Any] = {"status": answer.status}
    if answer.status >= 400:
        said |= {"code": code, "detail": detail[:MAX_TEXT]}
    for name in ("placement-guard",):
        if name in answer.headers:
            said[name] = answer.headers[name]
    if answer.raised:
        said["raised"] = answer.raised
    if answer.changed:
        said |= {"added": list(answer.added[:10]), "removed": list(answer.removed[:10])}
    return said
