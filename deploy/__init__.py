"""Samples for running a guarded Placement, and what makes them."""
