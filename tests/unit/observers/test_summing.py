"""The sum over workers is that of prometheus_client's own collector."""

import os
import random
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from placement_guard.observers.metrics.summing import Summed
from placement_guard.observers.slots import Slots

LABELS = ("operation", "kind")


def values(collector):
    return {
        (family.name, family.type, sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in collector.collect()
        for sample in family.samples
    }


def expected(directory):
    return values(MultiProcessCollector(CollectorRegistry(), str(directory)))


def write(directory, kind, slot, entries):
    held = MmapedDict(str(directory / f"{kind}_{slot}.db"))
    for key, value, when in entries:
        held.write_value(key, value, when)
    held.close()


def counters(random, help_text="Help.", names=("one_total", "two_total")):
    return [
        (mmap_key(name, name, LABELS, (operation, kind), help_text), random.randrange(9), 0.0)
        for name in names
        for operation in ("a", "b" * random.choice([1, 1, 1]), "ü")
        for kind in ("x", "y")
    ]


def histograms(random, bounds=("0.1", "1.0", "2.5", "+Inf"), help_text="Help."):
    for operation in ("a", "b"):
        yield mmap_key("h", "h_sum", ("operation",), (operation,), help_text), random.random(), 0.0
        for bound in bounds:
            key = mmap_key("h", "h_bucket", ("operation", "le"), (operation, bound), help_text)
            yield key, random.randrange(9), 0.0


@pytest.fixture
def slots(tmp_path):
    return Slots(str(tmp_path))


def test_files_of_equal_workers(slots, tmp_path):
    rng = random.Random(1)
    for slot in ("w0", "w1", "w7"):
        write(tmp_path, "counter", slot, counters(rng))
        write(tmp_path, "histogram", slot, histograms(rng))
    summed = Summed(slots)
    assert len(expected(tmp_path)) > 20
    for _ in range(3):  # from what is remembered, too
        assert values(summed) == expected(tmp_path)
    write(tmp_path, "counter", "w1", counters(rng))
    assert values(summed) == expected(tmp_path)


def test_files_of_two_versions(slots, tmp_path):
    rng = random.Random(2)
    write(tmp_path, "counter", "w0", counters(rng))
    write(tmp_path, "counter", "w1", counters(rng, "Other words.", ("two_total", "three_total")))
    write(tmp_path, "histogram", "w0", histograms(rng))
    write(tmp_path, "histogram", "w1", histograms(rng, ("0.1", "0.5", "1.0", "+Inf"), "Others."))
    write(tmp_path, "counter", "4711", counters(rng))
    assert values(Summed(slots)) == expected(tmp_path)


def test_the_files_of_real_workers(slots, tmp_path):
    script = (
        "import sys, random\n"
        "from prometheus_client import REGISTRY\n"
        "from placement_guard.observers.metrics import Metrics\n"
        "from placement_guard.observers.slots import Slots\n"
        "metrics, rng = Metrics.of(REGISTRY), random.Random(sys.argv[1])\n"
        "for count in rng.sample(list(metrics._requests.values()), 9): count(rng.randrange(1, 9))\n"
        "for observe in metrics._stages.values(): observe(rng.random() / 10)\n"
        "print(Slots('.').mine())\n"
        "sys.stdin.read()\n"
    )
    environ = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number)],
            env=environ,
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(3)
    ]
    for process in started:
        assert process.stdout.readline().startswith(b"w")
    alive = values(Summed(slots))
    assert alive == pytest.approx(expected(tmp_path))
    workers = ("placement_guard_workers", "gauge", "placement_guard_workers", ())
    assert alive[workers] == 3
    for process in started:
        process.communicate()
    assert values(Summed(slots)).get(workers, 0) == 0
    counted = {key: value for key, value in values(Summed(slots)).items() if key[1] != "gauge"}
    assert counted == {key: value for key, value in alive.items() if key[1] != "gauge"}


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 7, b"\xff\xff\xff\x7f" + b"\0" * 60, b"\x40\0\0\0" + b"\xff" * 60, b"\x00" * 99],
)
def test_a_broken_file_is_passed_over(slots, tmp_path, data):
    write(tmp_path, "counter", "w0", counters(random.Random(3)))
    whole = expected(tmp_path)
    (tmp_path / "counter_w1.db").write_bytes(data)
    (tmp_path / "histogram_w1.db").mkdir()
    assert values(Summed(slots)) == whole
