"""A message bus as a sink: CADF events, sent as notifications of oslo.messaging.

Needs the extra ``placement-guard[notifications]``.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any, Final, Self

import oslo_messaging
from oslo_config import cfg
from oslo_messaging.notify import messaging, notifier

from placement_guard.observers.audit.record import HOST
from placement_guard.observers.writing.sink import UNREACHABLE, SinkError

EVENT_TYPE: Final = "placement_guard.audit"

_LOGGERS: Final = tuple(module.__name__ for module in (messaging, notifier))


class Notifications:
    """Sends each event at priority ``info``; a sink.

    url
        Of the transport: ``rabbit://user:password@host:5672/``.
    conf
        Where ``[oslo_messaging_rabbit]`` and the like are: TLS, heartbeats.
    """

    def __init__(self, url: str, topic: str, driver: str, conf: cfg.ConfigOpts) -> None:
        self._failures = _Failures()
        try:
            transport = oslo_messaging.get_notification_transport(conf, url=url)
            self._notifier = oslo_messaging.Notifier(
                transport,
                publisher_id=f"placement-guard.{HOST}",
                driver=driver,
                topics=[topic],
                retry=0,
            )
        except Exception as error:  # its text may quote the URL
            raise SinkError(UNREACHABLE, type(error).__name__) from None

    def __call__(self, records: Sequence[dict[str, Any]]) -> None:
        for number, event in enumerate(records):
            with self._failures as failures:
                self._notifier.info({}, EVENT_TYPE, event)
            if failures.seen:
                raise SinkError(UNREACHABLE, failures.seen, number)

    def close(self) -> None:
        self._notifier.transport.cleanup()


class _Failures(logging.Filter):
    """Sees what oslo.messaging says of a notification that this thread could not send.

    It tells nobody else: the notifier returns as if it had been sent. What it says holds the whole
    notification, each time, so it goes no further.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""
        self._thread = 0

    def __enter__(self) -> Self:
        self.seen, self._thread = "", threading.get_ident()
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)
        return self

    def __exit__(self, *_error: object) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread or record.levelno < logging.ERROR:
            return True
        error = record.exc_info[1] if record.exc_info else None
        self.seen = type(error).__name__
        return False
