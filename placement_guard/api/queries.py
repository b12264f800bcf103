"""What a query string can hold that makes every Placement fail, whatever is stored.

Source: ``placement.handlers``, ``lib`` and ``util`` of openstack-placement 16. What fails on one
database only is for :mod:`placement_guard.api.failures`. Everything here takes time linear in the
length of the query string, which the server bounds.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from placement_guard.api.finding import Finding
from placement_guard.api.operations import Version

Pairs = Sequence[tuple[str, str]]
"""The parameters of a query, decoded, in order; a name can stand there more than once."""


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
        return bad_limit()
    return None


def bad_limit() -> Finding:
    """The finding about a ``limit`` that cannot be read."""
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
