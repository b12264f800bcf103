"""``placement-guard completion``: what a shell needs to complete the command."""

import argparse
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from placement_guard.api.guess import candidates
from placement_guard.cli.errors import CommandError
from placement_guard.cli.output import DONE, carried_out, written
from placement_guard.rules import BY_ID

SHELLS: Final = ("bash", "zsh", "fish")

_NEEDED: Final = "shtab"

_WORDS: Final[dict[str, Callable[[], Iterable[str]]]] = {
    "RULE": lambda: BY_ID,
    "OPERATION": lambda: sorted({c.operation.name for c in candidates()}),
}
"""What may stand for an argument, by its metavar, where it is not one of its choices."""

_COLONS: Final = """

# Bash takes a colon for the end of a word, and names of operations have some.
_placement_guard_words() {
  local words=() word prefix
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ ${#words[@]} -gt 1 && ( $word == : || ${words[-1]} == *: ) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  local COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
  _shtab_placement_guard "$1" "${words[-1]}" "${words[-2]}"
  prefix=${words[-1]%"${words[-1]##*:}"}
  COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}

complete -o bashdefault -F _placement_guard_words placement-guard
"""
"""What shtab's script for bash needs besides."""

_HELP: Final = """\
Write a script with which a shell completes placement-guard: commands, options, their values, the
names of rules and of operations, files. It is made from this very version, and asks nobody when it
is used: make it again after an upgrade.
"""

_ENDING: Final = """\
exit code:
  0  done
  2  the extra is not installed

examples:
  placement-guard completion bash > placement-guard.bash
  placement-guard completion zsh > _placement-guard
  placement-guard completion fish > placement-guard.fish

where they belong:
  bash  ~/.local/share/bash-completion/completions/placement-guard
  zsh   a directory of $fpath, as _placement-guard
  fish  ~/.config/fish/completions/placement-guard.fish
"""


def add_parser(commands: Any, whole: argparse.ArgumentParser) -> None:
    """Add the subcommand to the parser; ``whole`` is the command that is to be completed."""
    parser = commands.add_parser(
        "completion",
        help="write a script for a shell to complete this command",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=carried_out("completion", run), whole=whole)


def run(arguments: argparse.Namespace) -> int:
    """Write the script; returns the exit code. CommandError."""
    if importlib.util.find_spec(_NEEDED) is None:
        text = f"{_NEEDED} is not installed; it comes with placement-guard[completion]"
        raise CommandError(text)
    import shtab  # noqa: PLC0415  # an extra

    places = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
    for action in _actions(arguments.whole):
        if action.metavar in places:
            action.complete = places[action.metavar]  # type: ignore[attr-defined]
        elif action.metavar in _WORDS:
            action.choices = list(_WORDS[str(action.metavar)]())
    script = shtab.complete(arguments.whole, shell=arguments.shell)
    with written() as stream:
        stream.write(script)
        if arguments.shell == "bash":
            stream.write(_COLONS)
    return DONE


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All that the command and its subcommands take."""
    for action in parser._actions:  # noqa: SLF001  # argparse tells it in no other way
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for inner in action.choices.values():
                yield from _actions(inner)
