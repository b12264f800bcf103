"""What is imported is what is meant to be tested, and imports no more than it says."""

import os
import subprocess
import sys

import placement_guard
from placement_guard.version import __version__


def test_the_public_names_are_there_and_sorted():
    assert placement_guard.__all__ == sorted(placement_guard.__all__)
    assert all(hasattr(placement_guard, name) for name in placement_guard.__all__)


def test_it_comes_from_where_it_should():
    """A run against the wheel says so, and must not find the source tree."""
    assert os.environ.get("PLACEMENT_GUARD_FROM", "") in placement_guard.__file__


def test_the_version_is_the_one_that_is_installed():
    from importlib.metadata import version

    assert version("placement-guard") == __version__


def test_the_core_imports_without_placement_and_without_what_is_an_extra():
    script = (
        "import sys\n"
        "for name in ('placement', 'oslo_messaging', 'pycadf'):\n"
        "    sys.modules[name] = None\n"
        "import placement_guard, placement_guard.opts, placement_guard.cli\n"
        "placement_guard.Guard(lambda *_: [])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
