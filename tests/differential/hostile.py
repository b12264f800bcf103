"""Query strings with something wrong: numbers, encodings, names, suffixes, repetitions."""

import random
import re
from urllib.parse import quote

from placement_guard.api.operations import Operation
from tests.differential import queries
from tests.differential.cloud import fixed
from tests.differential.strange import uuids

_NUMBERS = (
    *("0", "-1", "1.5", "1e3", "2147483647", "2147483648", "4294967296", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "9" * 40, "9" * 4300, "9" * 4301, "NaN", ""),
    *("%201", "1%0a", "+1", "0x1", "1_000", "%d9%a3", "%ef%bc%91", "True", "Infinity", "1%00"),
)
_STRINGS = (
    *("%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%c0%80", "%f0%9f%98%80", "%c3%a9", "%0a", "%"),
    *(
        "%zz",
        "%u0041",
        "",
        "in:",
        "!",
        "!in:",
        "in:,",
        ",",
        ",,",
        "!!A",
        "in:!A",
        "!in:!A",
        "in:in:",
    ),
    *(
        "a" * 255,
        "a" * 256,
        "a" * 8000,
        "VCPU%0a",
        "CUSTOM_FAST%0a",
        "+",
        "%2b",
        "&",
        "=",
        "%26",
        ":",
    ),
    *(
        "INSTANCE%0a",
        "all%0a",
        "allowed",
        "unknown%0a",
        "ALL",
        "\xe9",
        "\xff",
        "\xed\xa0\x80",
        "None",
    ),
    *(
        "startswith:",
        "in:CUSTOM_FAST%00",
        "startswith:%00",
        "startswith:%ff",
        "startswith:%25",
        "in",
    ),
    *("node1%00", "NODE1", "%f0%9f%98%80" * 300, "1", "true%00", "TRUE", "yes", "project1%0a"),
)
_AMOUNT_NAMES = (
    "VCPU",
    "NOPE",
    "",
    "VCPU%0a",
    "%00",
    "%c3%a9",
    "vcpu",
    "CUSTOM_GPU",
    "%ff",
    "A" * 256,
)
_SUFFIXES = (
    *(
        "0",
        "01",
        "-",
        "_",
        "1a",
        "%0a",
        "1%0a",
        "A" * 64,
        "A" * 65,
        "%c3%a9",
        "%00",
        "1.5",
        " ",
        "%20",
    ),
    *("9" * 30, "_COMPUTE%0a", "é"),
)
_UNKNOWN = (
    "unknown",
    "",
    "%00",
    "%ff",
    "RESOURCES",
    "limit%0a",
    "\xe9",
    "in_tree",
    "same_subtree",
    "[]",
)


def hostile(row: Operation, minor: int, rng: random.Random) -> tuple[str, str]:
    """A query string with one to three things wrong, and what was done."""
    parts = [part for part in queries.valid(row, minor, rng).split("&") if part]
    known = queries.PARAMETERS.get(row.path, ())
    # Mostly what this version reads: what it does not know is refused before it is looked at.
    names = [name for name, since, _ in known if minor >= since or rng.random() < 0.05] or ["name"]
    if row.path == "/allocation_candidates" and minor >= 25:
        names += ["resources1", "required1", "member_of1"]
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        what = rng.choice(_CHANGES)
        done.append(what.__name__.strip("_"))
        what(parts, names, rng)
    if rng.random() < 0.03:
        parts *= 50
    return "&".join(parts), "+".join(done)


def _one(names: list[str], rng: random.Random, *wanted: str) -> str:
    """One of the names that are read; of those that are wanted, if any of them is."""
    return rng.choice([name for name in names if name.startswith(wanted)] or names)


def _put(parts: list[str], name: str, value: str, rng: random.Random) -> None:
    """Set the parameter, in the place of the one that is there, or beside it."""
    for at, part in enumerate(parts):
        if part.partition("=")[0] == name and rng.random() < 0.8:
            parts[at] = f"{name}={value}"
            return
    parts.insert(rng.randint(0, len(parts)), f"{name}={value}")


def _odd_string(parts: list[str], names: list[str], rng: random.Random) -> None:
    _put(parts, _one(names, rng, ""), rng.choice(_STRINGS), rng)


def _odd_number(parts: list[str], names: list[str], rng: random.Random) -> None:
    name = _one(names, rng, "limit")
    _put(parts, name, rng.choice(_NUMBERS), rng)


def _odd_amount(parts: list[str], names: list[str], rng: random.Random) -> None:
    amount = rng.choice(_NUMBERS)
    value = rng.choice(
        (f"VCPU:{amount}", f"{rng.choice(_AMOUNT_NAMES)}:{amount}", f"VCPU:1,{amount}")
    )
    if rng.random() < 0.2:
        value = ",".join(f"CUSTOM_{i}:1" for i in range(rng.choice((3, 70, 1100))))
    _put(parts, _one(names, rng, "resources"), value, rng)


def _odd_identifier(parts: list[str], names: list[str], rng: random.Random) -> None:
    name = _one(names, rng, "uuid", "in_tree", "member_of")
    spelled = quote(rng.choice(uuids(fixed("node1"))), safe="!:,", errors="surrogatepass")
    form = rng.choice(("{}", "{}", "in:{}", "!{}", "!in:{}", "{},{}", "in:{},"))
    _put(parts, name, form.replace("{}", spelled), rng)


def _odd_suffix(parts: list[str], names: list[str], rng: random.Random) -> None:
    name = rng.choice(
        ("resources", "required", "member_of", "in_tree", "same_subtree", "group_policy")
    )
    value = rng.choice(
        ("VCPU:1", "CUSTOM_FAST", fixed("rack1"), fixed("node1"), "none", "isolate", "")
    )
    parts.append(f"{name}{rng.choice(_SUFFIXES)}={value}")


def _odd_trait(parts: list[str], names: list[str], rng: random.Random) -> None:
    name = _one(names, rng, "required", "root_required", "name")
    _put(parts, name, rng.choice(_STRINGS), rng)


def _unknown_key(parts: list[str], names: list[str], rng: random.Random) -> None:
    parts.append(f"{rng.choice(_UNKNOWN)}={rng.choice(_STRINGS)}")


def _repeat(parts: list[str], names: list[str], rng: random.Random) -> None:
    if parts:
        name = rng.choice(parts).partition("=")[0]
        parts.append(f"{name}={rng.choice((*_STRINGS, *_NUMBERS, 'VCPU:1', 'node1'))}")


def _drop(parts: list[str], names: list[str], rng: random.Random) -> None:
    if parts:
        parts.pop(rng.randrange(len(parts)))


def _syntax(parts: list[str], names: list[str], rng: random.Random) -> None:
    parts.append(rng.choice(("", "=", "a", "&", "=&=", ";", "a;b=c", "%", "%00", "?", "#")))


def _encode(parts: list[str], names: list[str], rng: random.Random) -> None:
    if parts:
        at = rng.randrange(len(parts))
        found = list(re.finditer(r"[a-zA-Z0-9]", parts[at]))
        if found:
            place = rng.choice(found).start()
            odd = rng.choice(("%00", "%ff", "%0a", f"%{ord(parts[at][place]):02x}", "%ed%a0%80"))
            parts[at] = parts[at][:place] + odd + parts[at][place + 1 :]


_CHANGES = (
    *(
        _odd_string,
        _odd_string,
        _odd_number,
        _odd_amount,
        _odd_amount,
        _odd_identifier,
        _odd_suffix,
        _odd_trait,
    ),
    *(_unknown_key, _repeat, _drop, _syntax, _encode),
)
