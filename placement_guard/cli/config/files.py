"""The files of a configuration directory: whether they can be read, and what else stands there."""

import difflib
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg

from placement_guard.cli.config.kinds import Concern, concern
from placement_guard.cli.configuration import FILE
from placement_guard.cli.errors import CommandError
from placement_guard.opts import GROUP, OPTIONS, list_opts

Sections = dict[Path, dict[str, dict[str, list[str]]]]
"""The values of each option of each section of each file, in the order in which they are read."""

_OURS: Final = frozenset(group.name for group, _ in list_opts())

_OF_PLACEMENT: Final = frozenset({"DEFAULT", "api", "placement", "placement_database"})
"""The sections in which an option of the guard is looked for."""

_WITH_PASSWORD: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_PASSWORDS: Final = frozenset({"password", "admin_password"})


def found_in(directory: Path) -> list[Path]:
    """placement.conf, and the files of placement.conf.d. CommandError where there is none."""
    file = directory / FILE
    if not file.is_file():
        raise CommandError(f"there is no {file}; choose another --config-dir")
    more = file.with_name(f"{FILE}.d")
    return [file, *sorted(more.glob("*.conf"))]


def parsed(paths: Iterable[Path]) -> tuple[Sections, list[Concern]]:
    """What is in those that can be read, and what is wrong with the others."""
    sections: Sections = {}
    found = []
    for path in paths:
        values: dict[str, dict[str, list[str]]] = {}
        try:
            cfg.ConfigParser(str(path), values).parse()
        except cfg.ParseError as error:
            what = f"line {error.lineno}: {error.msg}"  # the line itself may hold a password
            found.append(concern("config.unreadable", str(path), what))
        except (OSError, UnicodeError) as error:
            what = getattr(error, "strerror", None) or "it is not UTF-8"
            found.append(concern("config.unreadable", str(path), what))
        else:
            sections[path] = values
    return sections, found


def last(sections: Sections, section: str, option: str) -> str | None:
    """The value that holds: that of the last file, the last in it."""
    values = [v for file in sections.values() for v in file.get(section, {}).get(option, [])]
    return values[-1] if values else None


def concerns(sections: Sections) -> Iterator[Concern]:
    """Sections and options that are not where they are read; passwords that all may read."""
    names = {option.name for option in OPTIONS}
    for path, values in sections.items():
        for section, options in values.items():
            if _looks_like_ours(section):
                what = f"there is no section [{section}]; did you mean [{GROUP.name}]?"
                yield concern("config.unlikely_section", str(path), what)
            if section in _OF_PLACEMENT:
                for option in sorted(names & options.keys()):
                    what = f"{option} stands in [{section}]"
                    yield concern("config.misplaced_option", str(path), what)
        if path.stat().st_mode & stat.S_IROTH and _holds_password(values):
            yield concern("config.secret_exposed", str(path), "others may read it, and a password")


def _looks_like_ours(section: str) -> bool:
    if section in _OURS:
        return False
    plain = re.sub(r"[^a-z]", "", section.lower())
    ours = GROUP.name.replace("_", "")
    return plain in {ours, "guard"} or bool(difflib.get_close_matches(plain, [ours], cutoff=0.85))


def _holds_password(values: dict[str, dict[str, list[str]]]) -> bool:
    said: Iterable[tuple[str, Any]] = (
        (option, value)
        for options in values.values()
        for option, many in options.items()
        for value in many
    )
    return any(
        (option in _PASSWORDS and value) or _WITH_PASSWORD.search(value) for option, value in said
    )
