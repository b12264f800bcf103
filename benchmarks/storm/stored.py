"""What is stored, read from the database itself: what Placement says of it hides what is wrong."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from placement.db.sqlalchemy.models import BASE

_TABLES = BASE.metadata.tables
_ALLOCATIONS, _INVENTORIES = _TABLES["allocations"], _TABLES["inventories"]
_PROVIDERS, _CONSUMERS = _TABLES["resource_providers"], _TABLES["consumers"]
_PROJECTS, _USERS = _TABLES["projects"], _TABLES["users"]
_CLASSES, _TYPES = _TABLES["resource_classes"], _TABLES["consumer_types"]

Engine = sa.Engine

DELETED = "(deleted)"
"""Stands for the provider of an allocation whose provider is gone."""


class Consumer(Struct):
    generation: int
    project: str
    user: str
    type: str | None


class Stored(Struct):
    """Everything that was written, by the names that requests use.

    held
        By consumer, by provider, by class: how much.
    consumers
        Those that are recorded, whether they hold anything or not.
    used
        By provider and class.
    capacity
        By provider and class.
    """

    held: dict[str, dict[str, dict[str, int]]]
    consumers: dict[str, Consumer]
    used: dict[tuple[str, str], int]
    capacity: dict[tuple[str, str], int]


def engine(url: str) -> sa.Engine:
    """Connects anew each time: the server may have been started again."""
    return sa.create_engine(url, poolclass=sa.NullPool)


def read(database: sa.Engine) -> Stored:
    """Nobody may be writing."""
    with database.connect() as connection:
        providers = dict(_rows(connection, _PROVIDERS.c.id, _PROVIDERS.c.uuid))
        classes = dict(_rows(connection, _CLASSES.c.id, _CLASSES.c.name))
        projects = dict(_rows(connection, _PROJECTS.c.id, _PROJECTS.c.external_id))
        users = dict(_rows(connection, _USERS.c.id, _USERS.c.external_id))
        types = dict(_rows(connection, _TYPES.c.id, _TYPES.c.name))
        c = _CONSUMERS.c
        consumers = {
            uuid: Consumer(generation, projects[project], users[user], types.get(kind))
            for uuid, generation, project, user, kind in _rows(
                connection, c.uuid, c.generation, c.project_id, c.user_id, c.consumer_type_id
            )
        }
        held: dict[str, Any] = defaultdict(lambda: defaultdict(dict))
        used: dict[tuple[str, str], int] = defaultdict(int)
        a = _ALLOCATIONS.c
        rows = _rows(connection, a.consumer_id, a.resource_provider_id, a.resource_class_id, a.used)
        for consumer, provider_id, class_id, amount in rows:
            provider, name = providers.get(provider_id, DELETED), classes[class_id]
            mine = held[consumer][provider]
            mine[name] = mine.get(name, 0) + amount
            used[provider, name] += amount
        i = _INVENTORIES.c
        capacity = {
            (providers.get(provider, DELETED), classes[name]): int((total - reserved) * ratio)
            for provider, name, total, reserved, ratio in _rows(
                connection,
                *(i.resource_provider_id, i.resource_class_id, i.total),
                *(i.reserved, i.allocation_ratio),
            )
        }
    plain = {consumer: dict(mine) for consumer, mine in held.items()}
    return Stored(plain, consumers, dict(used), capacity)


def over(database: sa.Engine, name: str) -> list[tuple[str, int]]:
    """The providers of which more of a class is in use than there is, at this moment; and how much.

    One statement, so that it sees what is committed at one moment. Nobody has to stop for it.
    """
    a, i, p = _ALLOCATIONS.c, _INVENTORIES.c, _PROVIDERS.c
    used = sa.func.sum(a.used)
    same = sa.and_(
        a.resource_provider_id == i.resource_provider_id,
        a.resource_class_id == i.resource_class_id,
    )
    joined = (
        _INVENTORIES.join(_ALLOCATIONS, same)
        .join(_PROVIDERS, p.id == i.resource_provider_id)
        .join(_CLASSES, _CLASSES.c.id == i.resource_class_id)
    )
    query = (
        sa.select(p.uuid, used)
        .select_from(joined)
        .where(_CLASSES.c.name == name)
        .group_by(p.uuid, i.total, i.reserved, i.allocation_ratio)
        .having(used > (i.total - i.reserved) * i.allocation_ratio)
    )
    try:
        with database.connect() as connection:
            return [(uuid, int(used)) for uuid, used in connection.execute(query)]
    except sa.exc.OperationalError:  # the server is being started again
        return []


def clear(database: sa.Engine) -> None:
    """Leave no provider and no consumer: each round begins with the same tables."""
    with database.begin() as connection:
        for table in (_ALLOCATIONS, _INVENTORIES, _CONSUMERS):
            connection.execute(table.delete())
        connection.execute(_PROVIDERS.update().values(root_provider_id=None))
        connection.execute(_PROVIDERS.delete())


def _rows(connection: sa.Connection, *columns: sa.Column[Any]) -> list[Any]:
    return list(connection.execute(sa.select(*columns)))
