"""Admission control for OpenStack Placement."""

from placement_guard.guard import Guard
from placement_guard.rejection import Rejection
from placement_guard.settings import ConfigurationError, Problem, Settings

__all__ = ["ConfigurationError", "Guard", "Problem", "Rejection", "Settings"]
