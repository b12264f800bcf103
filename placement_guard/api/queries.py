"""What a query string, or a name in a path, can hold that makes Placement fail.

Two things fail whatever is stored, on every database, and are known beforehand:
:func:`undecodable` and :func:`unreadable_limit`. Everything else depends on the database and on
what it holds: an amount of 30 digits fails on SQLite, where PostgreSQL finds nothing; with a NUL it
is the other way round. :func:`blame` is asked after Placement has failed, and names what in the
request the failure is about. So neither ever refuses what Placement would serve. Source:
``placement.handlers``, ``lib`` and ``util`` of openstack-placement 16, measured on SQLite 3.40,
MariaDB 10.11 and PostgreSQL 15.

Everything here takes time linear in the length of the query string, which the server bounds.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from placement_guard.api.finding import Finding
from placement_guard.api.operations import Version

Pairs = Sequence[tuple[str, str]]
"""The parameters of a query, decoded, in order; a name can stand there more than once."""

MAX_AMOUNT: Final = 2**31 - 1
"""The largest amount that an inventory can offer: its columns are 32-bit integers."""

MAX_JOINED: Final = 60
"""How many conditions every database can join: MariaDB 60 (61 tables), SQLite 63."""

MAX_PREFIX_BYTES: Final = 49_999
"""The longest prefix (bytes of UTF-8) that SQLite compares, without the ``%`` that is added."""

MAX_SAID: Final = 1024
"""How much of an error's text (characters) is looked at. SQL and its parameters come later."""

MAX_QUOTED: Final = 64
"""How much of a name (characters) is quoted."""


class _Schema(NamedTuple):
    """The names that GET /allocation_candidates takes from one microversion on."""

    since: Version
    exact: frozenset[str]
    groups: re.Pattern[str] | None = None


_NUMBERED: Final = "([1-9][0-9]*)?$"
_NAMED: Final = "([a-zA-Z0-9_-]{1,64})?$"
_WIDE: Final = frozenset({"limit", "group_policy"})
_GROUPS_1_31: Final = "^(resources|required|member_of|in_tree)"

_SCHEMAS: Final = (
    _Schema((1, 16), frozenset({"resources", "limit"})),
    _Schema((1, 17), frozenset({"resources", "limit", "required"})),
    _Schema((1, 21), frozenset({"resources", "limit", "required", "member_of"})),
    _Schema((1, 25), _WIDE, re.compile(f"^(resources|required|member_of){_NUMBERED}")),
    _Schema((1, 31), _WIDE, re.compile(_GROUPS_1_31 + _NUMBERED)),
    _Schema((1, 33), _WIDE, re.compile(_GROUPS_1_31 + _NAMED)),
    _Schema((1, 35), _WIDE | {"root_required"}, re.compile(_GROUPS_1_31 + _NAMED)),
    _Schema((1, 36), _WIDE | {"root_required", "same_subtree"}, re.compile(_GROUPS_1_31 + _NAMED)),
)
_LIMIT: Final = re.compile("^[1-9][0-9]*$")


def undecodable(error: UnicodeDecodeError) -> Finding:
    """GET /usages reads the query outside of the check that turns such an error into a 400.

    The wording is the one that Placement has for it everywhere else.
    """
    return Finding("query.undecodable", f"Invalid query string parameters: {error}")


def unreadable_limit(pairs: Pairs, version: Version) -> Finding | None:
    """The first ``limit`` of GET /allocation_candidates, where it is no integer.

    Placement checks the last of several, and reads the first; and it checks the digits, not how
    many there are, where Python reads 4,300 at most. What its check refuses is left to it.
    """
    limits = [value for name, value in pairs if name == "limit"]
    if not limits or not _accepted(dict(pairs), version):
        return None
    try:
        int(limits[0])
    except ValueError:
        return _bad_limit()
    return None


def _bad_limit() -> Finding:
    most = sys.get_int_max_str_digits()
    what = f"The first 'limit' in the query is not a positive integer of at most {most} digits."
    return Finding("query.unreadable_limit", what)


