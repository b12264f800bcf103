"""Writes findings as they come: a table for people, JSON and CSV for programs.

What comes from Placement may hold anything. In the table and in CSV every character that is not
printable is written as an escape, so nothing of it is acted upon by a terminal; JSON is ASCII. A
CSV cell that a spreadsheet would take for a formula begins with an apostrophe.
"""

import csv
import json
import math
from typing import Any, Final, Protocol, TextIO

from placement_guard.scan.findings import Finding
from placement_guard.scan.kinds import KINDS, Severity
from placement_guard.scan.summary import Summary
from placement_guard.terminal import RED, YELLOW, coloured, escaped

_COLOURS: Final = {Severity.DAMAGE: RED, Severity.SUSPICIOUS: YELLOW}

_WIDTHS: Final = (max(map(len, Severity)), max(map(len, KINDS)), 36)

COLUMNS: Final = (
    "severity", "kind", "provider", "provider_name", "resource_class", "consumer", "what"
)  # fmt: skip
"""Of CSV, in this order."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula."""


class Report(Protocol):
    """One format, written to one stream."""

    def begin(self) -> None: ...

    def add(self, finding: Finding) -> None: ...

    def end(self, summary: Summary) -> None: ...


class Table:
    """A line a finding: severity, kind, where, what."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._begun = False

    def begin(self) -> None:
        """Nothing: without a finding there is no head."""

    def add(self, finding: Finding) -> None:
        if not self._begun:
            self._line("SEVERITY", "KIND", "WHERE", "WHAT")
            self._begun = True
        where = finding.provider or finding.consumer or "-"
        name = finding.provider_name
        what = f"{finding.what} ({name})" if name and name not in finding.what else finding.what
        cells = (finding.severity.value, finding.kind, where, what)
        colour = _COLOURS[finding.severity] if self._colour else ""
        self._line(*map(escaped, cells), colour=colour)

    def end(self, summary: Summary) -> None:
        if self._begun:
            self._stream.write("\n")
        self._stream.write(f"{told(summary)}\n")

    def _line(self, severity: str, kind: str, where: str, what: str, *, colour: str = "") -> None:
        severity = coloured(severity.ljust(_WIDTHS[0]), colour)
        line = f"{severity}  {kind.ljust(_WIDTHS[1])}  {where.ljust(_WIDTHS[2])}  {what}"
        self._stream.write(line.rstrip() + "\n")


class Csv:
    """A row a finding, every cell quoted."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")

    def begin(self) -> None:
        self._writer.writerow(COLUMNS)

    def add(self, finding: Finding) -> None:
        self._writer.writerow([_cell(getattr(finding, column)) for column in COLUMNS])

    def end(self, summary: Summary) -> None:
        """Nothing: a row that is no finding would be taken for one."""


def _cell(value: str | None) -> str:
    text = escaped(value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


class Json:
    """One object: ``findings``, a line each, then ``summary``. Valid however the scan ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._separator = "\n"

    def begin(self) -> None:
        self._stream.write('{"findings": [')

    def add(self, finding: Finding) -> None:
        told = {
            "severity": finding.severity.value,
            "kind": finding.kind,
            "provider": finding.provider,
            "provider_name": finding.provider_name,
            "resource_class": finding.resource_class,
            "consumer": finding.consumer,
            "what": finding.what,
            "values": {name: _json_value(value) for name, value in finding.values.items()},
        }
        self._stream.write(f"{self._separator}{_json(told)}")
        self._separator = ",\n"

    def end(self, summary: Summary) -> None:
        told = {
            "complete": summary.complete,
            "microversion": summary.microversion,
            "providers": summary.providers,
            "consumers": summary.consumers,
            "gone": summary.gone,
            "requests": summary.requests,
            "found": dict(sorted(summary.found.items())),
            "not_checked": summary.not_checked,
            "unanswered": summary.unanswered,
        }
        self._stream.write(f'\n],\n"summary": {_json(told)}}}\n')


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _json_value(value: Any) -> Any:
    """JSON has no NaN and no infinities: they are told as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def told(summary: Summary) -> str:
    """The summary in a sentence."""
    counts = summary.by_severity()
    number = counts.total()
    split = ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts[s])
    found = f"{_plural(number, 'finding')} ({split})" if number else "Nothing found"
    seen = f"{_plural(summary.providers, 'provider')} and {_plural(summary.consumers, 'consumer')}"
    partial = "" if summary.complete else " Not all was read: the report is partial."
    return f"{found} in {seen}, with {_plural(summary.requests, 'request')}.{partial}"


def _plural(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
