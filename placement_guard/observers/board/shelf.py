"""The boards of all workers, each in the file of its slot, and who writes and reads them."""

import contextlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import monotonic, time
from typing import Final

import msgspec
from oslo_log import log

from placement_guard.observers.board.board import Board
from placement_guard.observers.board.facts import (
    DECISIONS,
    MINUTES,
    OLD_CLIENTS,
    Minute,
    OldClient,
    Snapshot,
    Status,
)
from placement_guard.observers.board.sketch import merged
from placement_guard.observers.slots import Slots
from placement_guard.rules import RULES, Mode

LOG = log.getLogger(__name__)

WRITE_SECONDS: Final = 0.5
"""How often a board that has changed is written."""

SIGN_SECONDS: Final = 5.0
"""How often one that has not is written all the same, as a sign of life."""

MAX_BYTES: Final = 1024 * 1024
"""The largest file that is read; one of a worker has less than 64 KiB."""

HOT_SECONDS: Final = 60.0
"""How often the hot providers are logged, if there were conflicts."""

LOGGED: Final = 5
"""How many of them."""

_decode: Final = msgspec.json.Decoder(Snapshot).decode
_encode: Final = msgspec.json.Encoder().encode


class Shelf:
    """The boards of a service. ``slots``: those of its workers; None: this process is alone.

    failed
        Called where the board of this process cannot be written, each time that begins.
    """

    def __init__(
        self,
        board: Board,
        slots: Slots | None,
        modes: Mapping[str, Mode],
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._board, self._slots, self._failed = board, slots, failed
        self._modes = {rule: mode.value for rule, mode in modes.items()}
        self._wrong = False
        self._end = threading.Event()

    def begin(self, listens: Callable[[], bool] = lambda: True) -> None:
        """Take over what the worker before has left, and write from now on, in a thread.

        listens
            Says whether this process serves the status: it is the one that logs what is hot.
        """
        self._board.begins()
        if self._slots is not None:
            before = self._read(self._path(self._slots.mine()))
            if before is not None:
                self._board.go_on(before)
        threading.Thread(target=self._run, args=(listens,), name="status", daemon=True).start()

    def end(self) -> None:
        """Let the thread end."""
        self._end.set()

    def _run(self, listens: Callable[[], bool]) -> None:
        written = -1
        signed, told, conflicts = 0.0, monotonic(), 0
        while not self._end.is_set():
            changes = self._board.changes
            if self._slots is not None and (
                changes != written or monotonic() - signed > SIGN_SECONDS
            ):
                self._write()
                written, signed = changes, monotonic()
            if monotonic() - told > HOT_SECONDS:
                told = monotonic()
                if listens():
                    conflicts = self._say_hot(conflicts)
            self._end.wait(WRITE_SECONDS)

    def _say_hot(self, before: int) -> int:
        """Log the hottest, if there was any conflict since; returns how many there were."""
        hot = self.status().hot
        conflicts = sum(one.conflicts for one in hot)
        if hot and conflicts != before:
            hottest = ", ".join(f"{one.provider} {one.conflicts}" for one in hot[:LOGGED])
            LOG.info("Providers that conflict most, in the last hour: %s", hottest)
        return conflicts

    def _path(self, slot: str) -> Path:
        assert self._slots is not None  # noqa: S101  # for the types
        return self._slots.directory / f"board_{slot}.json"

    def _write(self) -> None:
        assert self._slots is not None  # noqa: S101  # for the types
        path = self._path(self._slots.mine())
        unfinished = path.with_suffix(".new")
        try:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
                file.write(_encode(self._board.snapshot(self._slots.mine())))
            unfinished.replace(path)
        except OSError as error:
            if not self._wrong:
                LOG.error(  # noqa: TRY400  # a traceback would say no more
                    "The status page does not get what this worker sees: %s (%s)",
                    path,
                    error.strerror,
                )
                self._failed()
            self._wrong = True
        else:
            self._wrong = False

    def _read(self, path: Path) -> Snapshot | None:
        """What a file holds; None where it is none of ours."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            return _decode(data) if len(data) <= MAX_BYTES else None
        except (OSError, msgspec.MsgspecError, ValueError):
            return None

    def status(self) -> Status:
        """What all workers know together."""
        now = time()
        if self._slots is None:
            boards = [self._board.snapshot("alone")]
            alive = {"alone"}
        else:
            mine = self._slots.mine()
            paths = sorted(self._slots.directory.glob("board_*.json"))
            read = (self._read(path) for path in paths if path != self._path(mine))
            boards = [self._board.snapshot(mine), *(found for found in read if found is not None)]
            alive = set(self._slots.held())
        living = tuple(sorted((b for b in boards if b.slot in alive), key=lambda b: b.slot))
        decisions = sorted((d for b in boards for d in b.decisions), key=lambda d: -d.at)
        defaults = {rule.id: rule.default_mode.value for rule in RULES}
        return Status(
            host=socket.gethostname(),
            at=now,
            version=boards[0].version,
            shared=self._slots is not None,
            workers=living,
            decisions=tuple(decisions[:DECISIONS]),
            minutes=_minutes((m for b in boards for m in b.minutes), now),
            hot=tuple(merged([board.hot for board in boards], now)),
            old=_old(client for board in boards for client in board.old),
            told=boards[0].told,
            changed_modes={r: m for r, m in self._modes.items() if m != defaults.get(r)},
            modes=self._modes,
        )


def _minutes(found: Iterable[Minute], now: float) -> tuple[Minute, ...]:
    """The last hour, minute by minute, also those in which nothing was."""
    last = int(now // 60)
    sums = {number: Minute(number) for number in range(last - MINUTES + 1, last + 1)}
    for minute in found:
        total = sums.get(minute.at)
        if total is not None:
            for name in ("requests", "rejected", "conflicts", "failed", "whole", "placement"):
                setattr(total, name, getattr(total, name) + getattr(minute, name))
    return tuple(sums.values())


def _old(found: Iterable[OldClient]) -> tuple[OldClient, ...]:
    """By user, who was seen last first."""
    users: dict[str, OldClient] = {}
    counts: Counter[str] = Counter()
    for client in sorted(found, key=lambda client: client.seen):
        counts[client.user] += client.requests
        before = users.get(client.user, client)
        lowest = min(
            (before.microversion, client.microversion), key=lambda v: int(v.partition(".")[2] or 0)
        )
        users[client.user] = OldClient(client.user, lowest, counts[client.user], client.seen)
    latest = sorted(users.values(), key=lambda client: -client.seen)
    return tuple(latest[:OLD_CLIENTS])
