"""A linter says what a guard does, of whatever body."""

import json
import re

from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings
from placement_guard.api.guess import candidates
from placement_guard.exchange import Exchange
from placement_guard.lint import Lint
from tests.differential.cloud import Cloud
from tests.differential.generate import Generator
from tests.differential.requests import environ
from tests.differential.test_verdicts import WORLD

BODIES = 400
DECIDED = re.compile(r'decision=reject, stage="(document|invariants)", rule="([\w.]+)"')


def test_of_each_body_it_names_the_rule_that_decides():
    registry = CollectorRegistry()
    guard = Guard(lambda _, start: start("204 No Content", []) or [], registry=registry)
    lint, generate = Lint(Settings()), Generator(Cloud([json.dumps(row) for row in WORLD]), seed=5)
    said, number = [], 0
    while len(said) < BODIES:
        number += 1
        request = generate(number)
        among = [
            c
            for c in candidates((1, request.minor))
            if (c.operation.method, c.operation.path) == (request.method, request.route)
        ]
        if request.kind not in {"valid", "value", "text"} or request.body is None or not among:
            continue
        context = RequestContext(user_id="nova", roles=["admin", "service"], overwrite=False)
        heads = []
        asked = {k: v for k, v in environ(request).items() if not k.startswith("HTTP_X_")}
        asked["placement.context"] = context
        guard(asked, lambda _, given, __=None, heads=heads: heads.append(dict(given)))
        decided = DECIDED.search(heads[0].get("Placement-Guard", ""))
        rule = decided[2] if decided else ""
        judged = lint(Exchange(environ(request), request.method, ""), among)
        refused = [v.rule.id for v in judged.violations if v.refused]
        assert (rule in refused) if rule else not refused, request
        said.append(rule)
    assert said.count("") > BODIES / 4
    assert len(set(said)) > 6
