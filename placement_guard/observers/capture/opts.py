"""The options of the recording."""

from typing import Final

from oslo_config import cfg

from placement_guard.settings import Settings

_defaults = Settings()

OPTIONS: Final = (
    cfg.StrOpt(
        "capture_file",
        default=_defaults.capture_file,
        help=(
            "The file into which exchanges are recorded, for ``placement-guard replay``. All "
            "workers write to the same one, with mode 0600. No token is recorded. What cannot be "
            "written is dropped and counted: no request waits for it. Default: nothing is recorded."
        ),
    ),
    cfg.StrOpt(
        "capture_bodies",
        default=_defaults.capture_bodies,
        help=(
            "What is recorded of a body: whole, shape or none. Shape keeps what it is made of, "
            "resource classes, traits and the magnitude of numbers; names, UUIDs, projects and "
            "users are hidden by a key in ``<file>.key``, in the body and everywhere else in the "
            "record. What is left out cannot always be judged again."
        ),
    ),
    cfg.BoolOpt(
        "capture_reads",
        default=_defaults.capture_reads,
        help="Record reads too, not only what changes something.",
    ),
    cfg.IntOpt(
        "capture_max_bytes",
        default=_defaults.capture_max_bytes,
        help=(
            "The size, in bytes (1048576 to 1099511627776), at which the file is put aside as "
            "``<file>.1``, that one as ``<file>.2`` and so on."
        ),
    ),
    cfg.IntOpt(
        "capture_kept_files",
        default=_defaults.capture_kept_files,
        help="How many files that were put aside are kept (0 to 1000); the oldest goes.",
    ),
)
"""All of them, in ``[placement_guard]``."""
