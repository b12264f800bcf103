"""The sum over all workers, read from the files of their slots.

What prometheus_client's own collector does, in a fraction of its time. The files of workers that
run the same code hold the same series at the same places: their values are unpacked at once, and
the series are put in order once, not at each scrape.
"""

import json
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from placement_guard.observers.slots import Slots

MAX_LAYOUTS: Final = 8
"""How many kinds of files are remembered; workers of one version have two."""

MAX_FILE: Final = 64 * 1024 * 1024
"""The largest file (bytes) that is read; one of a worker has less than a MiB."""

_SUMMED: Final = ("counter", "histogram")
_HEAD: Final = 8
"""Bytes before the first entry: how many are used."""
_VALUE: Final = 16
"""Bytes of an entry behind its key: the value and its time."""

Labels = tuple[tuple[str, str], ...]


class _Layout:
    """Where the series of a file are. ``keys`` are those of prometheus_client, padding included."""

    def __init__(self, data: bytes, used: int) -> None:
        self.keys = tuple(_keys(data, used))
        self.size = used
        sizes = [len(key) for key in self.keys]
        self._values = struct.Struct(f"={_HEAD}x" + "".join(f"{n}xd8x" for n in sizes))
        self._keys = struct.Struct(f"={_HEAD}x" + "".join(f"{n}s{_VALUE}x" for n in sizes))

    def is_of(self, data: bytes, used: int) -> bool:
        return used == self.size and self._keys.unpack_from(data) == self.keys

    def values(self, data: bytes) -> Sequence[float]:
        return self._values.unpack_from(data)


def _keys(data: bytes, used: int) -> Iterator[bytes]:
    """The keys with their lengths, as they stand in the file. ValueError where it is broken."""
    at = _HEAD
    while at < used:
        (length,) = struct.unpack_from("=i", data, at)
        # A key with its length is padded to a multiple of 8.
        end = at + 4 + length + (8 - (length + 4) % 8)
        if length < 0 or end + _VALUE > used:
            raise ValueError("it is broken")
        yield data[at:end]
        at = end + _VALUE


class _Part(NamedTuple):
    """A sample, and whose values it is the sum of (indices)."""

    name: str
    labels: dict[str, str]
    of: tuple[int, ...]


class Summed(Collector):
    """Collects what all workers have counted in the directory of these slots.

    Gauges that say how a worker is doing are those of slots that are held.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._layouts: list[_Layout] = []
        self._plans: dict[tuple[bytes, ...], list[tuple[Metric, list[_Part]]]] = {}

    @classmethod
    def registry(cls, slots: Slots) -> CollectorRegistry:
        """A registry of what they have counted, and of nothing else."""
        registry = CollectorRegistry()
        registry.register(cls(slots))
        return registry

    def collect(self) -> Iterable[Metric]:
        """Every metric, summed."""
        paths = sorted(self._slots.directory.glob("*.db"))
        odd = [path for path in paths if path.name.split("_")[0] not in _SUMMED]
        yield from _merged(self._alive(odd))
        for kind in _SUMMED:
            of_kind = [path for path in paths if path.name.startswith(f"{kind}_")]
            yield from self._of_kind(kind, of_kind)

    def _alive(self, paths: Iterable[Path]) -> list[Path]:
        held = self._slots.held()
        return [p for p in paths if not p.name.startswith("gauge_live") or _slot(p) in held]

    def _of_kind(self, kind: str, paths: Iterable[Path]) -> Iterable[Metric]:
        sums: dict[_Layout, list[float]] = {}
        for path in paths:
            found = self._read(path)
            if found is None:
                continue
            layout, values = found
            before = sums.get(layout)
            sums[layout] = list(values if before is None else map(add, before, values))
        if len(sums) <= 1:
            for layout, total in sums.items():
                yield from self._metrics(kind, layout.keys, total)
            return
        # Files of several versions, while one replaces the other.
        merged: dict[bytes, float] = {}
        for layout, total in sums.items():
            for key, value in zip(layout.keys, total, strict=True):
                merged[key] = merged.get(key, 0.0) + value
        yield from self._metrics(kind, tuple(merged), list(merged.values()))

    def _read(self, path: Path) -> tuple[_Layout, Sequence[float]] | None:
        """What a file holds; None where it has nothing, is broken, or is gone."""
        try:
            if path.stat().st_size > MAX_FILE:
                return None
            data = path.read_bytes()
            used = int.from_bytes(data[:4], sys.byteorder)
            if not _HEAD < used <= len(data):
                return None
            for layout in self._layouts:
                if layout.is_of(data, used):
                    return layout, layout.values(data)
            layout = _Layout(data, used)
        except (OSError, ValueError, struct.error):
            return None
        self._layouts = [layout, *self._layouts[: MAX_LAYOUTS - 1]]
        return layout, layout.values(data)

    def _metrics(
        self, kind: str, keys: tuple[bytes, ...], values: Sequence[float]
    ) -> Iterator[Metric]:
        plan = self._plans.get(keys)
        if plan is None:
            plan = list(_planned(kind, keys))
            self._plans = {keys: plan, **dict(list(self._plans.items())[: MAX_LAYOUTS - 1])}
        for family, parts in plan:
            metric = Metric(family.name, family.documentation, family.type)
            metric.samples = [
                Sample(part.name, part.labels, sum(values[i] for i in part.of)) for part in parts
            ]
            yield metric


def _slot(path: Path) -> str:
    return path.stem.rsplit("_", 1)[-1]


def _merged(paths: Sequence[Path]) -> Iterable[Metric]:
    """Few series: the library's own way does."""
    present = [str(path) for path in paths if path.exists()]
    merged: Iterable[Metric] = MultiProcessCollector.merge(present)  # type: ignore[no-untyped-call]
    return merged


_written: Callable[[float], str] = floatToGoString  # untyped


def _planned(kind: str, keys: Iterable[bytes]) -> Iterator[tuple[Metric, list[_Part]]]:
    """The metrics of these series: which samples each has, and which values make one up.

    Two versions may say the same of a series in other words: it is one all the same.
    """
    families: dict[str, Metric] = {}
    plain: dict[tuple[str, str, Labels], list[int]] = {}
    buckets: dict[tuple[str, Labels], dict[float, list[int]]] = {}
    for index, key in enumerate(keys):
        length = int.from_bytes(key[:4], sys.byteorder)
        name, sample, labels, text = json.loads(key[4 : 4 + length])
        families.setdefault(name, Metric(name, text, kind))
        bound = labels.pop("le", None)
        sorted_labels = tuple(sorted(labels.items()))
        if bound is None:
            plain.setdefault((name, sample, sorted_labels), []).append(index)
        else:
            of = buckets.setdefault((name, sorted_labels), {})
            of.setdefault(float(bound), []).append(index)
    parts: dict[str, list[_Part]] = {name: [] for name in families}
    for (name, sample, labels), indices in plain.items():
        parts[name].append(_Part(sample, dict(labels), tuple(indices)))
    for (name, labels), bounds in buckets.items():
        below: tuple[int, ...] = ()
        for bound in sorted(bounds):
            below = (*below, *bounds[bound])
            within = {**dict(labels), "le": _written(bound)}
            parts[name].append(_Part(f"{name}_bucket", within, below))
        parts[name].append(_Part(f"{name}_count", dict(labels), below))
    for name, family in families.items():
        yield family, parts[name]
