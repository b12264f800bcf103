"""Ask a policy about a request, without a Placement: what is stored is a table of answers."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from oslo_context.context import RequestContext

from placement_guard import Settings
from placement_guard.api.routes import Router
from placement_guard.exchange import CONTEXT, MICROVERSION, Exchange, begin
from placement_guard.policy.before import Before, unread
from placement_guard.policy.files import Place, Written
from placement_guard.policy.judge import Policy
from placement_guard.policy.parsing import parsed
from placement_guard.policy.question import Question, caller
from placement_guard.rejection import Rejection
from placement_guard.stages import journey
from placement_guard.target import Target

ROUTER = Router()
STAGES = journey(Settings())

POLICY = Path(__file__).resolve().parents[1] / "etc/placement-guard/policy.d"
"""The profiles that are shipped."""


def context(**changes: Any) -> RequestContext:
    """A request context that nobody knows, but for what is changed."""
    values = {"user_id": "user", "project_id": "project", "roles": ["admin"], "overwrite": False}
    return RequestContext(**{**values, **changes})


def exchange(
    method: str, path: str, body: Any = None, version: str = "1.39", **of_caller: Any
) -> Exchange:
    """A request as it comes to target policy: it has passed all stages before."""
    sent = b"" if body is None else json.dumps(body).encode()
    major, minor = version.split(".")
    found = begin(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(sent)),
            "CONTENT_TYPE": "application/json",
            "wsgi.input": BytesIO(sent),
            CONTEXT: context(**of_caller),
            MICROVERSION: (int(major), int(minor)),
        },
        ROUTER,
    )
    for name, stage in STAGES:
        if name == "gate_policy":
            continue
        result = stage(found)
        if isinstance(result, Rejection):
            raise TypeError(f"never gets to target policy: {result.rule.id}: {result.detail}")
        found = result
    return found


class Stored:
    """A Read of a table by path; what it does not have is not there. Counts what is read."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.reads: list[str] = []

    def __call__(self, path: str, query: str) -> tuple[int, Any]:
        asked = f"{path}?{query}" if query else path
        self.reads.append(asked)
        found = self.answers.get(asked)
        return (404, None) if found is None else (200, found)


def question(asked: Exchange, stored: Any = None) -> Question:
    """What rules are asked; ``stored`` is a Read, or a table of answers, or None: unread."""
    if isinstance(stored, Mapping):
        stored = Stored(stored)
    before = Before(stored or unread, asked.operation.name)
    return Question(Target(asked), caller(asked.context), before)


def policy(rules: Mapping[str, str]) -> Policy:
    """A policy of these rules."""
    place = Place("test.yaml", 1, 1)
    return Policy(parsed({n: Written(n, text, place, place) for n, text in rules.items()}))
