"""What the parameters in a path must be, where Placement's own check of them has a hole.

Placement looks at the consumer of PUT allocations before its body. The name of a trait is checked
by a pattern whose ``$`` takes a trailing line break. The name of a resource class is pasted into a
JSON text which is then checked: a quote or a backslash in it makes that text say something else
than what is stored. Source: ``placement.handlers``, openstack-placement 16.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from oslo_utils.uuidutils import is_uuid_like

from placement_guard.api.finding import Finding
from placement_guard.api.schemas import CUSTOM_NAME

MAX_NAME: Final = 255
"""The longest name of a resource class (characters)."""

BODILESS_RESOURCE_CLASS: Final = (1, 7)
"""From here on the name of PUT resource class is in the path alone."""


def path_finding(
    operation: str, params: Mapping[str, str], version: tuple[int, int]
) -> Finding | None:
    """What is wrong with the parameters of a mutation's path, if anything."""
    consumer, name = params.get("consumer_uuid", ""), params.get("name", "")
    if operation == "allocations:update" and not is_uuid_like(consumer):
        return Finding("allocations.malformed_consumer", f"Malformed consumer_uuid: {consumer}")
    if operation == "traits:update" and name.endswith("\n"):
        return Finding("path.trailing_newline", "The name of the trait ends in a line break.")
    in_path_alone = version >= BODILESS_RESOURCE_CLASS
    if operation == "resource_classes:update" and in_path_alone and _stored_unchecked(name):
        what = "The name of the resource class holds a quote or a backslash."
        return Finding("path.quoted_name", what)
    return None


def _stored_unchecked(name: str) -> bool:
    """Whether Placement's check of ``name`` passes because it looks at another one."""
    if '"' not in name and "\\" not in name:
        return False
    try:
        checked = json.loads(f'{{"name": "{name}"}}')
    except (ValueError, RecursionError):
        return False
    # The schema of a resource class, by hand: the text always is an object with a name.
    other = checked["name"]
    return (
        len(checked) == 1
        and isinstance(other, str)
        and len(other) <= MAX_NAME
        and re.search(CUSTOM_NAME, other) is not None
        and other != name
    )
