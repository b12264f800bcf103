"""How ``placement-guard replay`` judges: two sides, the files, a bar, a report."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from oslo_config import cfg

from placement_guard.cli.changes import write_json, write_table
from placement_guard.cli.configuration import with_rules
from placement_guard.cli.errors import CommandError
from placement_guard.cli.files import STANDARD_INPUT
from placement_guard.cli.gate import prepared
from placement_guard.cli.output import CANNOT, DONE, FOUND, complain, written
from placement_guard.cli.rehearsing import configured
from placement_guard.recording.lines import Record
from placement_guard.replay.differences import Differences, changes, same_blame
from placement_guard.replay.errors import CannotReplayError
from placement_guard.replay.judge import Judge, recorded
from placement_guard.replay.reading import Reader

_BAR: Final = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_ENDLESS: Final = "{desc}: {n_fmt} [{elapsed}]"

TOLD_BYTES: Final = 64 * 1024
"""After how many bytes the bar is told of them."""


def replay(arguments: argparse.Namespace) -> int:
    """Judge and report; returns the exit code. CommandError, ConfigurationError."""
    after = judge_of(
        arguments.config_dir, arguments.policy, arguments.gate_policy, arguments.rules or ""
    )
    before = judge_of(arguments.against) if arguments.against is not None else None
    differences = Differences()
    with _interruptible(), _bar(arguments.recordings) as progress:
        reader = Reader(progress)
        why = _compare(arguments, reader, before, after, differences)
    if not differences.judged and why:
        raise CommandError(why)
    with written() as stream:
        if arguments.format == "json":
            write_json(stream, differences, reader.skipped, complete=not why)
        else:
            write_table(stream, differences, reader.skipped)
    if why:
        complain("replay", why)
        return CANNOT
    return FOUND if differences.changed else DONE


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Who is started in the background may ignore Ctrl-C: not here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _compare(
    arguments: argparse.Namespace,
    reader: Reader,
    before: Judge | None,
    after: Judge,
    differences: Differences,
) -> str:
    """Judge every record; returns why it ended early."""
    same: dict[str, bool] = {}
    try:
        for record in _records(arguments.recordings, reader):
            header = reader.headers.get(record.by)
            if record.by not in same:
                then = before.modes if before else header.modes if header else {}
                same[record.by] = same_blame(then, after.modes)
            verdict = before(record, header) if before else recorded(record)
            found = changes(record, verdict, after(record, header), same=same[record.by])
            differences.add(record, found)
            if differences.judged == arguments.limit:
                break
    except KeyboardInterrupt:
        return "interrupted: the report is partial"
    except CannotReplayError as error:
        return str(error)
    return ""


def _records(names: Sequence[str], reader: Reader) -> Iterator[Record]:
    for name in names:
        with _opened(name) as file:
            try:
                yield from reader.records(file, name)
            except OSError as error:
                raise CannotReplayError(f"{name} cannot be read ({error.strerror})") from None


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # the error of opening is told otherwise
    except OSError as error:
        raise CannotReplayError(f"{name} cannot be read ({error.strerror})") from None
    with file:
        yield file


def judge_of(
    directory: Path | None,
    policies: Sequence[Path] = (),
    gate_policy: Path | None = None,
    rules: str = "",
) -> Judge:
    """A judge by the placement.conf in ``directory``, or by the defaults, with some changes.

    CommandError, ConfigurationError.
    """
    settings, conf = configured(argparse.Namespace(config_dir=directory), list(policies))
    if gate_policy is not None:
        conf = _with_gate_policy(conf, gate_policy)
    try:
        return Judge(with_rules(settings, rules).check(), conf)
    except CannotReplayError as error:
        raise CommandError(str(error)) from None


def _with_gate_policy(conf: cfg.ConfigOpts | None, file: Path) -> cfg.ConfigOpts:
    if not os.access(file, os.R_OK):
        raise CommandError(f"{file} cannot be read")
    if conf is None:
        conf = cfg.ConfigOpts()
        conf([], project="placement", default_config_files=[], default_config_dirs=[])
    prepared(conf).set_override("policy_file", str(file.resolve()), "oslo_policy")
    return conf


@contextlib.contextmanager
def _bar(names: Sequence[str]) -> Iterator[Any]:
    """Shows how much was read, on standard error, where that is a terminal and tqdm is there."""
    try:
        from tqdm import tqdm  # noqa: PLC0415  # comes with an extra
    except ImportError:
        yield lambda _read: None
        return
    sizes = [Path(name).stat().st_size for name in names if Path(name).is_file()]
    total = sum(sizes) if len(sizes) == len(names) else None
    bar = tqdm(
        desc="judging",
        total=total,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
        dynamic_ncols=True,
        unit_scale=True,
        bar_format=_BAR if total else _ENDLESS,
    )
    gathered = 0

    def progress(read: int) -> None:
        nonlocal gathered
        gathered += read
        if gathered >= TOLD_BYTES:
            bar.update(gathered)
            gathered = 0

    with bar:
        yield progress
