"""The status page: what the guard refuses, what collides, and how it is, without Grafana.

Each worker keeps a board in memory, bounded, and writes it into the file of its slot; whichever
serves the metrics shows what all boards say together.
"""

from placement_guard.observers.board.board import Board
from placement_guard.observers.board.page import Page
from placement_guard.observers.board.shelf import Shelf

__all__ = ["Board", "Page", "Shelf"]
