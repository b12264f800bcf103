"""How ``placement-guard serve`` serves: Placement's configuration, its database, a server."""

import argparse
import contextlib
import os
import signal
import socket
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from oslo_config import cfg
from placement import conf as placement_conf
from placement import db_api
from placement.wsgi import setup_logging
from prometheus_client import REGISTRY
from sqlalchemy.engine import make_url
from waitress.server import create_server

from placement_guard import opts
from placement_guard.cli.errors import CannotServeError
from placement_guard.observers.health import STARTING, App
from placement_guard.observers.listener import listen
from placement_guard.placement import guard_of, health_of, loadapp, page_of
from placement_guard.settings import ConfigurationError, Settings
from placement_guard.version import __version__

DATABASE: Final = "placement.db"
LOG_FILE: Final = "serve.log"

BUSY_SECONDS: Final = 30
"""How long a SQLite connection waits for another process's write (seconds)."""

THREADS: Final = 4
"""Worker threads for a database that takes several writers."""


def serve(arguments: argparse.Namespace) -> None:
    """Serve until interrupted. Raises CannotServeError, or ConfigurationError, before it serves.

    Directory, ports and configuration are tried before anything is written to a database.
    """
    _need_directory(arguments.state_dir)
    with contextlib.ExitStack() as stack:
        conf = _configure(arguments)
        settings = opts.settings_from(conf)
        api = stack.enter_context(_bound(arguments.host, arguments.port))
        known: list[App] = [STARTING]

        def health(environ: Any, start_response: Any) -> Iterable[bytes] | None:
            answers = (app(environ, start_response) for app in known)
            return next((answer for answer in answers if answer is not None), None)

        _listen_for_metrics(settings, stack, health)
        app = _load(conf)
        known[:] = [health_of(app)]
        page = page_of(guard_of(app))
        if page is not None:
            known.append(page)
            page.shelf.begin()
            stack.callback(page.shelf.end)
        # SQLite takes one writer at a time, and answers a second "database is locked". With one
        # worker thread requests wait for their turn instead, of however many connections.
        on_sqlite = conf.placement_database.connection.startswith("sqlite")
        threads = arguments.threads or (1 if on_sqlite else THREADS)
        server = create_server(app, sockets=[api], threads=threads, ident="placement-guard")
        # Both, and both anew: who is started in the background may have been told to ignore Ctrl-C.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        print(_banner(arguments, conf, settings), flush=True)
        server.run()  # until SystemExit
        server.close()
    print("Stopped.", flush=True)


def _stop(_signal: int, _frame: Any) -> NoReturn:
    raise SystemExit(0)


def _need_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotServeError(f"{path} cannot be made ({error.strerror})") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise CannotServeError(f"{path} is not writable; choose another --state-dir")


def _configure(arguments: argparse.Namespace) -> cfg.ConfigOpts:
    """Placement's configuration: that of --config-dir, or one to try out; options override it."""
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    opts.register(conf)
    files = []
    database = arguments.database
    if arguments.config_dir is not None:
        files = [str(arguments.config_dir / "placement.conf")]
        if not os.access(files[0], os.R_OK):
            raise CannotServeError(f"{files[0]} cannot be read; choose another --config-dir")
    else:
        conf.set_override("auth_strategy", "noauth2", "api")
        path = (arguments.state_dir / DATABASE).resolve()
        database = database or f"sqlite:///{path}?timeout={BUSY_SECONDS}"
    if database:
        conf.set_override("connection", database, "placement_database")
    conf.set_override("sync_on_startup", True, "placement_database")
    for name in ("metrics_host", "metrics_port"):
        if getattr(arguments, name) is not None:
            conf.set_override(name, getattr(arguments, name), opts.GROUP.name)
    if arguments.observe:
        conf.set_override("observe", True, opts.GROUP.name)
    try:
        conf([], project="placement", default_config_files=files, default_config_dirs=[])
    except cfg.Error as error:
        raise CannotServeError(_first_line(error)) from None
    conf.set_override("log_file", str((arguments.state_dir / LOG_FILE).resolve()))
    conf.set_override("use_stderr", arguments.verbose)
    setup_logging(conf)
    return conf


@contextlib.contextmanager
def _bound(host: str, port: int) -> Any:
    """A listening socket."""
    if not 0 < port < 65536:
        raise CannotServeError(f"{port} is not a port (1 to 65535); choose another --port")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        api = socket.socket(*found[:3])
        api.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        api.bind(found[4])
        api.listen()
    except OSError as error:
        raise _cannot_listen(host, port, error, "--port") from None
    with api:
        yield api


def _listen_for_metrics(settings: Settings, stack: contextlib.ExitStack, health: App) -> None:
    try:
        metrics = listen(settings, REGISTRY, health)
    except OSError as error:
        host, port = settings.metrics_host, settings.metrics_port
        raise _cannot_listen(host, port, error, "--metrics-port") from None
    if metrics is not None:
        stack.callback(metrics.close)


def _cannot_listen(host: str, port: int, error: OSError, option: str) -> CannotServeError:
    return CannotServeError(
        f"cannot listen on {host}:{port} ({error.strerror}); choose another {option}"
    )


def _load(conf: cfg.ConfigOpts) -> Any:
    url = conf.placement_database.connection
    try:
        _prepare_sqlite(url)
        db_api.configure(conf)
        return loadapp(conf)
    except ConfigurationError:
        raise
    except Exception as error:
        raise CannotServeError(f"the database cannot be used: {_first_line(error)}") from None


def _prepare_sqlite(url: str) -> None:
    """Let readers and a writer of the database file not lock each other out, once and for all."""
    path = url.removeprefix("sqlite:///").partition("?")[0]
    if path and url.startswith("sqlite:///"):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _banner(arguments: argparse.Namespace, conf: cfg.ConfigOpts, settings: Settings) -> str:
    api = f"http://{arguments.host}:{arguments.port}"
    database = make_url(conf.placement_database.connection).render_as_string(hide_password=True)
    metrics = f"http://{settings.metrics_host}:{settings.metrics_port}/metrics"
    open_to_all = conf.api.auth_strategy == "noauth2"
    mode = "observe: nothing is refused" if settings.observe else "enforce"
    placement = version("openstack-placement")
    lines = [
        f"OpenStack Placement {placement} behind placement-guard {__version__}",
        f"  mode      {mode}",
        f"  API       {api}{' (token: admin)' if open_to_all else ''}",
        f"  metrics   {metrics if settings.metrics_port else 'none'}",
        *([f"  status    {metrics.removesuffix('metrics')}"] if settings.has_status_page else []),
        f"  database  {database}",
        f"  log       {(arguments.state_dir / LOG_FILE).resolve()}",
    ]
    if open_to_all:
        lines += ["Try:", f"  curl -H 'X-Auth-Token: admin' {api}/resource_providers"]
    return "\n".join([*lines, "Ctrl-C stops it."])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
