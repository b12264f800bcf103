"""The JSON Schemas that Placement judges bodies by, for its verdict and its wording.

The order of the keywords is Placement's: among errors of the same weight jsonschema names the one
of the keyword that stands first. ``tests/placement/test_table.py`` compares them, order included.
Source: ``placement.schemas``, openstack-placement 16.
"""

from typing import Any, Final

Schema = dict[str, Any]

MAX_INT: Final = 2**31 - 1
"""The largest value of an INTEGER column (no unit)."""

MAX_FLOAT: Final = 3.40282e38
"""What Placement holds to be the largest single-precision float (no unit)."""

UUID_KEY: Final = "^[0-9a-fA-F-]{36}$"
NAME_KEY: Final = "^[A-Z0-9_]+$"
CUSTOM_NAME: Final = "^CUSTOM_[A-Z0-9_]+$"
GROUP_SUFFIX: Final = "[a-zA-Z0-9_-]{1,64}"

_INTEGER: Final[Schema] = {"type": "integer"}
_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_EXTERNAL_ID: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 255}
# The second keyword means nothing for an integer, and is printed all the same.
_CONSUMER_GENERATION: Final[Schema] = {
    "type": ["integer", "null"],
    "additionalProperties": False,
}
_MAPPINGS: Final[Schema] = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {GROUP_SUFFIX: {"type": "array", "minItems": 1, "items": _UUID}},
}
_CONSUMER_TYPE: Final[Schema] = {
    "type": "string",
    "pattern": NAME_KEY,
    "minLength": 1,
    "maxLength": 255,
}


def _record(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _integer(minimum: int) -> Schema:
    return {"type": "integer", "maximum": MAX_INT, "minimum": minimum}


# Providers -----------------------------------------------------------------------------------

_PROVIDER_NAME: Final[Schema] = {"type": "string", "maxLength": 200}
_PARENT: Final[Schema] = {"anyOf": [_UUID, {"type": "null"}]}

NEW_PROVIDER: Final = _record({"name": _PROVIDER_NAME, "uuid": _UUID}, ["name"])
PROVIDER: Final = _record({"name": _PROVIDER_NAME}, ["name"])
NEW_PROVIDER_1_14: Final = _record(
    {"name": _PROVIDER_NAME, "uuid": _UUID, "parent_provider_uuid": _PARENT}, ["name"]
)
PROVIDER_1_14: Final = _record({"name": _PROVIDER_NAME, "parent_provider_uuid": _PARENT}, ["name"])

# Inventories ---------------------------------------------------------------------------------

_INVENTORY_FIELDS: Final[Schema] = {
    "resource_provider_generation": _INTEGER,
    "total": _integer(1),
    "reserved": _integer(0),
    "min_unit": _integer(1),
    "max_unit": _integer(1),
    "step_size": _integer(1),
    "allocation_ratio": {"type": "number", "maximum": MAX_FLOAT},
}

INVENTORY: Final = _record(_INVENTORY_FIELDS, ["total", "resource_provider_generation"])
NEW_INVENTORY: Final = _record(
    {**_INVENTORY_FIELDS, "resource_class": {"type": "string", "pattern": NAME_KEY}},
    ["total", "resource_class"],
)
INVENTORIES: Final = _record(
    {
        "resource_provider_generation": _INTEGER,
        "inventories": {
            "type": "object",
            "patternProperties": {NAME_KEY: _record(_INVENTORY_FIELDS, ["total"])},
        },
    },
    ["resource_provider_generation", "inventories"],
)

# Aggregates, traits, resource classes --------------------------------------------------------

AGGREGATES: Final[Schema] = {"type": "array", "items": _UUID, "uniqueItems": True}
AGGREGATES_1_19: Final = _record(
    {"aggregates": AGGREGATES, "resource_provider_generation": _INTEGER},
    ["aggregates", "resource_provider_generation"],
)
TRAITS: Final = _record(
    {
        "traits": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 255},
        },
        "resource_provider_generation": _INTEGER,
    },
    ["traits", "resource_provider_generation"],
)
RESOURCE_CLASS: Final = _record(
    {"name": {"type": "string", "pattern": CUSTOM_NAME, "maxLength": 255}}, ["name"]
)

