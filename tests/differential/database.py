"""The stored state: read as rows, told in words that both sides share, and put back.

The same few statements serve SQLite, MariaDB and PostgreSQL: every table is read after a request
that may write and compared with what was there before; only rows that differ are put back.
"""

import json
from collections import Counter
from typing import Any

import sqlalchemy as sa
from placement.db.sqlalchemy.models import BASE

_TIMES = ("created_at", "updated_at")
_TABLES = tuple(BASE.metadata.sorted_tables)
_PROVIDERS = BASE.metadata.tables["resource_providers"]
_LARGE = "traits"
"""Hundreds of rows that are never changed in place: counted first, read only if the count moved."""

Rows = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]
"""By table, by primary key."""


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.columns if column.name not in _TIMES]


_KEYS = {
    table.name: [_columns(table).index(column) for column in table.primary_key] for table in _TABLES
}
_SELECT = {table.name: sa.select(*_columns(table)) for table in _TABLES}


class State:
    """What is stored behind one side, compared with what it was at first."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        traits = BASE.metadata.tables[_LARGE]
        self._count = sa.select(sa.func.count(), sa.func.max(traits.c.id)).select_from(traits)
        self._first: Rows = {}
        self._first_count: Any = None
        with engine.connect() as connection:
            self._first = self._read(connection)
            self._first_count = self._counted
        self.lines = canonical(self._first)

    def _read(self, connection: sa.Connection) -> Rows:
        self._counted = tuple(connection.execute(self._count).one())
        rows: Rows = {}
        for table in _TABLES:
            name = table.name
            if name == _LARGE and self._counted == self._first_count:
                rows[name] = self._first[name]
                continue
            keys = _KEYS[name]
            rows[name] = {
                tuple(row[key] for key in keys): tuple(row)
                for row in connection.execute(_SELECT[name])
            }
        return rows

    def settle(self) -> tuple[list[str], list[str]]:
        """What a request added and removed, in canonical lines; then all is as it was at first."""
        with self._engine.connect() as connection:
            now = self._read(connection)
        if now == self._first:
            return [], []
        before, after = Counter(self.lines), Counter(canonical(now))
        with self._engine.begin() as connection:
            self._restore(connection, now)
        return sorted((after - before).elements()), sorted((before - after).elements())

    def _restore(self, connection: sa.Connection, now: Rows) -> None:
        # In an order that every foreign key bears: no provider has a parent while rows come and go.
        if now[_PROVIDERS.name] != self._first[_PROVIDERS.name]:
            connection.execute(
                _PROVIDERS.update().values(parent_provider_id=None, root_provider_id=None)
            )
            now = {**now, _PROVIDERS.name: dict.fromkeys(now[_PROVIDERS.name], ())}
        for table in reversed(_TABLES):
            for key in now[table.name].keys() - self._first[table.name].keys():
                connection.execute(table.delete().where(*_is(table, key)))
        for table in _TABLES:
            names = [column.name for column in _columns(table)]
            first = self._first[table.name]
            for key in sorted(first):
                if key not in now[table.name]:
                    connection.execute(
                        table.insert().values(dict(zip(names, first[key], strict=True)))
                    )
        for table in _TABLES:
            names = [column.name for column in _columns(table)]
            for key, row in self._first[table.name].items():
                if now[table.name].get(key, row) != row:
                    values = dict(zip(names, row, strict=True))
                    connection.execute(table.update().where(*_is(table, key)).values(values))


def _is(table: sa.Table, key: tuple[Any, ...]) -> list[Any]:
    return [column == value for column, value in zip(table.primary_key, key, strict=True)]


# What an id stands for, by the table that it points to.
_NAMING = {
    "resource_providers": "uuid",
    "resource_classes": "name",
    "traits": "name",
    "placement_aggregates": "uuid",
    "projects": "external_id",
    "users": "external_id",
    "consumer_types": "name",
}
_POINTS = {
    "resource_provider_id": ("provider", "resource_providers"),
    "parent_provider_id": ("parent", "resource_providers"),
    "root_provider_id": ("root", "resource_providers"),
    "resource_class_id": ("class", "resource_classes"),
    "trait_id": ("trait", "traits"),
    "aggregate_id": ("aggregate", "placement_aggregates"),
    "project_id": ("project", "projects"),
    "user_id": ("user", "users"),
    "consumer_type_id": ("type", "consumer_types"),
}


def canonical(rows: Rows) -> list[str]:
    """Each row as a line of JSON in which names stand for ids: ids may differ between the sides."""
    named: dict[str, dict[Any, Any]] = {}
    for table in _TABLES:
        if table.name in _NAMING:
            names = [column.name for column in _columns(table)]
            at, identifier = names.index(_NAMING[table.name]), names.index("id")
            found = rows[table.name].values()
            named[table.name] = {row[identifier]: row[at] for row in found}
    lines = []
    for table in _TABLES:
        names = [column.name for column in _columns(table)]
        for row in rows[table.name].values():
            told: dict[str, Any] = {"table": table.name}
            for name, value in zip(names, row, strict=True):
                if name in _POINTS:
                    label, target = _POINTS[name]
                    missing = None if value is None else "missing"
                    told[label] = named[target].get(value, missing)
                elif name != "id":
                    told["consumer" if name == "consumer_id" else name] = value
            lines.append(json.dumps(told, sort_keys=True))
    return lines
