"""How ``placement-guard scan`` scans: a connection, a walk, a report."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from keystoneauth1.adapter import Adapter

from placement_guard.cli.output import written
from placement_guard.cli.scan import complain
from placement_guard.scan.connection import at_endpoint, in_cloud
from placement_guard.scan.errors import CannotScanError, InterruptedScanError
from placement_guard.scan.kinds import chosen
from placement_guard.scan.progress import beside, shown
from placement_guard.scan.reader import Reader
from placement_guard.scan.report import Csv, Json, Report, Table
from placement_guard.scan.summary import Summary
from placement_guard.scan.walk import Walk
from placement_guard.terminal import wants_colour

MAX_TOKEN: Final = 65536
"""How long a token may be (characters); no header takes more."""


def scan(arguments: argparse.Namespace) -> int:
    """Scan and report; returns the exit code. Raises CannotScanError before anything is read."""
    adapter = _connect(arguments)
    stop = threading.Event()
    reader = Reader(adapter, timeout=arguments.timeout, stop=stop)
    walk = Walk(
        reader,
        chosen(arguments.only),
        threads=arguments.concurrency,
        stop=stop,
        progress=shown,
        only=arguments.provider,
    )
    with written() as stream, _interruptible(stop):
        why = _report(walk, _format(arguments.format, stream))
    _tell(walk.summary, why)
    if why or not walk.summary.complete:
        return 2
    return 1 if walk.summary.found else 0


def _report(walk: Walk, report: Report) -> str:
    """Write what is found as it is found; returns why it ended early."""
    why = ""
    with contextlib.ExitStack() as stack:
        findings = stack.enter_context(contextlib.closing(walk.findings()))
        begun = False
        try:
            for finding in findings:
                with beside():
                    if not begun:
                        report.begin()
                        begun = True
                    report.add(finding)
        except InterruptedScanError:
            why = "interrupted: the report is partial"
        except CannotScanError as error:
            why = str(error)
    if walk.summary.microversion:  # otherwise nothing was read, so there is nothing to report
        if not begun:
            report.begin()
        report.end(walk.summary)
    return why


def _tell(summary: Summary, why: str) -> None:
    """What the report does not say in every format."""
    for name, reason in summary.not_checked.items():
        complain(f"not looked for: {name}: {reason}")
    for request in summary.unanswered:
        complain(f"no answer: {request}")
    complain(why)


def _format(name: str, stream: TextIO) -> Report:
    if name == "json":
        return Json(stream)
    if name == "csv":
        return Csv(stream)
    return Table(stream, colour=wants_colour(stream))


def _connect(arguments: argparse.Namespace) -> Adapter:
    cacert, threads = arguments.os_cacert or os.environ.get("OS_CACERT"), arguments.concurrency
    if cacert and not os.access(cacert, os.R_OK):
        raise CannotScanError(f"{cacert} cannot be read; choose another --os-cacert")
    if arguments.endpoint is None:
        if arguments.token is not None or arguments.token_file is not None:
            raise CannotScanError("a token needs --endpoint")
        return in_cloud(arguments.os_cloud, cacert=cacert, threads=threads)
    if arguments.os_cloud is not None:
        raise CannotScanError("choose one: --os-cloud or --endpoint")
    return at_endpoint(arguments.endpoint, _token(arguments), cacert=cacert, threads=threads)


def _token(arguments: argparse.Namespace) -> str:
    """The token: from the option, a file, standard input or the environment."""
    if arguments.token is not None:
        return str(arguments.token)
    if arguments.token_file == "-":  # noqa: S105
        return sys.stdin.readline(MAX_TOKEN).strip()
    if arguments.token_file is not None:
        try:
            with Path(arguments.token_file).open(encoding="utf-8") as file:
                return file.readline(MAX_TOKEN).strip()
        except (OSError, ValueError):
            text = f"{arguments.token_file} cannot be read; choose another --token-file"
            raise CannotScanError(text) from None
    token = os.environ.get("OS_TOKEN")
    if not token:
        raise CannotScanError("there is no token: give --token-file, or OS_TOKEN")
    return token


@contextlib.contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """The first interrupt ends the scan and lets the report be finished; the second ends all."""
    # Anew, not only where it is handled: who is started in the background may ignore Ctrl-C.
    ends: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }

    def interrupt(number: int, _frame: Any) -> None:
        stop.set()
        signal.signal(number, ends[signal.Signals(number)])

    before = {number: signal.signal(number, interrupt) for number in ends}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
