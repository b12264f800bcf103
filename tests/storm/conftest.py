"""The harness of the storms can be imported from wherever pytest is started."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:  # pytest imports by file, and leaves it out
    sys.path.append(ROOT)
