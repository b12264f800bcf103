"""A run: requests are sent, answers are judged, findings are shrunk, and everything is counted."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from tests.differential import corpus
from tests.differential.answers import Answer
from tests.differential.damage import damage
from tests.differential.requests import Request
from tests.differential.shrink import shrunk
from tests.differential.sides import Sides
from tests.differential.verdicts import Finding, judge, rule_of

LEAST_SHARE = 0.01
"""The share of changed requests that must make the bare side misbehave: fewer prove too little."""


class Case(Struct):
    """A finding with the request that shows it, as small as it was made."""

    finding: Finding
    request: Request
    bare: Answer
    guarded: Answer
    count: int = 1
    path: Path | None = None


class Tally(Struct):
    """What a run came to."""

    requests: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    damaged: Counter[str] = field(default_factory=Counter)
    damages: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    cases: dict[str, Case] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """How many requests were not valid by design."""
        return sum(self.requests.values()) - self.requests["valid"]

    @property
    def misbehaved(self) -> int:
        """How many of those made the bare side fail, or store damage."""
        both = self.failed + self.damaged
        return sum(both.values()) - both["valid"]

    @property
    def share(self) -> float:
        return self.misbehaved / self.changed if self.changed else 0.0

    def count(self, request: Request, bare: Answer, guarded: Answer) -> None:
        self.requests[request.kind] += 1
        found = damage(request, bare)
        if bare.served:
            self.served[request.kind] += 1
        elif bare.status < 500:
            self.refused[request.kind] += 1
        else:
            self.failed[request.kind] += 1
        if found:
            self.damaged[request.kind] += 1
            self.damages.update(found)
        if rule := rule_of(guarded):
            self.rules[rule] += 1


class Campaign:
    """Judges requests over ``sides``. ``keep`` is where findings are saved, or None."""

    def __init__(self, sides: Sides, keep: Path | None = None, *, shrink: bool = True) -> None:
        self._sides, self._keep, self._shrink = sides, keep, shrink
        # What is replayed is small and saved already; if it is still found, it stands for its kind.
        self._saved = {request for _, _, request in corpus.load(keep)} if keep else set()
        self.tally = Tally()

    def play(self, requests: Iterable[Request]) -> Iterator[list[Case]]:
        """Send each request; yields what was found by it, mostly nothing."""
        for request in requests:
            bare, guarded = self._sides(request)
            self.tally.count(request, bare, guarded)
            yield [
                self._case(finding, request, bare, guarded)
                for finding in judge(request, bare, guarded)
            ]

    def _case(self, finding: Finding, request: Request, bare: Answer, guarded: Answer) -> Case:
        self.tally.verdicts[finding.verdict] += 1
        case = self.tally.cases.get(finding.signature)
        if case is not None:
            case.count += 1
            return case
        case = self.tally.cases[finding.signature] = Case(finding, request, bare, guarded)
        if request in self._saved:
            return case
        if self._shrink:
            self._make_small(case)
        if self._keep:
            case.path = corpus.save(case.finding, case.request, case.bare, case.guarded, self._keep)
        return case

    def _make_small(self, case: Case) -> None:
        def same(request: Request) -> bool:
            bare, guarded = self._sides(request)
            for finding in judge(request, bare, guarded):
                if finding.signature == case.finding.signature:
                    case.finding, case.bare, case.guarded = finding, bare, guarded
                    return True
            return False

        case.request = shrunk(case.request, same)
