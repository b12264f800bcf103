"""What is found of one round of one side, whatever was done in it."""

from msgspec import Struct

OVER = "usage above capacity"
LOST = "acknowledged, not stored"
UNASKED = "refused, stored all the same"
UNFILLED = "VCPU free where a claim was refused"
CONFLICTS = "claims that ended with a conflict"
MISLED = "full, but told to try again"
FAILED = "answered with a 5xx"
AWAY = "answered with 503 and Retry-After"
DIED = "workers that died or hung"

OF_A_RESTART = frozenset({UNFILLED, CONFLICTS, AWAY})
"""What nobody can help while there is no database."""


class Judged(Struct):
    """One round. Times are in seconds.

    wrong
        How often what went wrong, by what it is; in an order to be shown in.
    noted
        What is worth to be known, and no fault.
    usage
        How much is in use at the end, and of how much; none where capacities change.
    latencies
        Of every claim or write that was answered.
    served_by
        How many of those that were served first each worker made.
    reads
        Latencies of the reads meanwhile.
    told
        What was said, or seen, of what should not have happened.
    cases
        The whole history of what is wrong, a list of lines each.
    """

    wrong: dict[str, int]
    kinds: dict[str, int]
    attempts: int
    acknowledged_per_second: float
    answered_per_second: float
    latencies: list[float]
    served_by: list[int]
    usage: tuple[int, int] | None = None
    noted: dict[str, int] = {}
    killed: int = 0
    reads: list[float] = []
    told: list[str] = []
    cases: list[list[str]] = []

    def is_wrong(self, *, restarted: bool = False) -> bool:
        excused = OF_A_RESTART if restarted else frozenset()
        return any(number for what, number in self.wrong.items() if what not in excused)
