"""The key by which all processes of a host hide names and UUIDs alike."""

import contextlib
import os
from pathlib import Path
from typing import Final

from oslo_log import log

LOG = log.getLogger(__name__)

KEY_BYTES: Final = 32


def key_of(path: str) -> bytes:
    """The key in ``<path>.key``: made by the first process that needs it, read by the others.

    Where it can be neither, one that this process alone has.
    """
    made = os.urandom(KEY_BYTES)
    mine = f"{path}.key.{os.getpid()}.{made[:4].hex()}"
    try:
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, made)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            Path(path + ".key").hardlink_to(mine)
        key = Path(path + ".key").read_bytes()
        if len(key) == KEY_BYTES:
            return key
        LOG.error("%s.key is no key; what this process hides, it hides by another", path)
    except OSError as error:
        LOG.error("%s.key cannot be used: %s", path, error)  # noqa: TRY400
    finally:
        with contextlib.suppress(OSError):
            Path(mine).unlink()
    return made
