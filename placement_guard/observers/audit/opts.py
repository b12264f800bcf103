"""The options of the audit."""

from typing import Final

from oslo_config import cfg

from placement_guard.settings import DRIVERS, Settings

_defaults = Settings()

OPTIONS: Final = (
    cfg.StrOpt(
        "audit",
        default=_defaults.audit,
        help=(
            "Where a record of each mutation and of each refusal goes: the absolute path of a "
            "file, which gets a line of JSON each, or log, for the logger placement_guard.audit. "
            "All workers may have the same file. Default: there are no records."
        ),
    ),
    cfg.IntOpt(
        "audit_max_bytes",
        default=_defaults.audit_max_bytes,
        help=(
            "How large the file of the audit gets, in bytes (65536 or more), before it is renamed "
            "to FILE.1, and that to FILE.2, and so on. 0 leaves that to logrotate or the like."
        ),
    ),
    cfg.IntOpt(
        "audit_kept_files",
        default=_defaults.audit_kept_files,
        help=(
            "How many renamed files are kept (1 to 1000). So they all take at most "
            "audit_max_bytes * (audit_kept_files + 1)."
        ),
    ),
    cfg.IntOpt(
        "audit_queue",
        default=_defaults.audit_queue,
        help=(
            "How many records wait in one worker while they cannot be written (16 to 100000). "
            "More are dropped, and counted. A record takes 1 to 3 kB of memory."
        ),
    ),
    cfg.StrOpt(
        "audit_notifications_url",
        default=_defaults.audit_notifications_url,
        secret=True,
        help=(
            "The message bus to which the records go, too, as CADF events: a transport URL of "
            "oslo.messaging, for example rabbit://user:password@rabbit.example.org:5672/. It needs "
            "the extra placement-guard[notifications]; [oslo_messaging_rabbit] and the like hold. "
            "Default: none is sent."
        ),
    ),
    cfg.StrOpt(
        "audit_notifications_topic",
        default=_defaults.audit_notifications_topic,
        help="The topic of the notifications; their queue is TOPIC.info.",
    ),
    cfg.StrOpt(
        "audit_notifications_driver",
        default=_defaults.audit_notifications_driver,
        help=f"How they are sent: {' or '.join(DRIVERS)}, which has no envelope.",
    ),
)
"""All of them, in ``[placement_guard]``."""
