"""The process behind one side: a bare or a guarded Placement, called as WSGI, over a pipe.

Its arguments are a file descriptor, the side and the URL of its database. It answers each request
with what the client saw, what was raised inside, and what the request changed in the database; then
it puts the database back.
"""

import contextlib
import logging
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from oslo_config import cfg

from tests.differential import cloud, database
from tests.differential.answers import Answer
from tests.differential.requests import Request, environ


class _Raised(logging.Handler):
    """Keeps the last exception that was logged, in a line."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.exc_info or record.exc_info[1] is None:
            return
        error, frames = record.exc_info[1], traceback.extract_tb(record.exc_info[2])
        ours = [f for f in frames if "placement" in f.filename] or list(frames)
        place = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "?"
        try:
            text = " ".join(str(error).split())[:160]
        except Exception:  # some errors cannot even say what they are
            text = "(no text)"
        self.last = f"{type(error).__name__} in {place}: {text}"


def configuration(url: str) -> cfg.ConfigOpts:
    """Placement's configuration: noauth2, this database, nothing from the machine."""
    from placement import conf as placement_conf

    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    conf.set_override("connection", url, "placement_database")
    conf([], project="placement", default_config_files=[], default_config_dirs=[])
    conf.set_override("auth_strategy", "noauth2", "api")
    conf.set_override("sync_on_startup", True, "placement_database")
    if url.startswith("sqlite"):
        conf.set_override("sqlite_synchronous", False, "placement_database")
    return conf


def application(side: str, conf: cfg.ConfigOpts, options: Sequence[str] = ()) -> Any:
    """The WSGI application of this side, over its own database; ``options`` of the guard are
    ``name=value``."""
    from placement import db_api, deploy

    db_api.configure(conf)
    if side == "bare":
        return deploy.loadapp(conf)
    from placement_guard import opts
    from placement_guard.placement import loadapp

    opts.register(conf)
    conf.set_override("metrics_port", 0, opts.GROUP.name)
    for option in options:
        name, _, value = option.partition("=")
        conf.set_override(name, value, opts.GROUP.name)
    return loadapp(conf)


def call(app: Any, request: Request) -> tuple[int, dict[str, str], bytes]:
    """One WSGI call. What escapes the application is a 500, as every server makes it."""
    answered: list[Any] = [500, {}]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        answered[:] = int(status.split(None, 1)[0]), {k.lower(): v for k, v in headers}
        return lambda _: None

    chunks: Any = ()
    try:
        chunks = app(environ(request), start_response)
        body = b"".join(chunks)
    except Exception as error:
        logging.getLogger(__name__).exception("escaped the application")
        return 500, {}, f"escaped: {error!r}".encode("utf-8", "replace")
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return answered[0], answered[1], body


def serve(connection: Connection, side: str, url: str, options: Sequence[str]) -> None:
    """Make the cloud, say what is in it, then answer requests until None comes."""
    raised = _Raised()
    logging.root.handlers[:] = [raised]
    logging.root.setLevel(logging.WARNING)
    app = application(side, configuration(url), options)
    from placement import db_api

    for step in cloud.steps():
        status, headers, body = call(app, step)
        if status >= 300:
            raise SystemExit(f"{side}: the cloud could not be made: {step} {headers} {body!r}")
    state = database.State(db_api.get_placement_engine())
    connection.send(state.lines)
    while (request := connection.recv()) is not None:
        raised.last = ""
        status, headers, body = call(app, request)
        added, removed = state.settle()
        told = raised.last if status >= 500 else ""
        connection.send(Answer(status, headers, body, tuple(added), tuple(removed), told))


def main() -> None:
    descriptor, side, url, *options = sys.argv[1:]
    # The other end may be gone at any time.
    gone = contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt)
    with Connection(int(descriptor)) as connection, gone:
        serve(connection, side, url, options)
