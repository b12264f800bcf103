"""The database server of a run: one that is started for it, with a database for each side."""

import contextlib
from collections.abc import Iterator

from tests.database_servers import PACKAGES, found, running
from tests.differential.answers import SIDES

__all__ = ["PACKAGES", "database", "found"]


@contextlib.contextmanager
def database(asked: str | None) -> Iterator[str | None]:
    """The URL to use: that of a server started here for ``mariadb`` and ``postgresql``."""
    if asked not in PACKAGES:
        yield asked
        return
    if not found(asked):
        raise SystemExit(f"not installed here: {PACKAGES[asked]}, and the extra 'fuzz'")
    with running(asked, [f"placement_{side}" for side in SIDES]) as server:
        yield server.url("placement_{side}")
