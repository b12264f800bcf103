"""What must be compared across providers, in a temporary database that a disk bounds, not memory.

A cloud of 10,000 providers has some 500,000 consumers. SQLite keeps them in a file that has no name
(in the directory of temporary files), and a few megabytes of it in memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

from placement_guard.scan.views import Held

CACHE_KIB: Final = 8192
"""How much of the file SQLite keeps in memory (KiB)."""

PAGE: Final = 1000
"""How many consumers are fetched at a time."""

_SCHEMA: Final = """
CREATE TABLE holds (consumer TEXT, provider TEXT, root TEXT, PRIMARY KEY (consumer, provider))
    WITHOUT ROWID;
CREATE INDEX by_provider ON holds (provider);
CREATE TABLE consumers (consumer TEXT PRIMARY KEY, owner TEXT, type TEXT, totals TEXT, held TEXT)
    WITHOUT ROWID;
CREATE INDEX alike ON consumers (owner, totals);
"""

_SPELLING: Final = "lower(replace(replace(replace(consumer, '-', ''), '{', ''), '}', ''))"


class Store:
    """Who holds something, where, and what is known of the consumers. For one thread."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)  # "": a file without a name
        self._base.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    # Of providers

    def replace_holders(self, provider: str, root: str | None, consumers: Iterable[str]) -> None:
        """Who holds something of a provider, instead of what was known."""
        self._base.execute("BEGIN")
        self._base.execute("DELETE FROM holds WHERE provider = ?", (provider,))
        rows = ((consumer, provider, root) for consumer in consumers)
        self._base.executemany("INSERT INTO holds VALUES (?, ?, ?)", rows)
        self._base.execute("COMMIT")

    def holders(self, providers: Iterable[str] | None = None) -> Iterator[str]:
        """All consumers, or those on ``providers``, each once and in order."""
        if providers is None:
            yield from self._paged("SELECT DISTINCT consumer FROM holds WHERE consumer > ?")
            return
        found: set[str] = set()
        for provider in providers:
            rows = self._base.execute("SELECT consumer FROM holds WHERE provider = ?", (provider,))
            found.update(row[0] for row in rows)
        yield from sorted(found)

    def count_holders(self) -> int:
        """How many ``holders`` there are."""
        return int(self._base.execute("SELECT count(DISTINCT consumer) FROM holds").fetchone()[0])

    def spread(self) -> Iterator[str]:
        """The consumers that hold something in more than one tree."""
        yield from self._paged(
            "SELECT consumer FROM holds WHERE consumer > ?"
            " GROUP BY consumer HAVING count(DISTINCT root) > 1"
        )

    def spellings(self) -> Iterator[list[str]]:
        """The consumers whose ids are one UUID, spelt in different ways."""
        rows = self._base.execute(
            f"SELECT json_group_array(DISTINCT consumer) FROM holds GROUP BY {_SPELLING}"  # noqa: S608  # nothing of it is anyone's word
            " HAVING count(DISTINCT consumer) > 1"
        )
        return (sorted(json.loads(row[0])) for row in rows)

    def _paged(self, query: str) -> Iterator[str]:
        """Page by page: what is stored may grow in between."""
        last = ""
        while True:
            rows = self._base.execute(f"{query} ORDER BY consumer LIMIT {PAGE}", (last,)).fetchall()
            yield from (row[0] for row in rows)
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    # Of consumers

    def replace_consumer(self, held: Held) -> Held | None:
        """What a consumer is and holds; returns what was known of it."""
        known = self.consumer(held.consumer)
        row = (
            held.consumer,
            _text([held.project, held.user]),
            held.type,
            _text(held.totals()),
            _text(held.allocations),
        )
        self._base.execute("INSERT OR REPLACE INTO consumers VALUES (?, ?, ?, ?, ?)", row)
        return known

    def consumer(self, consumer: str) -> Held | None:
        """What is known of a consumer."""
        query = "SELECT consumer, owner, type, held FROM consumers WHERE consumer = ?"
        row = self._base.execute(query, (consumer,)).fetchone()
        return None if row is None else _held(row)

    def migrations(self) -> Iterator[str]:
        """The consumers that say they are a migration."""
        yield from self._paged(
            "SELECT consumer FROM consumers WHERE type = 'MIGRATION' AND consumer > ?"
        )

    def like(self, held: Held, most: int) -> list[Held]:
        """Up to ``most`` others of its user that hold the same; no migrations."""
        query = (
            "SELECT consumer, owner, type, held FROM consumers WHERE owner = ? AND totals = ?"
            " AND consumer != ? AND type IS NOT 'MIGRATION' ORDER BY consumer LIMIT ?"
        )
        owner, totals = _text([held.project, held.user]), _text(held.totals())
        rows = self._base.execute(query, (owner, totals, held.consumer, most))
        return [_held(row) for row in rows]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Of each user and type, just two consumers that hold the same."""
        yield from self._base.execute(
            "SELECT min(consumer), max(consumer) FROM consumers WHERE type IS NOT 'MIGRATION'"
            " GROUP BY owner, totals, type HAVING count(*) = 2 ORDER BY 1"
        )


def _text(value: Any) -> str:
    """ASCII, so that a name may hold what no database takes."""
    return json.dumps(value, sort_keys=True)


def _held(row: tuple[str, str, str | None, str]) -> Held:
    consumer, owner, kind, held = row
    project, user = json.loads(owner)
    return Held(consumer, json.loads(held), project, user, kind)