def _accepted(last: Mapping[str, str], version: Version) -> bool:
    """Whether Placement's schema takes these parameters: of each name the last value."""
    found: _Schema | None = None
    for schema in _SCHEMAS:
        if version >= schema.since:
            found = schema
    if found is None or not _LIMIT.search(last["limit"]):
        return False
    if "resources" in found.exact and "resources" not in last:
        return False
    if last.get("group_policy", "none") not in {"none", "isolate"}:
        return False
    return all(
        name in found.exact or (found.groups is not None and found.groups.search(name))
        for name in last
    )


def blame(pairs: Pairs, params: Mapping[str, str], error: Exception) -> Finding | None:
    """What in the request a failure of Placement is about; None where it is not about that.

    The text of the error must say so, and something in the request must fit.
    """
    # SQLAlchemy puts one join into the other.
    said = _JOINS[0] if isinstance(error, RecursionError) else str(error)[:MAX_SAID]
    if "NUL (0x00)" in said:
        return _with_nul(pairs, params)
    if "too large to convert to SQLite INTEGER" in said:
        return _too_large(pairs)
    if "Illegal mix of collations" in said:
        return _beyond_charset(pairs)
    if any(text in said for text in _JOINS):
        return _too_many(pairs)
    if "LIKE or GLOB pattern too complex" in said:
        return _too_long(pairs)
    if "larger than population or is negative" in said:
        return _negative_limit(pairs)
    return None


_JOINS: Final = (
    "tables in a join",  # SQLite, MariaDB
    "too many FROM clause terms",  # SQLite, from 200 on
    "too many SQL variables",  # SQLite
)


def _with_nul(pairs: Pairs, params: Mapping[str, str]) -> Finding | None:
    """PostgreSQL's drivers send no NUL."""
    for name, value in params.items():
        if "\0" in value:
            what = f"The parameter {name!r} of the path holds a NUL character."
            return Finding("path.nul_character", what)
    for name, value in pairs:
        if "\0" in value:
            what = f"The query parameter {_quoted(name)} holds a NUL character."
            return Finding("query.nul_character", what)
    return None


def _too_large(pairs: Pairs) -> Finding | None:
    """SQLite alone: the others compare max_unit first, and find nothing."""
    for name, value in pairs:
        if name.startswith("resources") and any(amount > MAX_AMOUNT for amount in _amounts(value)):
            what = (
                f"An amount in the query parameter {_quoted(name)} is larger than {MAX_AMOUNT}, "
                "the largest that there can be."
            )
            return Finding("query.amount_too_large", what)
    return None


def _amounts(value: str) -> Iterator[int]:
    for item in value.split(","):
        try:
            yield int(item.rpartition(":")[2])
        except ValueError:
            continue


def _beyond_charset(pairs: Pairs) -> Finding | None:
    """MariaDB, where the connection has three bytes for a character and the tables have four."""
    for name, value in pairs:
        if any(character > "\uffff" for character in value):
            what = (
                f"The query parameter {_quoted(name)} holds a character above U+FFFF, which the "
                "database cannot look for."
            )
            return Finding("query.character_unsupported", what)
    return None


def _too_many(pairs: Pairs) -> Finding | None:
    """Each aggregate and each trait that must be there is a join of its own."""
    counts: dict[str, int] = {}
    for name, value in pairs:
        counts[name] = counts.get(name, 0) + value.count(",") + 1
    worst = max(counts, key=counts.__getitem__, default="")
    if not worst or counts[worst] <= MAX_JOINED:
        return None
    what = f"The query parameter {_quoted(worst)} has more than {MAX_JOINED} conditions."
    return Finding("query.too_many_conditions", what)


def _too_long(pairs: Pairs) -> Finding | None:
    prefixes = (value.partition(":")[2] for name, value in pairs if name == "name")
    if all(len(prefix.encode()) <= MAX_PREFIX_BYTES for prefix in prefixes):
        return None
    what = f"The query parameter 'name' has a prefix of more than {MAX_PREFIX_BYTES} bytes."
    return Finding("query.prefix_too_long", what)


def _negative_limit(pairs: Pairs) -> Finding | None:
    """With ``[placement] randomize_allocation_candidates``; else Placement cuts off the end."""
    first = next((value for name, value in pairs if name == "limit"), "")
    return _bad_limit() if first.lstrip().startswith("-") else None


def _quoted(name: str) -> str:
    return repr(name[:MAX_QUOTED])
