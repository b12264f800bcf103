"""``docs/reference/cli.md``: what each command takes, made from the parsers."""

import argparse
import os
import re
from collections.abc import Iterator
from unittest import mock

from placement_guard import cli
from tests.markdown import MARK, table

COLUMNS = "100"

_TITLE = re.compile(r"^([a-z ]+):$")


def commands(
    parser: argparse.ArgumentParser | None = None,
) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands that can be run, in the order of the help."""
    parser = parser or cli.parser()
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        yield parser
    for action in inner:
        for command in action.choices.values():
            yield from commands(command)


def page() -> str:
    """docs/reference/cli.md"""
    with mock.patch.dict(os.environ, {"COLUMNS": COLUMNS}):
        sections = [_section(parser) for parser in commands()]
    links = [
        (f"[`{parser.prog}`](#{parser.prog.replace(' ', '-')})", _first(parser))
        for parser in commands()
    ]
    return (
        f"{MARK}# Commands\n\nEach of them tells the same with `--help`. Reports go to standard "
        "output; what keeps a command from doing what it was asked goes to standard error, with exit "
        "code 2. Colours are for terminals only, and for none where `NO_COLOR` is set. What comes "
        "from files or from Placement is written with escapes where it could not be printed.\n\n"
        + table(("Command", "What it does"), links)
        + "\n"
        + "\n".join(sections)
    )


def _first(parser: argparse.ArgumentParser) -> str:
    """The first sentence of what it says of itself."""
    return " ".join(str(parser.description).split()).partition(". ")[0].rstrip(".") + "."


def _section(parser: argparse.ArgumentParser) -> str:
    # "usage: " goes, and the lines below move to the left with it.
    usage = parser.format_usage()[7:].replace("\n" + " " * 7, "\n")
    rows = [(_names(a), _plain(a.help or "")) for a in parser._actions]
    return (
        f"## {parser.prog}\n\n{_plain(str(parser.description).strip())}\n\n"
        f"```text\n{usage}```\n\n"
        + table(("Argument", "Meaning"), rows)
        + "".join(_blocks(parser.epilog or ""))
    )


def _names(action: argparse.Action) -> str:
    value = action.metavar
    if value is None and action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if value is None and action.option_strings and action.nargs != 0:
        value = action.dest.upper()
    names = action.option_strings or [str(value)]
    shown = f" {value}" if action.option_strings and value else ""
    return ", ".join(f"`{name}{shown}`" for name in names)


def _blocks(epilog: str) -> Iterator[str]:
    """Its paragraphs: one that begins with a title is shown as it is."""
    for block in epilog.strip().split("\n\n"):
        title = _TITLE.match(block.partition("\n")[0])
        if title:
            lines = [line.removeprefix("  ") for line in block.splitlines()[1:]]
            text = "\n".join(lines)
            yield f"\n**{title[1].capitalize()}:**\n\n```text\n{text}\n```\n"
        elif block:
            yield f"\n{_plain(block)}\n"


def _plain(text: str) -> str:
    """Text as Markdown shows it."""
    return re.sub(r"([|<>*_`\[\]])", r"\\\1", text)
