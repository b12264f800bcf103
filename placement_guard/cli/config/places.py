"""The places that a guard needs on this machine: lanes, Redis, a port, files, directories."""

import errno
import os
import socket
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from placement_guard.cli.config.kinds import Concern, concern
from placement_guard.lanes.place import FILE, RUN, Place, Unusable
from placement_guard.observers.slots import MULTIPROC_DIR
from placement_guard.opts import GROUP
from placement_guard.settings import AUDIT_LOG, Settings


def _option(name: str) -> str:
    return f"[{GROUP.name}] {name}"


_LANES: Final = _option("lane_directory")
_METRICS: Final = _option("metrics_port")
_FILES: Final = {"audit": "audit.file_unusable", "capture_file": "capture.file_unusable"}
"""The options that name a file to write, each with its kind of problem."""


def concerns(settings: Settings, wrong: Collection[str], *, connect: bool) -> Iterator[Concern]:
    """What cannot be used. The options in ``wrong`` have no value that could be looked for."""
    if settings.lanes and "lane_directory" not in wrong:
        yield from _lanes(settings.lane_directory)
    if connect and settings.coordination_url and "coordination_url" not in wrong:
        yield from _coordination(settings.coordination_url)
    if settings.metrics_port and not {"metrics_port", "metrics_host"} & set(wrong):
        yield from _metrics(settings.metrics_host, settings.metrics_port)
    for option, kind in _FILES.items():
        path = getattr(settings, option)
        if path and path != AUDIT_LOG and option not in wrong:
            yield from (concern(kind, _option(option), what) for what in _file(Path(path)))
    if MULTIPROC_DIR in os.environ:
        yield from _multiproc(os.environ[MULTIPROC_DIR])


def _lanes(directory: str) -> Iterator[Concern]:
    if directory:
        yield from _lane_directory(Path(directory))
        return
    # Without the option, the first of two that can be used: one of them is enough.
    candidates = (Path(RUN), Path(tempfile.gettempdir(), f"placement-guard-{os.geteuid()}"))
    found = [list(_lane_directory(candidate)) for candidate in candidates]
    if all(any(one.id == "lanes.directory_unusable" for one in some) for some in found):
        yield from (one for some in found for one in some)


def _lane_directory(directory: Path) -> Iterator[Concern]:
    """What is wrong with it. Nothing is made, as it would belong to whoever runs this."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        yield from _parent(directory)
        return
    except OSError as error:
        yield concern("lanes.directory_unusable", _LANES, f"{directory}: {error.strerror}")
        return
    why = ""
    if not stat.S_ISDIR(status.st_mode):
        why = "it is a link or something else, not a directory"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = "others may write to it; it needs mode 0700"
    elif status.st_uid != os.geteuid():
        what = f"{directory} belongs to user {status.st_uid}"
        yield concern("lanes.directory_of_another", _LANES, what)
    elif (directory / FILE).exists():
        try:
            os.close(Place(str(directory)).open())
        except Unusable as reason:
            why = str(reason).removeprefix(f"{directory}: ")
    elif not os.access(directory, os.W_OK | os.X_OK):
        why = "it is not writable"
    if why:
        yield concern("lanes.directory_unusable", _LANES, f"{directory}: {why}")


def _parent(directory: Path) -> Iterator[Concern]:
    """The directory is made when it is needed; its parent is not."""
    if not os.access(directory.parent, os.W_OK | os.X_OK):
        what = f"{directory}: it is not there, and cannot be made in {directory.parent}"
        yield concern("lanes.directory_unusable", _LANES, what)


def _coordination(url: str) -> Iterator[Concern]:
    from placement_guard.lanes.scripts import EXTEND  # noqa: PLC0415
    from placement_guard.lanes.server import Server  # noqa: PLC0415  # an extra, and slow

    server = Server(url)
    try:
        server.run(EXTEND, (), ("",))
    except Exception as error:
        what = f"{server.where}: {' '.join(server.why(error).split())}"
        yield concern("coordination.unreachable", _option("coordination_url"), what)
    finally:
        server.close()


def _metrics(host: str, port: int) -> Iterator[Concern]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(*found[:3]) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(found[4])
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        kind = "metrics.port_taken" if taken else "metrics.address_unusable"
        yield concern(kind, _METRICS, f"{host}:{port}: {error.strerror}")


def _file(path: Path) -> Iterator[str]:
    """A file that is written by name, and rotated: its directory has to be writable as well."""
    why = ""
    if not path.parent.is_dir():
        why = f"{path.parent} is no directory"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        why = f"{path.parent} is not writable"
    elif os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        why = "it is no regular file"
    elif path.exists() and not os.access(path, os.W_OK):
        why = "it is not writable"
    if why:
        yield f"{path}: {why}"


def _multiproc(directory: str) -> Iterator[Concern]:
    path = Path(directory)
    why = ""
    if not path.exists() and os.access(path.parent, os.W_OK | os.X_OK):
        return  # it is made
    if not path.is_dir():
        why = "it is no directory"
    elif not os.access(path, os.W_OK | os.X_OK):
        why = "it is not writable"
    if why:
        yield concern("metrics.multiproc_dir", MULTIPROC_DIR, f"{directory}: {why}")
