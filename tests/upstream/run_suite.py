"""Run a functional suite that comes with a package, with the guard in Placement's stack.

    python tests/upstream/run_suite.py [--hand-nothing-on] [module ...]

Without modules it is the API suite of the installed Placement.

Prints what the guard decided, how many bodies were handed on, and how many that break their schema
reached Placement all the same (there must be none). The exit code is that of the suite, or 1 where
one did.
"""

import collections
import functools
import json
import os
import sys

import placement.deploy
import placement.util
import placement_guard.handing_on
import placement_guard.placement
from oslo_config import cfg
from placement_guard.opts import OPTIONS, register
from prometheus_client import REGISTRY
from testtools import run
from webob.exc import HTTPBadRequest

POLICY = "TARGET_POLICY_DIRS"
"""An environment variable: directories of target policy, separated by commas."""

reached = collections.Counter()


def counting(extract_json):
    """Placement's own check of bodies, with a count of what it refuses."""

    @functools.wraps(extract_json)
    def counted(body, schema):
        # Of bodies only: Placement also checks strings of its own making, from the path.
        kind = "bodies" if isinstance(body, bytes) else "names"
        reached[kind, "seen"] += 1
        try:
            return extract_json(body, schema)
        except HTTPBadRequest:
            reached[kind, "refused"] += 1
            raise

    return counted


def decided():
    """Requests by outcome, and rejections by rule, over the whole run."""
    outcomes, rules = collections.Counter(), collections.Counter()
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name == "placement_guard_requests_total":
                outcomes[sample.labels["outcome"]] += int(sample.value)
            elif sample.name == "placement_guard_rejections_total":
                rules[sample.labels["rule"]] += int(sample.value)
    return {"outcomes": +outcomes, "rejections": +rules}


def deploy(conf):
    """A guarded Placement; with target policy where there is any."""
    directories = os.environ.get(POLICY)
    if directories:
        register(conf)
        conf.set_override("target_policy_dirs", directories.split(","), "placement_guard")
    return placement_guard.placement.deploy(conf)


def counting_handed(decoded):
    """What decodes the bodies that are handed on, with a count of them."""

    def counted(body):
        reached["bodies", "handed"] += 1
        return decoded(body)

    return counted


def main():
    modules = sys.argv[1:]
    if hand_on := modules[:1] != ["--hand-nothing-on"]:
        # Now: it takes only a Placement that nobody else has changed.
        if not placement_guard.handing_on.hand_on():
            return 1
        handing_on = placement_guard.handing_on
        handing_on._decoded = counting_handed(handing_on._decoded)
    cfg.set_defaults(OPTIONS, hand_on=hand_on)
    placement.deploy.deploy = deploy
    placement.util.extract_json = counting(placement.util.extract_json)
    modules = modules if hand_on else modules[1:]
    code = 0
    try:
        run.main([sys.argv[0], *(modules or ["placement.tests.functional.test_api"])], sys.stdout)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    report = decided()
    report["bodies_seen_by_placement"] = reached["bodies", "seen"]
    report["bodies_handed_on"] = reached["bodies", "handed"]
    report["bodies_refused_by_placement"] = reached["bodies", "refused"]
    print(json.dumps(report))
    return code or int(report["bodies_refused_by_placement"] > 0)


if __name__ == "__main__":
    sys.exit(main())
