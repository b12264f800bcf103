"""The settings that a command goes by: those of a configuration directory, or the defaults."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from msgspec import structs
from oslo_config import cfg, types

from placement_guard import opts
from placement_guard.cli.errors import CommandError
from placement_guard.settings import Settings

FILE: Final = "placement.conf"

_rules = types.Dict(types.String())


def add_config_dir(parser: ArgumentParser) -> None:
    """The option that names a directory to go by."""
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="directory of a placement.conf to go by [the defaults]",
    )


def read(directory: Path) -> cfg.ConfigOpts:
    """What is in placement.conf of ``directory``, and in its placement.conf.d. CommandError."""
    file = directory / FILE
    if not os.access(file, os.R_OK):
        raise CommandError(f"{file} cannot be read; choose another --config-dir")
    more = file.with_name(f"{FILE}.d")
    conf = cfg.ConfigOpts()
    opts.register(conf)
    try:
        conf(
            [],
            project="placement",
            default_config_files=[str(file)],
            default_config_dirs=[str(more)] if more.is_dir() else [],
        )
    except (cfg.Error, OSError, UnicodeError) as error:
        raise CommandError(f"{file}: {' '.join(str(error).split())}") from None
    return conf


def settings_of(arguments: Namespace) -> Settings:
    """The settings that ``--config-dir`` and ``--rules``, where there is one, come to.

    CommandError, or ConfigurationError with everything that is wrong with them.
    """
    directory, changes = arguments.config_dir, getattr(arguments, "rules", None)
    settings = Settings() if directory is None else opts.settings_from(read(directory))
    return with_rules(settings, changes).check() if changes else settings


def with_rules(settings: Settings, changes: str) -> Settings:
    """The settings with these modes of rules (``id:mode,...``). CommandError."""
    return structs.replace(settings, rules={**settings.rules, **_parsed(changes)})


def _parsed(text: str) -> dict[str, str]:
    try:
        rules: dict[str, str] = _rules(text)
    except ValueError:
        hint = "write for example json.duplicate_key:warn,inventory.zero_ratio:off"
        raise CommandError(f"--rules {text!r}: {hint}") from None
    return rules
