"""The strange things: values, keys, numbers and names that a careless client could send."""

import json
import uuid
from typing import Any

_UUID = "c0ffee00-5ac1-4b62-9d1f-2a3b4c5d6e7f"


class Raw(str):
    """JSON text that stands for itself, such as ``1e400``: not what ``json`` would write."""

    __slots__ = ()


def write(value: Any, *, ascii_only: bool = True) -> bytes:
    """``value`` as JSON. ``Raw`` text stands as it is; what UTF-8 has not is written all the same."""
    raw: list[str] = []
    written = json.dumps(_marked(value, raw), ensure_ascii=ascii_only)
    for at, text in enumerate(raw):
        written = written.replace(f'"raw:{at}:raw"', text, 1)
    return written.encode("utf-8", "surrogatepass")


def _marked(value: Any, raw: list[str]) -> Any:
    if isinstance(value, Raw):
        raw.append(str(value))
        return f"raw:{len(raw) - 1}:raw"
    if isinstance(value, dict):
        return {key: _marked(member, raw) for key, member in value.items()}
    if isinstance(value, list):
        return [_marked(member, raw) for member in value]
    return value


NUMBERS: tuple[Any, ...] = (
    *map(Raw, ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-0.0", "-0", "3.0", "1e2")),
    *(0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63),
    *(-(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**39, 0.5, 1e-320, 1e-7, 5e-324, 1e300, 1e16),
    *map(Raw, ("9" * 4300, "9" * 4301, "-" + "9" * 5000, "1" + "0" * 30, "1.0e0", "2147483648.0")),
    *map(Raw, ("3.40282e38", "3.4028235e38", "3.5e38", "-3.40282e38", "-3.5e38", "1e-400")),
)
TEXTS: tuple[str, ...] = (
    *(
        "",
        " ",
        "a",
        "x\n",
        "VCPU\n",
        "CUSTOM_A\n",
        "nul\0",
        "\0",
        "half\ud800",
        "\udfff",
        "é",
        "中",
    ),
    *(
        "\U0001f600",
        "\U0001f600" * 200,
        "\U0001f600" * 201,
        "é" * 200,
        "é" * 255,
        "\U0001f600" * 255,
    ),
    *("a" * 200, "a" * 201, "A" * 255, "A" * 256, "CUSTOM_" + "A" * 248, "CUSTOM_" + "A" * 249),
    *(
        "a" * 70000,
        "tab\t",
        "\x7f\x1b[0m",
        "a:b",
        'say "no"',
        "it's",
        "a\\b",
        "<b>",
        "%s %(x)s",
        "{}",
    ),
    *("\u202eabc", "e\u0301", "ﬀ", "\ufeff", "\uffff", " lead", "trail ", "None", "null", "vcpu"),
)
NAMES: tuple[str, ...] = (
    *("vcpu", "", "VCPU\n", "Vcpu", " VCPU", "VCPU ", "VCPU\0", "é", "\U0001f600", "\ud800", "a:b"),
    *("A" * 255, "A" * 256, "k" * 300, "VCPU\n\n", "0", "_", "CUSTOM_", "UNKNOWN_CLASS", "VCPU,"),
    *("CUSTOM_GPU\n", "MEMORY_MB\n", "CUSTOM_ÉTÉ", "custom_gpu", "../", "<x>", "V\u0421PU"),
)
"""Resource classes and the like; those that break ``^[A-Z0-9_]+$`` escape some schemas."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [1], [[]], [{}], {"a": 1}, {"": None}, {"A": {"A": {}}}, "x", ""),
    *(*NUMBERS[:20], *TEXTS[:12], [None], ["a", "a"], [1, 1.0, True], list(range(300))),
    *({f"K{i}": i for i in range(200)}, {"total": 1}, {"total": Raw("NaN")}, _UUID),
)
KEYS: tuple[str, ...] = (
    *(
        "",
        "a",
        "name",
        "uuid",
        "total",
        "generation",
        "allocations",
        "inventories",
        "consumer_type",
    ),
    *("nul\0", "half\udfff", "é", "k" * 3000, "__proto__", "resource_provider_generation", "a\n"),
)


def uuids(text: str = _UUID) -> tuple[str, ...]:
    """Spellings that are not quite, or not at all, this identifier."""
    plain = text.replace("-", "")
    return (
        *(text.upper(), plain, plain.upper(), "{" + text + "}", "urn:uuid:" + text, text + "\n"),
        *("-" * 36, "-" + text[:-1], "-" + plain + "---", text[:-1], text + "0", text[:-1] + "g"),
        *(
            "a" * 36,
            "0" * 36,
            "-" * 35 + "\n",
            " " + text,
            text + " ",
            text[:-1] + "\0",
            text + "\0",
        ),
        *(
            "",
            "not-a-uuid",
            "x" * 300,
            "é" * 36,
            "\U0001f600" * 9,
            text.replace("-", "\u2010"),
            "{}",
        ),
        *(
            text[:35] + "\ud800",
            str(uuid.UUID(int=0)),
            "(" + plain + ")",
            text.replace("c", "\u0441"),
        ),
    )


PATHS: tuple[str, ...] = (
    *("%0a", "VCPU%0a", "%00", "VCPU%00", "%c3%a9", "%ff", "%ed%a0%80", "%f0%9f%98%80", "x" * 300),
    *("A" * 255, "A" * 256, "y" * 8000, "..", ".", "%2e%2e", "%20", "VCPU%20", "a%2fb", "%25", "%"),
    *("CUSTOM_" + "A" * 248, "CUSTOM_" + "A" * 249, "CUSTOM_A%0a", "custom_a", "CUSTOM_", "NOPE"),
    *(
        "CUSTOM_%c3%89",
        "VCPU%0d%0a",
        "%7b0%7d",
        "0",
        "-1",
        "None",
        "CUSTOM_A%00",
        "CUSTOM_A%20",
        "",
    ),
)
"""Path parameters, percent-encoded."""

DEPTHS = (2, 30, 200, 900, 990, 1100, 5000, 100000)
"""Levels of nesting; Python's parser stops near a thousand."""
