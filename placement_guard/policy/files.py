"""Reading policy files: all of them, whole, or a list of what is wrong, with file, line and column.

A file is YAML, or JSON: a mapping of rule names to check strings, as oslo.policy has it. Of a rule
that stands in several files the last one holds: first the file, then those of the directories by
their names.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final, NamedTuple

import yaml
from msgspec import Struct

MAX_BYTES: Final = 1024 * 1024
"""The largest policy file (bytes)."""

MAX_FILES: Final = 128
"""How many files make one policy."""

MAX_RULES: Final = 4096
"""How many rules one policy has."""

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
"""The files of a directory that count."""


class Place(NamedTuple):
    """Where something stands; line and column begin at 1, and are 0 where the file is meant."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


class PolicyProblem(NamedTuple):
    """What is wrong with a policy, and where."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Written(Struct, frozen=True):
    """A rule as it is written: its check string, and where the rule begins and the string does."""

    name: str
    text: str
    place: Place
    text_place: Place


class PolicyError(Exception):
    """A policy that cannot be used; ``problems`` has all that is wrong with it."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def listed(file: str, directories: Sequence[str]) -> list[str]:
    """The paths of the files that make a policy, in order. PolicyError where one cannot be looked
    for: a policy that is not there lets nobody do more."""
    paths = [file] if file else []
    for directory in directories:
        try:
            inside = sorted(p for p in Path(directory).iterdir() if p.suffix in SUFFIXES)
        except OSError as error:
            raise PolicyError([_unreadable(directory, error)]) from None
        found = [str(path) for path in inside if not path.name.startswith(".")]
        if not found:  # nothing was mounted there, or somebody has moved it away
            text = "has no policy file in it (.yaml, .yml, .json)"
            raise PolicyError([PolicyProblem(Place(directory), text)])
        paths += found
    if len(paths) > MAX_FILES:
        place = Place(paths[MAX_FILES])
        raise PolicyError([PolicyProblem(place, f"is one of more than {MAX_FILES} policy files")])
    return paths


def read(paths: Sequence[str]) -> dict[str, Written]:
    """The rules in these files, by name. PolicyError with all that is wrong."""
    rules: dict[str, Written] = {}
    problems: list[PolicyProblem] = []
    for path in paths:
        try:
            rules.update(_rules(path))
        except PolicyError as error:
            problems += error.problems
    if len(rules) > MAX_RULES:
        problems.append(PolicyProblem(Place(paths[-1]), f"makes more than {MAX_RULES} rules"))
    if problems:
        raise PolicyError(problems)
    return rules


def _rules(path: str) -> Mapping[str, Written]:
    node = _composed(path, _text(path))
    if node is None:
        text = "is empty; write {} for a policy without rules"
        raise PolicyError([PolicyProblem(Place(path), text)])
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError([_at(path, node, "is no mapping of rules to check strings")])
    rules: dict[str, Written] = {}
    problems: list[PolicyProblem] = []
    for key, value in node.value:
        problem = _pair_problem(path, rules, key, value)
        if problem is not None:
            problems.append(problem)
            continue
        rules[key.value] = Written(key.value, value.value, _place(path, key), _inside(path, value))
    if problems:
        raise PolicyError(problems)
    return rules


def _pair_problem(
    path: str, rules: Mapping[str, Written], key: yaml.Node, value: yaml.Node
) -> PolicyProblem | None:
    if not (isinstance(key, yaml.ScalarNode) and key.tag == _STRING and key.value):
        return _at(path, key, "is no name of a rule")
    if key.value in rules:
        before = rules[key.value].place
        return _at(path, key, f"{key.value} stands there twice, first in line {before.line}")
    if not (isinstance(value, yaml.ScalarNode) and value.tag == _STRING):
        return _at(path, value, f"what {key.value} is must be a string; put quotes around it")
    return None


_STRING: Final = "tag:yaml.org,2002:str"


def _text(path: str) -> str:
    try:
        if not S_ISREG(Path(path).stat().st_mode):  # to open a pipe may take for ever
            raise PolicyError([PolicyProblem(Place(path), "is no file")])
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError([_unreadable(path, error)]) from None
    if len(data) > MAX_BYTES:
        raise PolicyError([PolicyProblem(Place(path), f"is larger than {MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise PolicyError([PolicyProblem(Place(path, line, column), "is not UTF-8")]) from None


def _composed(path: str, text: str) -> Any:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        raise PolicyError([PolicyProblem(place, f"is no YAML: {error.problem}")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        what = getattr(error, "reason", None) or "it cannot be parsed"
        raise PolicyError([PolicyProblem(Place(path), f"is no YAML: {what}")]) from None


def _unreadable(path: str, error: OSError) -> PolicyProblem:
    return PolicyProblem(Place(path), f"cannot be read ({error.strerror})")


def _place(path: str, node: yaml.Node) -> Place:
    mark = node.start_mark
    return Place(path, mark.line + 1, mark.column + 1)


def _inside(path: str, node: yaml.ScalarNode) -> Place:
    """Where the text of a string begins: behind its quote."""
    place = _place(path, node)
    return place._replace(column=place.column + (1 if node.style in {'"', "'"} else 0))


def _at(path: str, node: yaml.Node, text: str) -> PolicyProblem:
    return PolicyProblem(_place(path, node), text)


def signature(file: str, directories: Sequence[str]) -> tuple[Any, ...]:
    """What tells one state of the files from another, without reading them."""
    return tuple(_stats(file, directories))


def _stats(file: str, directories: Sequence[str]) -> Iterator[Any]:
    try:
        for path in listed(file, directories):
            try:
                found = Path(path).stat()
            except OSError as error:
                yield path, error.errno
            else:
                yield path, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
    except PolicyError as error:
        yield str(error)
