"""How ``placement-guard check`` reports: lines for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from placement_guard.api.finding import MAX_FINDINGS
from placement_guard.api.guess import Candidate
from placement_guard.api.operations import told
from placement_guard.cli.files import STANDARD_INPUT
from placement_guard.cli.output import as_json, counted
from placement_guard.lint import Judged, Unclear, Violation
from placement_guard.terminal import RED, YELLOW, coloured, escaped, wants_colour

REFUSED: Final = "refused"
WARNED: Final = "warned"
"""The severities: what the guard does about it, as rules have their modes."""


class Report:
    """Counts what it is told. ``not_judged`` is about files, the other two about violations.

    ``guessed`` names what was not said of the files: the operation, the microversion.
    """

    def __init__(self, stream: TextIO, guessed: Sequence[str]) -> None:
        self.stream = stream
        self.guessed = guessed
        self.files = self.refused = self.warned = self.not_judged = 0

    def begin(self) -> None:
        """What comes first."""

    def add(self, file: str, found: Judged | Unclear | str) -> None:
        """What is found in one file, or why nothing could be told of it."""
        self.files += 1
        if not isinstance(found, Judged):
            self.not_judged += 1
            self.show(file, None, found if isinstance(found, str) else _why(found))
            return
        self.refused += found.refused
        self.warned += len(found.violations) - found.refused
        self.show(file, found, "")

    def show(self, file: str, found: Judged | None, why_not: str) -> None:
        """Write down one of the two."""

    def end(self) -> None:
        """What comes last."""


class TableReport(Report):
    """A line a violation: ``file: path: severity: rule: what``; a line that says what it was."""

    def __init__(self, stream: TextIO, guessed: Sequence[str]) -> None:
        super().__init__(stream, guessed)
        self._colours = {REFUSED: RED, WARNED: YELLOW} if wants_colour(stream) else {}

    def show(self, file: str, found: Judged | None, why_not: str) -> None:
        if found is None:
            self._line(file, f"not judged: {why_not}")
            return
        if found.taken_for:
            by = f"; guessed: {' and '.join(self.guessed)}" if self.guessed else ""
            self._line(file, f"judged as {', or '.join(map(_as_text, found.taken_for))}{by}")
        for violation in found.violations:
            severity = _severity(violation)
            shown = coloured(severity, self._colours.get(severity, ""))
            what = f"{violation.rule.id}: {escaped(violation.what)}"
            self.stream.write(f"{_shown(file)}: {violation.path}: {shown}: {what}\n")
        for rule in found.more:
            self._line(file, f"there may be more of {rule}: {MAX_FINDINGS} at most are looked for")

    def _line(self, file: str, text: str) -> None:
        self.stream.write(f"{_shown(file)}: {escaped(text)}\n")

    def end(self) -> None:
        number, judged = self.refused + self.warned, self.files - self.not_judged
        split = f" ({self.refused} {REFUSED}, {self.warned} {WARNED})" if number else ""
        found = f"{counted(number, 'finding')}{split}" if number else "Nothing found"
        told = [f"{found} in {counted(judged, 'file')}"] if judged else []
        if self.not_judged:
            told.append(f"{counted(self.not_judged, 'file')} not judged")
        self.stream.write(f"\n{'; '.join(told)}.\n")


class JsonReport(Report):
    """One object: ``files``, a line each, then ``summary``."""

    def begin(self) -> None:
        self.stream.write('{"files": [')

    def show(self, file: str, found: Judged | None, why_not: str) -> None:
        shown = {
            "file": file,
            "judged_as": [_as_object(c) for c in found.taken_for] if found else [],
            "guessed": list(self.guessed) if found and found.taken_for else [],
            "not_judged": why_not or None,
            "findings": [_finding(v) for v in found.violations] if found else [],
            "more": list(found.more) if found else [],
        }
        separator = "\n" if self.files == 1 else ",\n"
        self.stream.write(f"{separator}{as_json(shown)}")

    def end(self) -> None:
        counts = ("files", REFUSED, WARNED, "not_judged")
        summary = {name: getattr(self, name) for name in counts}
        self.stream.write(f'\n],\n"summary": {as_json(summary)}}}\n')


def _shown(file: str) -> str:
    return "(standard input)" if file == STANDARD_INPUT else escaped(file)


def _severity(violation: Violation) -> str:
    return REFUSED if violation.refused else WARNED


def _finding(violation: Violation) -> dict[str, Any]:
    rule = violation.rule
    return {
        "severity": _severity(violation),
        "rule": rule.id,
        "status": rule.status,
        "path": violation.path,
        "what": violation.what,
    }


def _why(unclear: Unclear) -> str:
    if not unclear.candidates:
        return "it is like no body that Placement takes, or not like what --operation names"
    return f"it may be {_listed(unclear.candidates)}; say which with --operation"


def _listed(candidates: Iterable[Candidate]) -> str:
    return ", ".join(f"{c.operation.method} {c.operation.path}" for c in candidates)


def _as_text(candidate: Candidate) -> str:
    """The operation, and the newest microversion at which it fits."""
    operation = candidate.operation
    first, last = told(candidate.first), told(candidate.last)
    fit = f" ({first} to {last} fit)" if first != last else ""
    return f"{operation.name} ({operation.method} {operation.path}), microversion {last}{fit}"


def _as_object(candidate: Candidate) -> dict[str, str]:
    return {
        "operation": candidate.operation.name,
        "method": candidate.operation.method,
        "path": candidate.operation.path,
        "microversion": told(candidate.last),
        "fits_from": told(candidate.first),
    }
