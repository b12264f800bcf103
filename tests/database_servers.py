"""Database servers of one's own: in a temporary directory, on loopback, then gone.

MariaDB and PostgreSQL as the distribution brings them (Debian: mariadb-server, postgresql). Nothing
that is there already is used, asked or touched. Neither runs as root: as root they are started as
the user that their package makes.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_SECONDS = 60
"""How long a server may take to answer."""

STOP_SECONDS = 20
"""How long a server may take to end in good order."""

CONNECTIONS = 600
"""How many clients at a time: more than the servers allow by themselves."""

PACKAGES = {"mariadb": "mariadb-server", "postgresql": "postgresql"}
"""What brings the server, on Debian."""

ACCOUNTS = {"mariadb": "mysql", "postgresql": "postgres"}
"""The user that the package makes for the server."""

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
def running(
    kind: str, databases: Sequence[str], *, durable: bool = False, settings: Sequence[str] = ()
) -> Iterator["Server"]:
    """A server of this kind with these empty databases.

    ``durable`` waits for the disk at each commit, as a server does that nobody has changed.
    ``settings`` are ``name=value`` of the server's own variables; MariaDB ignores those that it
    does not know.
    """
    with tempfile.TemporaryDirectory(prefix="database-") as name:
        user = None
        if os.geteuid() == 0:
            user = ACCOUNTS[kind]
            entry = pwd.getpwnam(user)
            os.chown(name, entry.pw_uid, entry.pw_gid)
        server = Server(kind, Path(name), user, durable=durable, settings=settings)
        server.install()
        try:
            server.start()
            server.create(databases)
            yield server
        finally:
            server.stop()


class Server:
    """One server: what it was installed with stays when it is stopped and started again."""

    def __init__(
        self,
        kind: str,
        directory: Path,
        user: str | None,
        *,
        durable: bool,
        settings: Sequence[str],
    ) -> None:
        self.kind, self._directory, self._user = kind, directory, user
        self._durable, self._settings = durable, settings
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """For SQLAlchemy."""
        if self.kind == "mariadb":
            return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}?charset=utf8mb4"
        return f"postgresql+psycopg2://root@127.0.0.1:{self.port}/{database}"

    def install(self) -> None:
        data = self._directory / "data"
        if self.kind == "mariadb":
            normal = "--auth-root-authentication-method=normal"
            self._run(binary("mariadb-install-db"), *self._shared(), normal)
        else:
            initdb = binary("initdb")
            self._run(initdb, "-D", data, "-U", "root", "-A", "trust", "-E", "UTF8", "-N")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self._command()],
                **self._account(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_SECONDS
        # It has no other way to say that it is there.
        while not self._answers():
            if time.monotonic() > end or self._process.poll() is not None:
                said = (self._directory / "log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{self.kind} does not answer:\n{said}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server in good order, whoever is connected."""
        # PostgreSQL waits for its clients on SIGTERM.
        self._end(signal.SIGTERM if self.kind == "mariadb" else signal.SIGINT)

    def crash(self) -> None:
        """End the server as a crash would: nothing is written that was not written before."""
        # The children of a killed PostgreSQL would keep its shared memory.
        self._end(signal.SIGKILL if self.kind == "mariadb" else signal.SIGQUIT)

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run statements, each committed; returns the rows of the last one."""
        with contextlib.closing(self._connect(database)) as connection:
            rows: list[tuple[object, ...]] = []
            with contextlib.closing(connection.cursor()) as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    rows = list(cursor.fetchall()) if cursor.description else []
            return rows

    def create(self, databases: Sequence[str]) -> None:
        self.execute(*(f"CREATE DATABASE {name}" for name in databases))

    def _connect(self, database: str | None = None):
        if self.kind == "mariadb":
            import pymysql

            return pymysql.connect(
                host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True
            )
        import psycopg2

        dsn = f"host=127.0.0.1 port={self.port} user=root dbname={database or 'postgres'}"
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        return connection

    def _answers(self) -> bool:
        if self.kind == "mariadb":
            from pymysql.err import OperationalError
        else:
            from psycopg2 import OperationalError
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True

    def _shared(self) -> list[str]:
        return ["--no-defaults", f"--datadir={self._directory}/data", f"--tmpdir={self._directory}"]

    def _command(self) -> list[object]:
        directory, port = self._directory, self.port
        if self.kind == "mariadb":
            return [
                *(binary("mariadbd"), *self._shared(), "--bind-address=127.0.0.1"),
                *(f"--port={port}", f"--socket={directory}/s", f"--pid-file={directory}/pid"),
                *("--skip-log-bin", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"),
                *("--character-set-server=utf8mb4", f"--max-connections={CONNECTIONS}"),
                f"--innodb-flush-log-at-trx-commit={int(self._durable)}",
                *(f"--loose-{setting.replace('_', '-')}" for setting in self._settings),
            ]
        settings = [f"max_connections={CONNECTIONS}", *self._settings]
        return [
            *(binary("postgres"), "-D", directory / "data", "-p", port, "-h", "127.0.0.1"),
            *([] if self._durable else ["-F"]),
            *("-c", f"unix_socket_directories={directory}"),
            *(part for setting in settings for part in ("-c", setting)),
        ]

    def _account(self) -> dict:
        if self._user is None:
            return {}
        return {
            "user": self._user,
            "group": pwd.getpwnam(self._user).pw_gid,
            "extra_groups": [],
        }

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            **self._account(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            )

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
