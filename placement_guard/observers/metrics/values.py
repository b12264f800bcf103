"""Values in the files of a slot: what prometheus_client's own do, at a third of the price.

The library looks for each value whether the process has forked, and for its place by its name. A
request counts forty. Here a value knows its place, and a fork is noticed once a request.
Source of the layout: ``prometheus_client.mmap_dict``, which reads these files.
"""

import mmap
import os
import struct
import threading
from pathlib import Path
from typing import Any, Final

from prometheus_client.mmap_dict import mmap_key

from placement_guard.observers.slots import Slots

FIRST_SIZE: Final = 64 * 1024
"""How large a new file is (bytes). One that is full gets twice as large."""

_USED: Final = struct.Struct("=i")
_HEAD: Final = 8
"""Bytes before the first entry: how many are used."""


class File:
    """One file of entries: the length of a key, the key, padded to 8 bytes, a value and a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map_all(FIRST_SIZE)
        (self._used,) = _USED.unpack_from(self._map)
        self._places: dict[bytes, int] = {}
        if self._used == 0:
            self._use(_HEAD)
        if not _HEAD <= self._used <= len(self._map):
            raise ValueError("it is broken")
        at = _HEAD
        while at < self._used:
            (length,) = _USED.unpack_from(self._map, at)
            behind = at + _padded(length)
            if length <= 0 or behind + 16 > self._used:
                raise ValueError("it is broken")
            self._places[self._map[at + 4 : at + 4 + length]] = behind // 8
            at = behind + 16

    def _map_all(self, least: int) -> None:
        """Map the whole file, which has at least so many bytes then."""
        with self._path.open("a+b") as file:
            size = os.fstat(file.fileno()).st_size
            if size < least:
                file.truncate(size := least)
            # What was mapped before stays so while a value knows it: it is the same file.
            self._map = mmap.mmap(file.fileno(), size)
        self.numbers = memoryview(self._map).cast("d")

    def _use(self, used: int) -> None:
        self._used = used
        # At once: while ``pack_into`` works, who reads the file may see zeros.
        self._map[: _USED.size] = _USED.pack(used)

    def place(self, key: str) -> int:
        """Where the value of a key is, in ``numbers``; its time is behind it."""
        encoded = key.encode()
        found = self._places.get(encoded)
        if found is None:
            behind = self._used + _padded(len(encoded))
            while behind + 16 > len(self._map):
                self._map_all(2 * len(self._map))
            entry = _USED.pack(len(encoded)) + encoded
            self._map[self._used : behind + 16] = entry.ljust(behind - self._used) + bytes(16)
            self._use(behind + 16)  # last: who reads meanwhile sees no half of it
            found = self._places[encoded] = behind // 8
        return found


def _padded(length: int) -> int:
    """Bytes of a key and its length, as the library pads them: there is always some padding."""
    return 4 + length + 8 - (length + 4) % 8


class Files:
    """The files of the slot that this process has, and the values in them. Thread-safe."""

    def __init__(self, slots: Slots) -> None:
        self.lock = threading.Lock()
        self._slots, self._slot = slots, slots.mine()
        self._open: dict[str, File] = {}
        self._values: list[Value] = []

    def add(self, value: "Value") -> None:
        """Give a new value its place."""
        with self.lock:
            self._values.append(value)
            self._put(value)

    def follow(self) -> None:
        """After a fork: go on in the files of the slot that is this process's own."""
        if self._slots.mine() == self._slot:
            return
        with self.lock:
            if self._slots.mine() == self._slot:
                return
            self._slot = self._slots.mine()
            self._open.clear()
            for value in self._values:
                self._put(value)

    def _put(self, value: "Value") -> None:
        file = self._open.get(value.kind)
        if file is None:
            path = self._slots.directory / f"{value.kind}_{self._slot}.db"
            file = self._open[value.kind] = File(path)
        value.at = file.place(value.key)
        value.numbers = file.numbers


class Value:
    """One number, as prometheus_client wants it: it makes them, with these arguments."""

    __slots__ = ("_files", "_lock", "at", "key", "kind", "numbers")

    _multiprocess = True

    numbers: "memoryview[float]"
    at: int

    def __init__(
        self,
        files: Files,
        typ: str,
        metric_name: str,
        name: str,
        labelnames: Any,
        labelvalues: Any,
        help_text: str,
        multiprocess_mode: str = "",
        **_more: Any,
    ) -> None:
        self._files, self._lock = files, files.lock
        self.kind = f"{typ}_{multiprocess_mode}" if typ == "gauge" else typ
        self.key = mmap_key(metric_name, name, labelnames, labelvalues, help_text)
        files.add(self)

    def inc(self, amount: float) -> None:
        """Add to it. Whether the process has forked is for :meth:`set`: each request begins so."""
        with self._lock:
            self.numbers[self.at] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set it, at a time (Unix) if the mode of its metric needs one."""
        self._files.follow()
        with self._lock:
            self.numbers[self.at] = value
            self.numbers[self.at + 1] = timestamp or 0.0

    def get(self) -> float:
        """What it is."""
        self._files.follow()
        with self._lock:
            return self.numbers[self.at]

    def set_exemplar(self, _exemplar: Any) -> None:
        """There is no room for one."""

    def get_exemplar(self) -> None:
        """There is none."""