# Allocations ---------------------------------------------------------------------------------

_RESOURCES: Final[Schema] = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {NAME_KEY: {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}


def _listed(more: Schema) -> Schema:
    """PUT allocations before 1.12: a list of providers."""
    entry = _record(
        {"resource_provider": _listed_provider(), "resources": _RESOURCES},
        ["resource_provider", "resources"],
    )
    allocations = {"type": "array", "minItems": 1, "items": entry}
    return _record({"allocations": allocations, **more}, ["allocations", *more])


def _listed_provider() -> Schema:
    return {
        "type": "object",
        "properties": {"uuid": _UUID},
        "additionalProperties": False,
        "required": ["uuid"],
    }


def _keyed(at_least: int, more: Schema, required: tuple[str, ...] = ()) -> Schema:
    """One consumer's allocations from 1.12 on: an object by provider."""
    by_provider = {
        "type": "object",
        "properties": {"generation": _INTEGER, "resources": _RESOURCES},
        "required": ["resources"],
        "additionalProperties": False,
    }
    allocations = {
        "type": "object",
        "minProperties": at_least,
        "patternProperties": {UUID_KEY: by_provider},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "allocations": allocations,
            "project_id": _EXTERNAL_ID,
            "user_id": _EXTERNAL_ID,
            **more,
        },
        "additionalProperties": False,
        "required": ["allocations", "project_id", "user_id", *required],
    }


def _many(consumer: Schema, at_least: int = 1) -> Schema:
    """The allocations of many consumers: an object by consumer."""
    return {
        "type": "object",
        "minProperties": at_least,
        "additionalProperties": False,
        "patternProperties": {UUID_KEY: consumer},
    }


_GENERATION: Final[Schema] = {"consumer_generation": _CONSUMER_GENERATION}
_GENERATION_MAPPINGS: Final[Schema] = {**_GENERATION, "mappings": _MAPPINGS}

ALLOCATIONS: Final = _listed({})
ALLOCATIONS_1_8: Final = _listed({"project_id": _EXTERNAL_ID, "user_id": _EXTERNAL_ID})
ALLOCATIONS_1_12: Final = _keyed(1, {})
ALLOCATIONS_1_28: Final = _keyed(0, _GENERATION, ("consumer_generation",))
ALLOCATIONS_1_34: Final = _keyed(0, _GENERATION_MAPPINGS, ("consumer_generation",))
ALLOCATIONS_1_38: Final = _keyed(
    0,
    {**_GENERATION_MAPPINGS, "consumer_type": _CONSUMER_TYPE},
    ("consumer_generation", "consumer_type"),
)
MANY_ALLOCATIONS: Final = _many(_keyed(0, {}))
MANY_ALLOCATIONS_1_28: Final = _many(ALLOCATIONS_1_28)
MANY_ALLOCATIONS_1_34: Final = _many(ALLOCATIONS_1_34)
MANY_ALLOCATIONS_1_38: Final = _many(ALLOCATIONS_1_38)

# Reshape -------------------------------------------------------------------------------------


def _reshape(consumer: Schema) -> Schema:
    inventories = {
        "type": "object",
        "patternProperties": {UUID_KEY: INVENTORIES},
        "minProperties": 1,
        "additionalProperties": False,
    }
    return _record(
        {"inventories": inventories, "allocations": _many(consumer, at_least=0)},
        ["inventories", "allocations"],
    )


RESHAPE: Final = _reshape(ALLOCATIONS_1_28)
RESHAPE_1_34: Final = _reshape(ALLOCATIONS_1_34)
RESHAPE_1_38: Final = _reshape(ALLOCATIONS_1_38)
