"""Reads recordings line by line; what is no line of a recording is counted and left."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Final

import msgspec

from placement_guard.recording.lines import (
    HEADER_MARK,
    MAX_LINE,
    VERSION,
    Header,
    Record,
    decode_header,
    decode_record,
)
from placement_guard.replay.errors import CannotReplayError

FOREIGN, TORN = "foreign", "torn"
"""Lines that are not read: of something else, or without their end."""

MAX_HEADERS: Final = 4096
"""How many headers are remembered: one a process and configuration."""


class Reader:
    """The records of some files, in order; ``skipped`` counts what is none.

    ``progress`` is told how many bytes were read.
    """

    def __init__(self, progress: Callable[[int], object] = lambda _read: None) -> None:
        self.headers: dict[str, Header] = {}
        self.skipped: Counter[str] = Counter()
        self._progress = progress

    def records(self, file: IO[bytes], name: str) -> Iterator[Record]:
        """The records of one file. CannotReplayError where it is none, or is too new."""
        begun = False
        while line := file.readline(MAX_LINE + 1):
            self._progress(len(line))
            whole = line.endswith(b"\n")
            if not whole and len(line) > MAX_LINE:
                self._pass_over(file)
                self.skipped[FOREIGN] += 1
            elif line.startswith(HEADER_MARK):
                begun = self._header(line, name) or begun
            elif line.strip():
                if not begun:
                    raise CannotReplayError(f"{name} is no recording: it does not begin as one")
                record = self._record(line, whole=whole)
                if record is not None:
                    yield record
        if not begun:
            raise CannotReplayError(f"{name} is no recording: it is empty")

    def _header(self, line: bytes, name: str) -> bool:
        try:
            version = msgspec.json.decode(line, type=_Version).placement_guard_recording
            if version > VERSION:
                raise CannotReplayError(
                    f"{name} is a recording of version {version}; this placement-guard reads up to "
                    f"{VERSION}: use the one that made it, or a newer one"
                )
            header = decode_header(line)
        except msgspec.DecodeError:
            self.skipped[TORN] += 1
            return False
        if len(self.headers) < MAX_HEADERS:
            self.headers[header.id] = header
        return True

    def _record(self, line: bytes, *, whole: bool) -> Record | None:
        try:
            return decode_record(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Of a line that a process has not finished, only the begin is there.
            torn = line.startswith(b'{"at":') or not whole
            self.skipped[TORN if torn else FOREIGN] += 1
            return None

    def _pass_over(self, file: IO[bytes]) -> None:
        """The rest of a line that is too long."""
        while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            self._progress(len(rest))
        self._progress(len(rest))


class _Version(msgspec.Struct):
    placement_guard_recording: int
