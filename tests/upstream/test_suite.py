"""The functional API suite of the installed Placement passes with the guard in its stack."""

import json
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("run_suite.py")


def test_every_test_of_placement_passes_and_no_bad_body_reaches_it(record_property, capsys):
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, timeout=600, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, "\n".join(lines[-100:]) + done.stderr
    ran = int(re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)[1])
    report = json.loads(lines[-1])
    assert ran > 1000
    assert report["bodies_seen_by_placement"] > 200
    assert report["bodies_refused_by_placement"] == 0
    assert report["rejections"]["document.invalid"] > 50
    decided = sum(report["outcomes"].values())
    assert decided > 1000
    with capsys.disabled():
        print(f"\n{ran} tests of Placement; the guard decided {decided} requests: {lines[-1]}")
    record_property("upstream", report)
