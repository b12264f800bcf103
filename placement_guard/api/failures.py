"""What in a request made Placement fail, asked after it has failed.

What fails here depends on the database and on what it holds: an amount of 30 digits in a query
fails on SQLite, where PostgreSQL finds nothing; with a NUL it is the other way round. So nobody can
know beforehand, and a request is refused only when Placement could not serve it. Source:
openstack-placement 16, measured on SQLite 3.40, MariaDB 10.11 and PostgreSQL 15.

Everything here takes time linear in the length of the query string, or of the body.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from placement_guard.api.finding import Finding
from placement_guard.api.jsonpath import Path
from placement_guard.api.queries import Pairs, bad_limit

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


class Asked(NamedTuple):
    """What a request asked: its query, the names in its path, and its decoded body."""

    pairs: Pairs = ()
    params: Mapping[str, str] = {}
    document: Any = None


def blame(asked: Asked, error: Exception) -> Finding | None:
    """What in the request a failure of Placement is about; None where it is not about that.

    The text of the error must say so, and something in the request must fit.
    """
    # SQLAlchemy puts one join into the other.
    said = _JOINS[0] if isinstance(error, RecursionError) else str(error)[:MAX_SAID]
    for text, search in _SEARCHES:
        if text in said:
            return search(asked)
    # A dictionary that lacks a consumer says only which one.
    missing = error.args[0] if isinstance(error, KeyError) and error.args else None
    return _other_case(asked, missing) if isinstance(missing, str) else None


_JOINS: Final = (
    "tables in a join",  # SQLite, MariaDB
    "too many FROM clause terms",  # SQLite, from 200 on
    "too many SQL variables",  # SQLite
)


def _with_nul(asked: Asked) -> Finding | None:
    """PostgreSQL's drivers send no NUL."""
    for name, value in asked.params.items():
        if "\0" in value:
            what = f"The parameter {name!r} of the path holds a NUL character."
            return Finding("path.nul_character", what)
    for name, value in asked.pairs:
        if "\0" in value:
            what = f"The query parameter {_quoted(name)} holds a NUL character."
            return Finding("query.nul_character", what)
    return None


def _too_large(asked: Asked) -> Finding | None:
    """SQLite alone: the others compare max_unit first, and find nothing."""
    for name, value in asked.pairs:
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


def _beyond_charset(asked: Asked) -> Finding | None:
    """MariaDB, where the connection has three bytes for a character and the tables have four."""
    for name, value in asked.pairs:
        if any(character > "\uffff" for character in value):
            what = (
                f"The query parameter {_quoted(name)} holds a character above U+FFFF, which the "
                "database cannot look for."
            )
            return Finding("query.character_unsupported", what)
    return None


def _too_many(asked: Asked) -> Finding | None:
    """Each aggregate and each trait that must be there is a join of its own."""
    counts: dict[str, int] = {}
    for name, value in asked.pairs:
        counts[name] = counts.get(name, 0) + value.count(",") + 1
    worst = max(counts, key=counts.__getitem__, default="")
    if not worst or counts[worst] <= MAX_JOINED:
        return None
    what = f"The query parameter {_quoted(worst)} has more than {MAX_JOINED} conditions."
    return Finding("query.too_many_conditions", what)


def _too_long(asked: Asked) -> Finding | None:
    prefixes = (value.partition(":")[2] for name, value in asked.pairs if name == "name")
    if all(len(prefix.encode()) <= MAX_PREFIX_BYTES for prefix in prefixes):
        return None
    what = f"The query parameter 'name' has a prefix of more than {MAX_PREFIX_BYTES} bytes."
    return Finding("query.prefix_too_long", what)


def _negative_limit(asked: Asked) -> Finding | None:
    """With ``[placement] randomize_allocation_candidates``; else Placement cuts off the end."""
    first = next((value for name, value in asked.pairs if name == "limit"), "")
    return bad_limit() if first.lstrip().startswith("-") else None


def _float_amount(asked: Asked) -> Finding | None:
    """MariaDB adds up what is used in decimals, to which Python adds no float."""
    for path, amounts in _resources(asked.document):
        for name, amount in amounts.items():
            if isinstance(amount, float):
                what = f"the database adds integers only, and {amount!r} is written as a fraction"
                return Finding("allocations.fractional_amount", what, (*path, name))
    return None


def _resources(document: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every ``resources`` of a body, at whatever depth, with its path."""
    left: list[tuple[Path, Any]] = [((), document)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "resources" and isinstance(inner, dict):
                    yield (*path, key), inner
                else:
                    left.append(((*path, key), inner))
        elif isinstance(value, list):
            left += [((*path, number), inner) for number, inner in enumerate(value)]


def _other_case(asked: Asked, missing: str) -> Finding | None:
    """MariaDB finds a consumer whatever the case of its UUID; Placement then looks for its own."""
    body = asked.document if isinstance(asked.document, dict) else {}
    reshaped = isinstance(body.get("allocations"), dict) and "inventories" in body
    at: Path = ("allocations",) if reshaped else ()
    for consumer in body["allocations"] if reshaped else body:
        if consumer != missing and consumer.lower() == missing.lower():
            what = "the consumer exists in another spelling, in upper or lower case"
            return Finding("allocations.consumer_in_other_case", what, (*at, consumer))
    return None


_SEARCHES: Final[tuple[tuple[str, Callable[[Asked], Finding | None]], ...]] = (
    ("NUL (0x00)", _with_nul),
    ("too large to convert to SQLite INTEGER", _too_large),
    ("Illegal mix of collations", _beyond_charset),
    *((text, _too_many) for text in _JOINS),
    ("LIKE or GLOB pattern too complex", _too_long),
    ("larger than population or is negative", _negative_limit),
    ("'decimal.Decimal' and 'float'", _float_amount),
)
"""The words of an error, and what to look for in the request then."""


def _quoted(name: str) -> str:
    return repr(name[:MAX_QUOTED])
