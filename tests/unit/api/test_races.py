"""Which exceptions of Placement say that a write met another one."""

import sqlite3

import pymysql
import pytest
from oslo_db import exception as db
from placement import exception
from sqlalchemy.exc import DBAPIError

from placement_guard.api.races import race_of


def wrapped(driver_error):
    """As SQLAlchemy and oslo.db wrap what a driver raises."""
    return db.DBError(DBAPIError("SELECT 1", {}, driver_error))


class Postgres(Exception):  # noqa: N818
    def __init__(self, pgcode):
        self.pgcode = pgcode


def busy():
    """A real one: two connections that want to write."""
    first = sqlite3.connect("file:busy?mode=memory&cache=shared", uri=True, isolation_level=None)
    second = sqlite3.connect(
        "file:busy?mode=memory&cache=shared", uri=True, isolation_level=None, timeout=0
    )
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        second.execute("BEGIN IMMEDIATE")
    first.close()
    second.close()
    return caught.value


def sqlite(code):
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exception.ConcurrentUpdateDetected(), "lost_race"),
        (exception.ResourceProviderConcurrentUpdateDetected(), "lost_race"),
        (db.DBDeadlock(), "deadlock"),
        (db.DBConsistencyError(), "deadlock"),
        (wrapped(Postgres("40001")), "deadlock"),
        (wrapped(Postgres("40P01")), "deadlock"),
        (wrapped(pymysql.err.OperationalError(1213, "Deadlock found")), "deadlock"),
        (wrapped(pymysql.err.OperationalError(1205, "Lock wait timeout")), "deadlock"),
        (wrapped(pymysql.err.OperationalError(1020, "Record has changed")), "deadlock"),
        (wrapped(sqlite(5)), "deadlock"),
        (wrapped(sqlite(517)), "deadlock"),  # SQLITE_BUSY_SNAPSHOT
        (wrapped(pymysql.err.OperationalError(2013, "Lost connection")), None),
        (wrapped(Postgres("23505")), None),
        (wrapped(Postgres(None)), None),
        (wrapped(sqlite(1)), None),
        (wrapped(None), None),
        (db.DBDuplicateEntry(), None),
        (db.DBConnectionError(), None),
        (ValueError(1213), None),
        (KeyError(), None),
    ],
)
def test_a_race_is_told_by_its_class_or_by_the_code_of_the_driver(error, kind):
    assert race_of(error) == kind


def test_what_sqlite_itself_raises():
    assert busy().sqlite_errorcode & 0xFF in (5, 6)


def test_a_circle_of_causes_ends():
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert race_of(one) is None
