"""A bar on standard error, where that is a terminal."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TypeVar

from tqdm import tqdm

Result = TypeVar("Result")

_FORMAT = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_ENDLESS = "{desc}: {n_fmt} [{elapsed}]"


def shown(results: Iterator[Result], label: str, total: int | None) -> Iterator[Result]:
    """Hands on what it is given, and shows how much that was; the bar goes when it is done."""
    bar = tqdm(
        desc=label,
        total=total,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
        dynamic_ncols=True,
        bar_format=_FORMAT if total else _ENDLESS,
    )
    with bar:
        for result in results:
            yield result
            bar.update()


def beside() -> contextlib.AbstractContextManager[None]:
    """Around what is written to a terminal: the bar steps aside."""
    return tqdm.external_write_mode(file=sys.stdout, nolock=False)
