"""Name a place in a JSON document, for messages and logs."""

import json
import re
from typing import Final

Path = tuple[str | int, ...]

MAX_PATH: Final = 300
"""The longest path (characters) that is written; a longer one keeps its ends."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def json_path(path: Path) -> str:
    """``$.inventories["5d..."].inventories.VCPU.total``: ASCII, on one line, bounded."""
    text = "$" + "".join(map(_step, path))
    if len(text) <= MAX_PATH:
        return text
    half = MAX_PATH // 2 - 2
    return f"{text[:half]}...{text[-half:]}"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN.fullmatch(part) else f"[{json.dumps(part)}]"
