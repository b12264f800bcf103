"""The application of a worker: a Placement of its own, built as a deployment builds it."""

import fcntl
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from oslo_config import cfg
from placement import conf as placement_conf
from placement import db_api
from placement.deploy import loadapp as bare_loadapp

from benchmarks.storm.sides import OWN_GROUP, Side
from placement_guard.placement import loadapp as guarded_loadapp

App = Callable[..., Iterable[bytes]]


def _write(path: Path, side: Side, url: str, host: int) -> None:
    """A placement.conf: noauth2, this database, and what the side says."""
    sections: dict[str, dict[str, str]] = {
        "api": {"auth_strategy": "noauth2"},
        "placement_database": {"connection": url.replace("%", "%%")},
    }
    if side.guarded:
        # Lanes of its own: another run on this host, or another side, has other widths.
        lanes = path.with_name(f"{side.database}-lanes-{host}").resolve()
        sections[OWN_GROUP] = {"metrics_port": "0", "lane_directory": str(lanes)}
    for option, value in side.options.items():
        section, _, name = option.partition(".")
        sections.setdefault(section, {})[name] = value
    text = "".join(
        f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
        for section, options in sections.items()
    )
    path.write_text(text, "utf-8")


def _read(path: Path) -> cfg.ConfigOpts:
    """The configuration, as a deployment has it: nothing else of this machine is read."""
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    conf([], project="placement", default_config_files=[str(path)], default_config_dirs=[])
    return conf


def application(side: Side, url: str, directory: Path, *, first: bool, host: int = 0) -> App:
    """The WSGI application of one process of a side, on this one of its hosts.

    ``first`` makes the tables; the others come later.
    """
    # What a deployment writes to its log is for its operators; tracebacks are kept for us.
    handler = logging.FileHandler(directory / f"{side.database}.log", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(message)s"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.disable(logging.WARNING)
    path = directory / f"{side.database}-{os.getpid()}.conf"
    _write(path, side, url, host)
    conf = _read(path)
    conf.set_override("sync_on_startup", first, "placement_database")
    db_api.configure(conf)
    if side.guarded:
        return guarded_loadapp(conf)
    app = bare_loadapp(conf)
    return _one_at_a_time(app, directory / f"{side.database}.lock") if side.serial else app


def _one_at_a_time(app: App, path: Path) -> App:
    """Let one process at a time write."""
    lock = path.open("w")

    def locked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            return app(environ, start_response)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return list(app(environ, start_response))
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    return locked
