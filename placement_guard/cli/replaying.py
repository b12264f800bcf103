"""How ``placement-guard replay`` judges: two sides, the files, a bar, a report."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from msgspec import structs
from oslo_config import cfg
from oslo_policy import opts as policy_opts

from placement_guard import opts
from placement_guard.cli.replay import complain
from placement_guard.recording.lines import Record
from placement_guard.replay import report
from placement_guard.replay.differences import Differences, changes, same_blame
from placement_guard.replay.errors import CannotReplayError
from placement_guard.replay.judge import Judge, recorded
from placement_guard.replay.reading import Reader
from placement_guard.settings import Settings

_STDIN: Final = "-"

_BAR: Final = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_ENDLESS: Final = "{desc}: {n_fmt} [{elapsed}]"

TOLD_BYTES: Final = 64 * 1024
"""After how many bytes the bar is told of them."""


def replay(arguments: argparse.Namespace) -> int:
    """Judge and report; returns the exit code. CannotReplayError, ConfigurationError."""
    file = arguments.config_file
    if arguments.config_dir is not None:
        file = arguments.config_dir / "placement.conf"
    after = judge_of(file, arguments.rules, arguments.policy_file)
    before = judge_of(arguments.against, {}, None) if arguments.against is not None else None
    differences = Differences()
    with _interruptible(), _bar(arguments.recordings) as progress:
        reader = Reader(progress)
        why = _compare(arguments, reader, before, after, differences)
    if not differences.judged and why:
        raise CannotReplayError(why)
    _write(arguments.format, differences, reader, complete=not why)
    complain(why)
    if why:
        return 2
    return 1 if differences.changed else 0


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
    if name == _STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # the error of opening is told otherwise
    except OSError as error:
        raise CannotReplayError(f"{name} cannot be read ({error.strerror})") from None
    with file:
        yield file


def judge_of(file: Path | None, rules: Mapping[str, str], policy: Path | None) -> Judge:
    """A judge by a configuration file, or by the defaults, with some changes."""
    conf = cfg.ConfigOpts()
    policy_opts.set_defaults(conf)
    for path in (file, policy):
        if path is not None and not os.access(path, os.R_OK):
            raise CannotReplayError(f"{path} cannot be read")
    files = [str(file)] if file is not None else []
    try:
        conf([], project="placement", default_config_files=files, default_config_dirs=[])
        if policy is not None:
            conf.set_override("policy_file", str(policy.resolve()), "oslo_policy")
    except cfg.Error as error:
        raise CannotReplayError(str(error).splitlines()[0]) from None
    settings = opts.settings_from(conf) if file is not None else Settings()
    changed = structs.replace(settings, rules={**settings.rules, **rules})
    return Judge(changed.check(), conf)


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


def _write(form: str, differences: Differences, reader: Reader, *, complete: bool) -> None:
    # Not every terminal and not every file takes every letter that can be printed.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if form == "json":
            report.document(differences, reader.skipped, sys.stdout, complete=complete)
        else:
            plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
            colour = sys.stdout.isatty() and not plain
            report.table(differences, reader.skipped, sys.stdout, colour=colour)
        sys.stdout.flush()
    except OSError as error:  # the reader of the report went away, or the disk is full
        # Whatever is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CannotReplayError(f"the report cannot be written ({error.strerror})") from None
