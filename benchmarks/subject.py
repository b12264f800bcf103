"""The subject of the measurements: one real Placement, bare and guarded, over one database."""

import json
import logging
from collections.abc import Callable, Iterable
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any, NamedTuple

from oslo_config import cfg
from oslo_policy import opts as policy_opts
from placement import conf as placement_conf
from placement import db_api
from placement.deploy import loadapp as bare_loadapp
from prometheus_client import CollectorRegistry

from placement_guard.opts import register
from placement_guard.placement import deploy
from placement_guard.placement import loadapp as guarded_loadapp

App = Callable[..., Iterable[bytes]]


class Subject(NamedTuple):
    """The same Placement three times, in one process, over one database in ``directory``.

    The guarded ones have metrics and status page, as they are by default; ``audited`` also has the
    audit, in a file.
    """

    bare: App
    guarded: App
    audited: App
    directory: TemporaryDirectory[str]


class Answered(NamedTuple):
    """One answer: HTTP status, body, and how long it took (seconds of the processor)."""

    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@cache
def subject() -> Subject:
    """Both, built once in a process: Placement's database is global.

    SQLite, without waiting for the disk: what a disk adds is the same for both, and would only
    hide what the guard costs. Nothing is logged. noauth2; the policy is Placement's default. The
    directory is removed when the process ends.
    """
    directory = TemporaryDirectory(prefix="placement-guard-bench-")
    logging.disable(logging.CRITICAL)
    conf = configuration(directory.name)
    db_api.configure(conf)
    guarded = guarded_loadapp(conf, registry=CollectorRegistry())
    with_audit = configuration(directory.name, audit=str(Path(directory.name, "audit.jsonl")))
    audited = deploy(with_audit, registry=CollectorRegistry())
    return Subject(bare_loadapp(conf), guarded, audited, directory)


def configuration(directory: str, **guard: Any) -> cfg.ConfigOpts:
    """That of a Placement over the database in ``directory``, with these options of the guard."""
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    policy_opts.set_defaults(conf)
    url = f"sqlite:///{Path(directory, 'placement.sqlite')}"
    conf.set_override("connection", url, "placement_database")
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override("sqlite_synchronous", False, "placement_database")
    conf.set_override("sync_on_startup", True, "placement_database")
    conf.set_override("auth_strategy", "noauth2", "api")
    register(conf)
    for name, value in guard.items():
        conf.set_override(name, value, "placement_guard")
    return conf


def call(
    app: App,
    method: str,
    path: str,
    body: bytes = b"",
    token: str = "admin",
    roles: str = "admin,service",
) -> Answered:
    """One request, as a server would make it. The environ is ready before the clock starts."""
    plain, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": plain,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_AUTH_TOKEN": token,
        "HTTP_X_ROLES": roles,
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _exc_info: Any = None) -> None:
        statuses.append(status)

    began = thread_time()
    pieces = app(environ, start_response)
    answer = b"".join(pieces)
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
    seconds = thread_time() - began
    return Answered(int(statuses[-1][:3]), answer, seconds)
