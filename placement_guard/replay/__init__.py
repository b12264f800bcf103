"""Judging recorded exchanges again, offline: what another configuration or policy would change.

The journey is that of a guard. What a recording cannot answer is undecided, never guessed.
"""
