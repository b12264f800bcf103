"""Functional suites that come with their packages pass with the guard in Placement's stack."""

import importlib.util
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

from tests import unmeasured
from tests.policy_asking import POLICY

SCRIPT = Path(__file__).with_name("run_suite.py")


def run(*modules, policy=""):
    """The number of tests that ran, and the report; fails where the suite does."""
    # What the suites call is in the same environment as what runs them.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, SCRIPT, *modules],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**unmeasured.environ(), "PATH": path, "TARGET_POLICY_DIRS": policy},
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, "\n".join(lines[-100:]) + done.stderr
    ran = int(re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)[1])
    return ran, json.loads(lines[-1])


def test_every_test_of_placement_passes_and_no_bad_body_reaches_it(record_property, capsys):
    ran, report = run()
    assert ran > 1000
    assert report["bodies_seen_by_placement"] > 200
    assert report["bodies_handed_on"] > 0.9 * report["bodies_seen_by_placement"]
    assert report["bodies_refused_by_placement"] == 0
    assert report["rejections"]["document.invalid"] > 50
    decided = sum(report["outcomes"].values())
    assert decided > 1000
    with capsys.disabled():
        print(f"\n{ran} tests of Placement; the guard decided {decided} requests: {report}")
    record_property("upstream", report)


def test_every_test_of_osc_placement_passes_for_an_operator(api, record_property, capsys, tmp_path):
    found = all(map(importlib.util.find_spec, ("osc_placement", "openstackclient")))
    api.require(found, "the extra [clients]: pip install 'placement-guard[clients]'")
    import osc_placement.tests.functional as suite

    modules = [
        f"{suite.__name__}.{module.name}"
        for module in pkgutil.iter_modules(suite.__path__)
        if module.name.startswith("test_")
    ]
    # The suite is an admin; here an admin is an operator, whose profile has to do.
    (tmp_path / "operator.yaml").write_text('"profile:operator": "role:admin"\n')
    ran, report = run(*modules, policy=f"{POLICY},{tmp_path}")
    assert ran > 100
    assert report["bodies_refused_by_placement"] == 0
    assert report["outcomes"]["committed"] > 100
    with capsys.disabled():
        print(f"\n{ran} tests of osc-placement: {report}")
    record_property("osc-placement", report)
