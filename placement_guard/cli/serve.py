"""``placement-guard serve``: a real Placement behind the guard, on one machine, to try it out."""

import argparse
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from oslo_config import cfg

from placement_guard.settings import ConfigurationError
from placement_guard.version import __version__

DATABASE: Final = "placement.db"
LOG_FILE: Final = "serve.log"
BUSY_SECONDS: Final = 30
"""How long a SQLite connection waits for another process's write (seconds)."""

THREADS: Final = 4
"""Worker threads for a database that takes several writers."""

_HELP: Final = """\
Serve a real Placement behind the guard. Without --config-dir it is one to try out: on SQLite, with
the token "admin" for everybody. The exit code is 2 where it cannot be started as asked.
"""


class CannotServeError(Exception):
    """Why it cannot be started: lines for the user."""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "serve",
        help="serve a real Placement behind the guard",
        description=_HELP,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address of the API")
    add("--port", type=int, default=8778, help="port of the API")
    add("--metrics-host", default="127.0.0.1", help="address of the metrics")
    add("--metrics-port", type=int, default=9778, help="port of the metrics; 0 for none")
    add("--state-dir", type=Path, default=Path("var"), help="where database and log are kept")
    add("--database", metavar="URL", help="database, as an SQLAlchemy URL [SQLite in --state-dir]")
    add("--config-dir", type=Path, help="directory of a placement.conf to go by")
    add("--observe", action="store_true", help="refuse nothing; count and log what would be refused")
    add("--threads", type=int, help=f"worker threads [{THREADS}; 1 on SQLite]")
    add("--verbose", action="store_true", help="log to the terminal too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted. Returns 0, or 2 where it could not be started."""
    try:
        # What can go wrong goes wrong before anything is written to a database.
        _need_extra()
        _need_directory(arguments.state_dir)
        with contextlib.closing(_bind(arguments.host, arguments.port, "--port")) as api:
            _serve(arguments, api)
    except (CannotServeError, ConfigurationError) as error:
        for line in str(error).splitlines():
            print(f"placement-guard serve: {line}", file=sys.stderr)
        return 2
    return 0


def _serve(arguments: argparse.Namespace, api: socket.socket) -> None:
    from placement import db_api
    from waitress.server import create_server

    from placement_guard.observers.listener import listen
    from placement_guard.opts import settings_from
    from placement_guard.placement import loadapp

    conf = _configure(arguments)
    settings = settings_from(conf)
    url = conf.placement_database.connection
    on_sqlite = url.startswith("sqlite")
    try:
        metrics = listen(settings)
    except OSError as error:
        raise CannotServeError(
            f"cannot listen on {settings.metrics_host}:{settings.metrics_port} "
            f"({error.strerror}); choose another --metrics-port"
        ) from None
    try:
        _prepare_sqlite(url)
        db_api.configure(conf)
        app = loadapp(conf)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001  # of any driver; the first line says it
        raise CannotServeError(f"the database cannot be used: {_first_line(error)}") from None
    # SQLite takes one writer at a time, and answers a second one "database is locked". With one
    # worker thread requests wait for their turn instead; connections are many all the same.
    threads = arguments.threads or (1 if on_sqlite else THREADS)
    server = create_server(app, sockets=[api], threads=threads, ident="placement-guard")
    signal.signal(signal.SIGTERM, _stop)
    print(_banner(arguments, conf, settings), flush=True)
    server.run()  # until SystemExit or KeyboardInterrupt
    if metrics is not None:
        metrics.shutdown()
        metrics.server_close()
    print("Stopped.", flush=True)


def _stop(_signal: int, _frame: Any) -> NoReturn:
    raise SystemExit(0)


def _need_extra() -> None:
    try:
        import placement  # noqa: F401
        import waitress  # noqa: F401
    except ImportError as error:
        raise CannotServeError(
            f"{error.name} is not installed; install placement-guard[serve]"
        ) from None


def _need_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotServeError(f"{path} cannot be made ({error.strerror})") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise CannotServeError(f"{path} is not writable; choose another --state-dir")


def _bind(host: str, port: int, option: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotServeError(
            f"cannot listen on {host}:{port} ({reason}); choose another {option}"
        ) from None
    return bound


def _configure(arguments: argparse.Namespace) -> cfg.ConfigOpts:
    """Placement's configuration: that of --config-dir, or one to try out; options override it."""
    from placement import conf as placement_conf
    from placement.wsgi import setup_logging

    from placement_guard import opts

    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    opts.register(conf)
    files = []
    if arguments.config_dir is not None:
        files = [str(arguments.config_dir / "placement.conf")]
        if not os.access(files[0], os.R_OK):
            raise CannotServeError(f"{files[0]} cannot be read; choose another --config-dir")
    else:
        conf.set_override("auth_strategy", "noauth2", "api")
    default = f"sqlite:///{(arguments.state_dir / DATABASE).resolve()}?timeout={BUSY_SECONDS}"
    if arguments.database or arguments.config_dir is None:
        conf.set_override("connection", arguments.database or default, "placement_database")
    conf.set_override("sync_on_startup", True, "placement_database")
    group = opts.GROUP.name
    conf.set_override("metrics_host", arguments.metrics_host, group)
    conf.set_override("metrics_port", arguments.metrics_port, group)
    if arguments.observe:
        conf.set_override("observe", True, group)
    try:
        conf([], project="placement", default_config_files=files, default_config_dirs=[])
    except cfg.Error as error:
        raise CannotServeError(_first_line(error)) from None
    conf.set_override("log_file", str((arguments.state_dir / LOG_FILE).resolve()))
    conf.set_override("use_stderr", arguments.verbose)
    setup_logging(conf)
    return conf


def _prepare_sqlite(url: str) -> None:
    """Let readers and a writer of the database file not lock each other out, once and for all."""
    path = url.removeprefix("sqlite:///").partition("?")[0]
    if not url.startswith("sqlite:///") or not path:
        return
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _banner(arguments: argparse.Namespace, conf: cfg.ConfigOpts, settings: Any) -> str:
    from sqlalchemy.engine import make_url

    api = f"http://{arguments.host}:{arguments.port}"
    database = make_url(conf.placement_database.connection).render_as_string(hide_password=True)
    token = " (token: admin)" if conf.api.auth_strategy == "noauth2" else ""
    metrics = f"http://{settings.metrics_host}:{settings.metrics_port}/metrics"
    mode = "observe: nothing is refused" if settings.observe else "enforce"
    return "\n".join(
        [
            f"OpenStack Placement {version('openstack-placement')} behind "
            f"placement-guard {__version__} (mode {mode})",
            f"  API       {api}{token}",
            f"  metrics   {metrics if settings.metrics_port else 'none'}",
            f"  database  {database}",
            f"  log       {(arguments.state_dir / LOG_FILE).resolve()}",
            "Try:",
            f"  curl -H 'X-Auth-Token: admin' {api}/resource_providers",
            "Ctrl-C stops it.",
        ]
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
