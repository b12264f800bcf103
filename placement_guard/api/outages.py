"""How a database that is gone looks where Placement lets the exception out.

Nothing is known of a request that ends so: its transaction may have been committed before the
connection broke. So it is never sent again. Source: ``oslo_db.exception``, ``sqlalchemy.exc``, and
what PyMySQL, psycopg2 and SQLite raised when the server was stopped, restarted and full.
"""

from typing import Final

from placement_guard.api.races import chain

_NAMES: Final = frozenset(
    {
        "DBConnectionError",
        "DBCantGetConnection",
        # The pool of connections is empty, and nobody gave one back in time.
        "TimeoutError",
    }
)

_SQLSTATES: Final = frozenset(
    {
        "53300",  # too many connections
        "57P01",  # the server was told to stop
        "57P02",  # it crashed
        "57P03",  # it is starting up
    }
)
_MARIADB: Final = frozenset(
    {
        1040,  # too many connections
        1053,  # shutting down
        1927,  # connection killed
        2002,  # cannot connect: socket
        2003,  # cannot connect: host
        2006,  # gone away
        2013,  # lost during a query
        2055,  # lost at a system call
    }
)
_POSTGRESQL: Final = (
    "server closed the connection",
    "could not connect to server",
    "connection to server",
    "terminating connection",
    "connection already closed",
    "SSL connection has been closed",
)
_MAX_SAID: Final = 512


def is_outage(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached, or takes nobody in."""
    return any(_is_one(cause) for cause in chain(error))


def _is_one(error: BaseException) -> bool:
    kinds = type(error).__mro__
    module = type(error).__module__.partition(".")[0]
    if module in {"oslo_db", "sqlalchemy"} and any(kind.__name__ in _NAMES for kind in kinds):
        return True
    if getattr(error, "pgcode", None) in _SQLSTATES:
        return True
    if module == "psycopg2":
        said = str(error)[:_MAX_SAID]
        return any(words in said for words in _POSTGRESQL)
    driver = module in {"pymysql", "MySQLdb"}
    return driver and bool(error.args) and error.args[0] in _MARIADB
