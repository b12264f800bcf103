"""Rules of the stage ``document``."""

from typing import Final

from tests.rule_examples.example import (
    CONSUMER,
    PROVIDER,
    TOO_DEEP,
    Example,
    held,
    inventories,
    with_json,
)

_JSON_WRITER: Final = (
    "Repair the client. Standard JSON libraries do not write such a body unless they are told to."
)
_NEW: Final = "POST /resource_providers"
_MANY: Final = "POST /allocations"
_RIGHT: Final = with_json(_NEW, '{"name": "compute-1"}')
_AGGREGATES: Final = f"PUT /resource_providers/{PROVIDER}/aggregates"
_AGGREGATE: Final = "e7f3a5d2-0b7c-4d0e-9a55-6d1b2c3f4a80"

_AFTER: Final = (
    "Asked only after Placement has failed on a write: the guard says of the failure what it is "
    "about."
)

DOCUMENTS: Final = {
    "json.malformed": Example(
        refused=with_json(_NEW, '{"name": "compute-1",}'),
        accepted=_RIGHT,
        bare="Placement refuses it alike.",
        advice="Repair the client. The detail says where the parser stopped.",
        more="UTF-16, UTF-32 and a byte order mark are no JSON for Placement either.",
    ),
    "document.invalid": Example(
        refused=with_json(_NEW, '{"name": 1}'),
        accepted=with_json(_NEW, '{"name": "1"}'),
        bare="Placement refuses it alike. Its answer prints the whole schema and the whole body, "
        "however large; the guard's is at most 4 kB.",
        advice="Repair the client. The detail is Placement's: what is wrong, the part of the "
        "schema, and where it is in the body.",
        more="The schema is Placement's for this operation at this microversion.",
    ),
    "json.too_deep": Example(
        refused=with_json(_NEW, f'{{"name": {TOO_DEEP}}}'),
        accepted=_RIGHT,
        bare="Placement answers 500: its parser, or the printing of what is wrong with the body, "
        "gives up.",
        advice="Repair the client. No body that Placement takes is deeper than ten levels.",
        more="The limit is 500 levels, in a body above 64 KiB 255 of what its schema looks at. A body "
        "that breaks its schema is told so first.",
        given="The lists are nested in 5,000 levels.",
    ),
    "json.duplicate_key": Example(
        refused=inventories('{"VCPU": {"total": 64, "total": 6400}}'),
        accepted=inventories('{"VCPU": {"total": 64}}'),
        bare="Placement takes the last one, and stores 6400. Whatever stood first is lost without "
        "a word.",
        advice="Repair the client: decide which of the values is meant.",
        more="Every place is reported, each on a line of its own.",
    ),
    "json.not_finite": Example(
        refused=inventories('{"VCPU": {"total": 64, "allocation_ratio": NaN}}'),
        accepted=inventories('{"VCPU": {"total": 64, "allocation_ratio": 1.5}}'),
        bare="Placement answers 500: no capacity can be made of it.",
        advice="Repair the client: NaN is no JSON.",
        more="A number too large for a float, such as 1e400, is not finite either; where the "
        "schema has an upper bound for it, [document.invalid](document.invalid.md) comes first.",
    ),
    "json.nul_character": Example(
        refused=with_json(_NEW, r'{"name": "compute\u0000-1"}'),
        accepted=_RIGHT,
        bare="Placement stores it where the database can. PostgreSQL cannot: 500.",
        advice=_JSON_WRITER,
    ),
    "json.lone_surrogate": Example(
        refused=with_json(_NEW, r'{"name": "compute\ud800-1"}'),
        accepted=_RIGHT,
        bare="Placement answers 500: half of a character cannot be written as UTF-8.",
        advice=_JSON_WRITER,
    ),
    "inventory.unmatched_class": Example(
        refused=inventories('{"vcpu": {"total": "many"}}'),
        accepted=inventories('{"VCPU": {"total": 64}}'),
        bare="The schema judges only keys that match `^[A-Z0-9_]+$`. What any other key stands for "
        "is not judged at all, and Placement computes with it: 500.",
        advice="Correct the name of the resource class. Names are upper case.",
        more="A key that is no resource class but stands for a sound inventory goes on to "
        "Placement, which answers 400: it knows no such class.",
    ),
    "allocations.consumer_not_uuid": Example(
        refused=with_json(_MANY, f'{{"{"-" * 36}": {held()}}}'),
        accepted=with_json(_MANY, f'{{"{CONSUMER}": {held()}}}'),
        bare="The schema takes any 36 hexadecimal digits and dashes, with a line break at the end "
        "if there is one. `POST /allocations` and `/reshaper` store such a consumer (204). "
        "`/allocations/{consumer_uuid}` takes UUIDs only, so what it holds cannot be replaced "
        "there.",
        advice="Use the UUID of the consumer.",
        more="Looks at the consumers in the body of `POST /allocations` and of a reshape.",
    ),
    "allocations.fractional_amount": Example(
        refused=with_json(_MANY, f'{{"{CONSUMER}": {held(amount="8.0")}}}'),
        accepted=with_json(_MANY, f'{{"{CONSUMER}": {held()}}}'),
        bare="For the schema `8.0` is an integer. MariaDB adds up in decimals what is used "
        "already, and Python adds no float to a decimal: 500 as soon as anything is used of that "
        "class. SQLite and PostgreSQL serve it.",
        advice="Write amounts without a fraction.",
        more=_AFTER,
        given="Placement is on MariaDB, and fails.",
        failure=TypeError("unsupported operand type(s) for +: 'decimal.Decimal' and 'float'"),
    ),
    "allocations.consumer_in_other_case": Example(
        refused=with_json(_MANY, f'{{"{CONSUMER.upper()}": {held()}}}'),
        accepted=with_json(_MANY, f'{{"{CONSUMER}": {held()}}}'),
        bare="MariaDB compares without regard to case, and finds a consumer that is stored as "
        f"`{CONSUMER}`; Placement then looks for that spelling in the body: 500. The other "
        "databases take it for another consumer.",
        advice="Write a UUID always the same, best in lower case.",
        more=_AFTER,
        given="Placement is on MariaDB, knows the consumer, and fails.",
        failure=KeyError(CONSUMER),
    ),
    "document.trailing_newline": Example(
        refused=with_json("POST /resource_classes", r'{"name": "CUSTOM_A\n"}'),
        accepted=with_json("POST /resource_classes", '{"name": "CUSTOM_A"}'),
        bare=r"In the patterns of the schemas `$` also matches before a line break at the end. Of "
        r"a resource class Placement stores the name, line break and all, and answers 500: the "
        r"name does not fit into the Location header. A consumer type `INSTANCE\n` is stored "
        r"(204), and is not the type `INSTANCE`.",
        advice="Repair the client: it sends a line of a file, most likely, as it read it.",
        more="Looks at the name of a new resource class and at consumer types in "
        "`PUT /allocations/{consumer_uuid}`, `POST /allocations` and a reshape.",
    ),
    "document.too_long": Example(
        refused=with_json(
            _AGGREGATES,
            f'{{"resource_provider_generation": 1,\n "aggregates": ["urn:uuid:{_AGGREGATE}"]}}',
        ),
        accepted=with_json(
            _AGGREGATES,
            f'{{"resource_provider_generation": 1,\n "aggregates": ["{_AGGREGATE}"]}}',
        ),
        bare="Other spellings of a UUID are UUIDs for the schema, but the column has 36 "
        "characters. SQLite does not check lengths, and stores all 45. A database that does fails.",
        advice="Write UUIDs in 36 characters.",
        more="Looks at the aggregates of a provider.",
    ),
}
