"""The ``placement-guard`` command: one module a subcommand."""

import argparse
from collections.abc import Sequence

from placement_guard.cli import (
    check,
    completion,
    config,
    explain,
    policy,
    replay,
    rules,
    scan,
    serve,
)
from placement_guard.version import __version__


def parser() -> argparse.ArgumentParser:
    """What the command takes; documentation and completion are made from it too."""
    made = argparse.ArgumentParser(
        prog="placement-guard", description="Admission control for OpenStack Placement."
    )
    made.add_argument("--version", action="version", version=f"placement-guard {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve.add_parser(commands)
    scan.add_parser(commands)
    check.add_parser(commands)
    explain.add_parser(commands)
    policy.add_parser(commands)
    replay.add_parser(commands)
    rules.add_parser(commands)
    config.add_parser(commands)
    completion.add_parser(commands, made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 done, 1 something found, 2 cannot be done so."""
    arguments = parser().parse_args(argv)
    code: int = arguments.run(arguments)
    return code
