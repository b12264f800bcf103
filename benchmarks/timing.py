"""Measuring on a machine that others use too: everything in turns, and medians."""

import gc
import sys
from collections.abc import Callable, Mapping
from statistics import median
from time import thread_time
from typing import NamedTuple

BLOCK_SECONDS = 0.02
"""How long one function runs before it is another's turn (seconds)."""

MAX_CALLS = 20_000
"""The most calls of a function in one turn."""


class Spread(NamedTuple):
    """The median of several rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


BAR = 20
"""How long the bar is (characters)."""


class Progress:
    """One line on stderr, with a bar of the benchmarks that are done and what goes on; silent
    where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._bar = ""

    def at(self, done: int, of: int) -> None:
        """So many of all benchmarks are done."""
        full = BAR * done // of
        self._bar = f"[{'#' * full}{'.' * (BAR - full)}] {done}/{of} "

    def __call__(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{self._bar}{text}"[: 4 + 100])
            sys.stderr.flush()

    def done(self) -> None:
        self._bar = ""
        self("")


class Plan(NamedTuple):
    """How much to measure: ``rounds`` of everything; ``quick`` leaves the largest out."""

    rounds: int
    quick: bool
    progress: Progress


def in_turns(
    functions: Mapping[str, Callable[[], object]], plan: Plan, what: str
) -> dict[str, list[float]]:
    """Seconds per call of each function, one value a round.

    In each round every function has its turn of BLOCK_SECONDS, so that drift of the machine hits
    all of them. The garbage of one is collected before the turn of the next; within a turn the
    collector runs as it does in a server, but what was there before is frozen: a full collection
    comes once in several calls, costs as much as everything that is imported, and would hit one
    function or another by chance (orjson.loads of 705 kB took 1.7 or 5.7 ms by that alone).
    """
    gc.collect()
    gc.freeze()
    calls = {name: _calls(function) for name, function in functions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(plan.rounds):
        plan.progress(f"{what}: round {number + 1} of {plan.rounds}")
        for name, function in functions.items():
            gc.collect()
            seconds[name].append(per_call(function, calls[name]))
    gc.unfreeze()
    return seconds


def per_call(function: Callable[[], object], calls: int) -> float:
    """Seconds of processor time per call: what other processes take does not count."""
    began = thread_time()
    for _ in range(calls):
        function()
    return (thread_time() - began) / calls


def ratios(of: list[float], to: list[float]) -> Spread:
    """How many times as long, round by round."""
    return Spread.of([mine / theirs for mine, theirs in zip(of, to, strict=True)])


def _calls(function: Callable[[], object]) -> int:
    """So many calls as one turn has room for; warms up, too."""
    function()
    once = min(per_call(function, 1) for _ in range(3))
    return max(1, min(MAX_CALLS, int(BLOCK_SECONDS / once)))
