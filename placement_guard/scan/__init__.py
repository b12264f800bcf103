"""What a whole Placement holds that it should not, seen through its HTTP API.

``kinds`` is the catalogue, ``judge`` decides without reading anything, ``walk`` asks and puts
together, ``report`` writes. Nothing here imports Placement: a scan runs where a client runs.
"""

from placement_guard.scan.findings import Finding
from placement_guard.scan.kinds import KINDS, Kind, Severity

__all__ = ["KINDS", "Finding", "Kind", "Severity"]
