"""Rules of the stage ``query``."""

from typing import Final

from tests.rule_examples.example import PROVIDER, TOO_LONG, TOO_MANY, Example

_VERSION: Final = "HTTP/1.1\nOpenStack-API-Version: placement 1.39"
_AFTER: Final = (
    "Asked only after Placement has failed on a read: the guard says of the failure what it is "
    "about."
)
_DEPENDS: Final = "Whether it fails depends on the database and on what it holds: "


def _get(target: str) -> str:
    return f"GET {target} {_VERSION}"


QUERY: Final = {
    "query.undecodable": Example(
        refused=_get("/usages?project_id=%FF"),
        accepted=_get("/usages?project_id=%C3%BF"),
        bare="Placement answers 500 for `GET /usages`. Everywhere else it answers 400 itself.",
        advice="Repair the client: percent-encode UTF-8.",
        more="Looks at `GET /usages` only. The wording is the one that Placement has elsewhere.",
    ),
    "query.unreadable_limit": Example(
        refused=_get("/allocation_candidates?resources=VCPU:1&limit=many&limit=5"),
        accepted=_get("/allocation_candidates?resources=VCPU:1&limit=5"),
        bare="Of several limits Placement checks the last one and reads the first: 500.",
        advice="Send one limit.",
        more="Looks at `GET /allocation_candidates` only. A limit of more digits than Python reads "
        "(4300) breaks the rule too. What Placement's check refuses is left to it.",
    ),
    "query.amount_too_large": Example(
        refused=_get(f"/resource_providers?resources=VCPU:{'9' * 30}"),
        accepted=_get("/resource_providers?resources=VCPU:99"),
        bare=f"{_DEPENDS}SQLite answers an amount of 30 digits with 500.",
        advice="Ask for an amount that there can be: at most 2147483647.",
        more=_AFTER,
        given="Placement is on SQLite, and fails.",
        failure=OverflowError("Python int too large to convert to SQLite INTEGER"),
    ),
    "query.nul_character": Example(
        refused=_get("/resource_providers?name=compute%00"),
        accepted=_get("/resource_providers?name=compute-1"),
        bare=f"{_DEPENDS}PostgreSQL takes no NUL (500), SQLite finds nothing (200).",
        advice="Repair the client. No name has a NUL in it.",
        more=_AFTER,
        given="Placement is on PostgreSQL, and fails.",
        failure=ValueError("A string literal cannot contain NUL (0x00) characters."),
    ),
    "path.nul_character": Example(
        refused=_get("/resource_providers/%00"),
        accepted=_get(f"/resource_providers/{PROVIDER}"),
        bare=f"{_DEPENDS}PostgreSQL takes no NUL (500), SQLite finds nothing (404).",
        advice="Repair the client. No name has a NUL in it.",
        more=_AFTER,
        given="Placement is on PostgreSQL, and fails.",
        failure=ValueError("A string literal cannot contain NUL (0x00) characters."),
    ),
    "query.character_unsupported": Example(
        refused=_get("/resource_providers?name=%F0%9F%96%A5"),
        accepted=_get("/resource_providers?name=compute-1"),
        bare=f"{_DEPENDS}MariaDB answers 500 where the connection has three bytes for a character "
        "and the tables have four.",
        advice="Connect to the database with `charset=utf8mb4`, or leave such characters out of "
        "names.",
        more=f"{_AFTER} The characters are those above U+FFFF.",
        given="Placement is on MariaDB, and fails.",
        failure=RuntimeError("(1267, \"Illegal mix of collations for operation '='\")"),
    ),
    "query.too_many_conditions": Example(
        refused=_get(f"/resource_providers?required={TOO_MANY}"),
        accepted=_get("/resource_providers?required=CUSTOM_T1,CUSTOM_T2"),
        bare=f"{_DEPENDS}each condition is a join of its own, and MariaDB joins 61 tables, SQLite "
        "64. What is more is a 500.",
        advice="Ask for less at once, and compare the answers.",
        more=f"{_AFTER} More than 60 conditions of one parameter break the rule.",
        given="The traits are 70, and Placement knows them all. It is on SQLite, and fails.",
        failure=RuntimeError("at most 64 tables in a join"),
    ),
    "query.prefix_too_long": Example(
        refused=_get(f"/traits?name=startswith:{TOO_LONG}"),
        accepted=_get("/traits?name=startswith:CUSTOM_A"),
        bare=f"{_DEPENDS}SQLite compares prefixes of up to 49,999 bytes. What is longer is a 500.",
        advice="Repair the client. No trait has a name of more than 255 characters.",
        more=_AFTER,
        given="The prefix has 50,000 characters. Placement is on SQLite, and fails.",
        failure=RuntimeError("LIKE or GLOB pattern too complex"),
    ),
}
