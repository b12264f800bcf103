"""``python -m placement_guard``: the ``placement-guard`` command."""

import sys

from placement_guard.cli import main

sys.exit(main())
