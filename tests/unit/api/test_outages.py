"""Which exceptions of Placement say that the database is gone."""

import psycopg2
import pymysql
import pytest
from oslo_db import exception as db
from sqlalchemy import exc

from placement_guard.api.outages import is_outage


def wrapped(driver_error):
    """As SQLAlchemy and oslo.db wrap what a driver raises."""
    return db.DBError(exc.DBAPIError("SELECT 1", {}, driver_error))


class Postgres(Exception):  # noqa: N818
    def __init__(self, pgcode):
        self.pgcode = pgcode


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (db.DBConnectionError(), True),
        (exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"), True),
        (wrapped(Postgres("57P01")), True),
        (wrapped(Postgres("53300")), True),
        (wrapped(psycopg2.OperationalError("server closed the connection unexpectedly")), True),
        (wrapped(psycopg2.InterfaceError("connection already closed")), True),
        (wrapped(pymysql.err.OperationalError(2003, "Can't connect")), True),
        (wrapped(pymysql.err.OperationalError(2013, "Lost connection")), True),
        (wrapped(pymysql.err.OperationalError(1040, "Too many connections")), True),
        (wrapped(pymysql.err.OperationalError(1213, "Deadlock found")), False),
        (wrapped(psycopg2.DataError("integer out of range")), False),
        (wrapped(Postgres("40001")), False),
        (TimeoutError("of something else"), False),
        (ValueError(2003), False),
        (db.DBError(), False),
        (KeyError(), False),
    ],
)
def test_an_outage_is_told_by_its_class_or_by_the_code_of_the_driver(error, outage):
    assert is_outage(error) is outage
