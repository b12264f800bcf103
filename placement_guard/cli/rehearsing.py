"""What ``explain`` and ``policy`` share: the policy to go by, a request, what is stored."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml
from msgspec import structs
from oslo_config import cfg

from placement_guard import opts
from placement_guard.api import guess, strict_json
from placement_guard.api.operations import LAST_VERSION, OPERATIONS, Operation, Version
from placement_guard.api.routes import Router
from placement_guard.cli.configuration import read
from placement_guard.cli.errors import CommandError
from placement_guard.settings import Settings

MAX_BYTES: Final = 8 * 1024 * 1024
"""The largest file of cases, or of what is stored (bytes)."""

MAX_VALUES: Final = 1_000_000
"""How many values the body of a case has."""

_ASSUMED: Final = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "consumer_uuid": "00000000-0000-4000-8000-000000000002",
    "resource_class": "CUSTOM_ASSUMED",
    "name": "CUSTOM_ASSUMED",
}
"""What stands in a path where only an operation was named."""

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Wanted(NamedTuple):
    """What is to be sent where: ``assumed`` says that the path is none that was told.

    The path is decoded, as WSGI has it; the query is as it is sent.
    """

    method: str
    path: str
    query: str = ""
    assumed: bool = False


def add_policy(parser: ArgumentParser) -> None:
    """The options that say which policy to go by."""
    add = parser.add_argument
    add(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="directory of a placement.conf to go by [the defaults]",
    )
    add(
        "--policy",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file, or a directory of files, in place of the target policy of the configuration; "
        "may be repeated",
    )


def configured(
    arguments: Namespace, policies: list[Path]
) -> tuple[Settings, cfg.ConfigOpts | None]:
    """The settings and their source, with ``policies`` for target policy where there are any.

    CommandError, ConfigurationError.
    """
    conf = read(arguments.config_dir) if arguments.config_dir is not None else None
    settings = opts.settings_from(conf) if conf is not None else Settings()
    return (with_policies(settings, policies) if policies else settings), conf


def with_policies(settings: Settings, policies: list[Path]) -> Settings:
    """The settings with these files and directories for target policy. CommandError."""
    files = [path for path in policies if not path.is_dir()]
    directories = [str(path.absolute()) for path in policies if path.is_dir()]
    if len(files) > 1:
        raise CommandError("several --policy must be directories; only one of them may be a file")
    file = str(files[0].absolute()) if files else ""
    return structs.replace(
        settings, target_policy_file=file, target_policy_dirs=tuple(directories)
    ).check()


def wanted(text: str, data: Any, version: Version | None) -> Wanted:
    """What ``text`` names: ``METHOD /path``, or an operation, told by ``data`` among several.

    CommandError.
    """
    method, _, rest = text.partition(" ")
    if rest.startswith("/"):
        path, _, query = rest.partition("?")
        return Wanted(method.upper(), path, query)
    rows = [o for o in OPERATIONS if o.name == text and o.method]
    if not rows:
        raise CommandError(f"{text!r} is no operation; name one, or write METHOD /path")
    fit = list(_fitting(rows, data, version)) or rows
    if len(fit) > 1:
        named = ", ".join(f"{o.method} {o.path}" for o in fit)
        raise CommandError(f"{text} is several: {named}; write one of them, with its path")
    (row,) = fit
    return Wanted(row.method, row.path.format(**_ASSUMED), assumed="{" in row.path)


def _fitting(rows: list[Operation], data: Any, version: Version | None) -> Iterator[Operation]:
    among = [c for c in guess.candidates(version or LAST_VERSION) if c.operation in rows]
    for candidate in guess.fitting(data, among):
        yield candidate.operation


def operation_of(wanted: Wanted) -> Operation:
    """The operation that a method and a path mean."""
    return Router().match(wanted.path, wanted.method)[1]


def read_yaml(path: Path, kind: type[Any]) -> Any:
    """What a YAML or JSON file holds, as ``kind``. CommandError says what is wrong, and where."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise CommandError(f"{path} is larger than {MAX_BYTES} bytes")
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one
        return msgspec.convert(data, kind)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandError(f"{path} cannot be read ({why})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise CommandError(f"{path}{where} is no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CommandError(f"{path}: {' '.join(str(error).split())}") from None


def body_of(data: Any) -> bytes:
    """The bytes of a body: of data as JSON, of text as it is. CommandError."""
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass")
    values, left = 0, [data]
    while left:  # what an alias in YAML stands for may be without end
        value = left.pop()
        values += 1
        if values > MAX_VALUES:
            raise CommandError(f"a body has more than {MAX_VALUES} values")
        if isinstance(value, dict | list):
            left.extend(value.values() if isinstance(value, dict) else value)
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CommandError(f"a body is no JSON: {error}") from None


def data_of(body: bytes | None) -> Any:
    """The decoded body, as far as it can be decoded."""
    try:
        return strict_json.load(body or b"").data
    except (strict_json.MalformedError, strict_json.TooDeepError, RecursionError):
        return None
