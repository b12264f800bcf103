"""Judges a request body as a linter does: everything that is wrong with it, not only what decides.

The checks are those of the stages document and invariants. A guard stops at the first stage that
refuses, and where the schema is broken it repeats the one error that Placement names; here all of
them are told. What only Placement's database can find is not looked for.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from placement_guard.api import guess, strict_json
from placement_guard.api.exact import TOO_DEEP
from placement_guard.api.finding import MAX_FINDINGS, Finding
from placement_guard.api.guess import Candidate
from placement_guard.api.invariants import invariants
from placement_guard.api.jsonpath import json_path
from placement_guard.api.wording import malformed
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import BY_ID, Mode, Rule
from placement_guard.settings import Settings
from placement_guard.stages.body import Body
from placement_guard.stages.document import DocumentStage


class Violation(NamedTuple):
    """A rule that a body breaks: in which mode, what is wrong, and where (JSON path)."""

    rule: Rule
    mode: Mode
    what: str
    path: str

    @property
    def refused(self) -> bool:
        """Whether the guard refuses the request for it; otherwise it warns."""
        return self.mode is Mode.ENFORCE


class Judged(NamedTuple):
    """What is wrong with one body.

    taken_for
        What it was judged as, the newest microversion of each operation that it fits: several where
        that makes no difference, none where it is no document at all.
    violations
        By rules that are not off, in the order of the stages.
    more
        The rules of which there may be more violations: no more than MAX_FINDINGS are looked for.
    """

    taken_for: tuple[Candidate, ...]
    violations: tuple[Violation, ...]
    more: tuple[str, ...] = ()

    @property
    def refused(self) -> int:
        """How many violations the guard refuses the request for."""
        return sum(violation.refused for violation in self.violations)


class Unclear(NamedTuple):
    """It cannot be told what a body was made for: ``candidates`` lead to different verdicts.

    Without any, it is like none of the bodies that Placement takes.
    """

    candidates: tuple[Candidate, ...]


class Lint:
    """Judges bodies by the rules as ``settings`` has them. Built once."""

    def __init__(self, settings: Settings) -> None:
        self.max_body_bytes = settings.max_body_bytes
        self._modes = settings.modes()
        self._body = Body(max_body_bytes=settings.max_body_bytes)
        self._document = DocumentStage(self._modes)

    def __call__(self, exchange: Exchange, among: Iterable[Candidate]) -> Judged | Unclear:
        """Judge the body of ``exchange``, which is one of ``among``."""
        among = tuple(among)
        candidate = among[0]
        read = self._body(exchange.extended(operation=candidate.operation, version=candidate.last))
        if isinstance(read, Rejection):
            return self._judged((), [Finding(read.rule.id, read.detail)])
        body = read.body or b""
        try:
            data = strict_json.load(body).data
        except strict_json.MalformedError as error:
            return self._judged((), [Finding("json.malformed", malformed(error))])
        except (strict_json.TooDeepError, RecursionError):
            return self._judged((), [TOO_DEEP])
        fit = _newest(guess.fitting(data, among) or _if_one(among))
        judged = [self._judged((c,), self._findings(c, body, data)) for c in fit]
        # Where they all come to the same, it does not matter which of them it is.
        if not judged or any(j.violations != judged[0].violations for j in judged):
            return Unclear(tuple(fit))
        return judged[0]._replace(taken_for=tuple(fit))

    def _findings(self, candidate: Candidate, body: bytes, data: Any) -> list[Finding]:
        expected = candidate.document
        document, found = self._document.examine(expected, body)
        if document is not None:
            return [*found, *invariants(expected, document, candidate.last)]
        if found[0].rule != "document.invalid":
            return found
        errors = list(islice(self._document.errors(expected, data), MAX_FINDINGS))
        return [*(errors or found), *strict_json.search(body)[1]]

    def _judged(self, taken_for: tuple[Candidate, ...], found: list[Finding]) -> Judged:
        violations = tuple(
            Violation(BY_ID[finding.rule], mode, finding.what, json_path(finding.path))
            for finding in found
            if (mode := self._modes[finding.rule]) is not Mode.OFF
        )
        counts = Counter(violation.rule.id for violation in violations)
        more = tuple(rule for rule, count in counts.items() if count >= MAX_FINDINGS)
        return Judged(taken_for, violations, more)


def _if_one(among: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Candidates of one operation: it is that, whatever it looks like."""
    return among if len({(c.operation.method, c.operation.path) for c in among}) == 1 else ()


def _newest(fit: Iterable[Candidate]) -> list[Candidate]:
    """Of each operation the newest document, with all microversions that fit."""
    newest: dict[tuple[str, str], Candidate] = {}
    for candidate in fit:
        key = candidate.operation.method, candidate.operation.path
        first = newest[key].first if key in newest else candidate.first
        newest[key] = candidate._replace(first=first)
    return list(newest.values())
