"""How a write that met another one looks where Placement lets the exception out.

A transaction that ends so has been rolled back whole, so the request can be sent again from its
beginning. Source: ``oslo_db.sqlalchemy.exc_filters``, ``placement.exception``, and what
MariaDB 10.11, PostgreSQL 15 and SQLite 3.40 raised under load.
"""

from collections.abc import Iterator
from typing import Any, Final

MAX_CHAIN: Final = 10
"""How many causes of an exception are looked at."""

DEADLOCK: Final = "deadlock"
LOST_RACE: Final = "lost_race"

_LOST: Final = frozenset({"ConcurrentUpdateDetected"})
_DEADLOCKED: Final = frozenset({"DBDeadlock", "DBConsistencyError"})

_SQLSTATES: Final = frozenset(
    {
        "40001",  # could not serialize access
        "40P01",  # deadlock detected
    }
)
_MARIADB: Final = frozenset(
    {
        1020,  # record has changed since last read (innodb_snapshot_isolation)
        1205,  # lock wait timeout; only the statement, but the exception ends the transaction
        1213,  # deadlock
    }
)
_SQLITE_BUSY: Final = 5  # the primary code, in the lower byte


def race_of(error: BaseException) -> str | None:
    """The kind of conflict that ``error`` shows, or None where it is something else."""
    for cause in chain(error):
        names = {kind.__name__ for kind in type(cause).__mro__}
        if names & _LOST:
            return LOST_RACE
        if names & _DEADLOCKED or _from_database(cause):
            return DEADLOCK
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: oslo.db and SQLAlchemy keep the driver's own inside."""
    at: Any = error
    for _ in range(MAX_CHAIN):
        if not isinstance(at, BaseException):
            return
        yield at
        at = getattr(at, "inner_exception", None) or getattr(at, "orig", None) or at.__cause__


def _from_database(error: BaseException) -> bool:
    """By the code of the driver: psycopg2, PyMySQL and mysqlclient, sqlite3."""
    if getattr(error, "pgcode", None) in _SQLSTATES:
        return True
    busy = getattr(error, "sqlite_errorcode", None)
    if isinstance(busy, int):
        return busy & 0xFF == _SQLITE_BUSY
    # Only a driver's own: any exception can have a number as its argument.
    driver = type(error).__module__.partition(".")[0] in {"pymysql", "MySQLdb"}
    return driver and bool(error.args) and error.args[0] in _MARIADB
