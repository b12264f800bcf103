"""A database server of one's own for a run: in a temporary directory, on loopback, then gone.

MariaDB and PostgreSQL as the distribution brings them (Debian: mariadb-server, postgresql). Nothing
that is there already is used, asked or touched. Neither runs as root: as root they are started as
the user that their package makes.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.differential.answers import SIDES

START_SECONDS = 60
"""How long a server may take to answer."""

PACKAGES = {"mariadb": "mariadb-server", "postgresql": "postgresql"}
"""What brings the server, on Debian."""

_PATHS = (*map(Path, ("/usr/sbin", "/usr/bin", "/usr/local/bin")),)


def binary(name: str) -> Path | None:
    """The path of a program of a server, or None."""
    if found := shutil.which(name):
        return Path(found)
    # Debian keeps PostgreSQL's out of PATH; the newest version is taken.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name)
    places = [*_PATHS, *reversed(versions)]
    return next((place / name for place in places if (place / name).is_file()), None)


def found(kind: str) -> bool:
    """Whether the server and the driver for it are installed."""
    programs = {"mariadb": ("mariadbd", "mariadb-install-db"), "postgresql": ("postgres", "initdb")}
    drivers = {"mariadb": "pymysql", "postgresql": "psycopg2"}
    try:
        __import__(drivers[kind])
    except ImportError:
        return False
    return all(map(binary, programs[kind]))


@contextlib.contextmanager
def database(asked: str | None) -> Iterator[str | None]:
    """The URL to use: that of a server started here for ``mariadb`` and ``postgresql``."""
    if asked not in PACKAGES:
        yield asked
        return
    if not found(asked):
        raise SystemExit(f"not installed here: {PACKAGES[asked]}, and the extra 'fuzz'")
    with {"mariadb": mariadb, "postgresql": postgresql}[asked]() as url:
        yield url


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """A MariaDB with a database for each side."""
    with _directory("mysql") as (directory, user):
        data, port = directory / "data", _free_port()
        shared = ["--no-defaults", f"--datadir={data}", f"--tmpdir={directory}"]
        _run(
            user, binary("mariadb-install-db"), *shared, "--auth-root-authentication-method=normal"
        )
        server = [
            *(binary("mariadbd"), *shared, "--bind-address=127.0.0.1", f"--port={port}"),
            *(f"--socket={directory}/s", f"--pid-file={directory}/pid", "--skip-log-bin"),
            *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"),
            *("--character-set-server=utf8mb4", "--skip-name-resolve"),
        ]
        with _running(server, user, directory):
            import pymysql

            def prepare() -> None:
                connection = pymysql.connect(host="127.0.0.1", port=port, user="root")
                with contextlib.closing(connection), connection.cursor() as cursor:
                    for side in SIDES:
                        cursor.execute(f"CREATE DATABASE placement_{side}")

            _wait(prepare, pymysql.err.OperationalError)
            yield f"mysql+pymysql://root@127.0.0.1:{port}/placement_{{side}}?charset=utf8mb4"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL with a database for each side."""
    with _directory("postgres") as (directory, user):
        data, port = directory / "data", _free_port()
        _run(user, binary("initdb"), "-D", data, "-U", "root", "-A", "trust", "-E", "UTF8", "-N")
        server = [
            *(binary("postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-F"),
            *("-c", f"unix_socket_directories={directory}"),
        ]
        with _running(server, user, directory):
            import psycopg2

            def prepare() -> None:
                dsn = f"host=127.0.0.1 port={port} user=root dbname=postgres"
                with contextlib.closing(psycopg2.connect(dsn)) as connection:
                    connection.autocommit = True
                    with connection.cursor() as cursor:
                        for side in SIDES:
                            cursor.execute(f"CREATE DATABASE placement_{side}")

            _wait(prepare, psycopg2.OperationalError)
            yield f"postgresql+psycopg2://root@127.0.0.1:{port}/placement_{{side}}"


@contextlib.contextmanager
def _directory(account: str) -> Iterator[tuple[Path, str | None]]:
    """A directory that the server may write to, and the user to run it as; None for oneself."""
    with tempfile.TemporaryDirectory(prefix="differential-") as name:
        user = None
        if os.geteuid() == 0:
            user = account
            entry = pwd.getpwnam(account)
            os.chown(name, entry.pw_uid, entry.pw_gid)
        yield Path(name), user


def _run(user: str | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        user=user,
        group=user and pwd.getpwnam(user).pw_gid,
        extra_groups=user and [],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


@contextlib.contextmanager
def _running(command: list[object], user: str | None, directory: Path) -> Iterator[None]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=user and [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        except TimeoutError as error:
            said = (directory / "log").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{command[0]} does not answer:\n{said}") from error
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(prepare: Callable[[], None], refused: type[Exception]) -> None:
    """Try until the server answers: it has no other way to say that it is there."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return prepare()
        except refused as error:
            if time.monotonic() > end:
                raise TimeoutError from error
            time.sleep(0.1)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
