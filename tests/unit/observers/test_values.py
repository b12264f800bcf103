"""Values in files: prometheus_client reads what they write, and they go on with what it wrote."""

import os
import struct
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from placement_guard.observers.metrics.values import FIRST_SIZE, File, Files, Value
from placement_guard.observers.slots import Slots


def read(path):
    return {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}


@pytest.fixture
def files(tmp_path):
    return Files(Slots(str(tmp_path)))


def counter(files, label="a", name="one"):
    return Value(files, "counter", name, f"{name}_total", ("kind",), (label,), "Help.")


def key(label="a", name="one"):
    return mmap_key(name, f"{name}_total", ("kind",), (label,), "Help.")


def the_only(directory, kind="counter"):
    [path] = directory.glob(f"{kind}_*.db")
    return path


def test_the_library_reads_what_is_counted(files, tmp_path):
    one, other = counter(files), counter(files, "ü")
    one.inc(2)
    one.inc(0.5)
    other.inc(1)
    assert read(the_only(tmp_path)) == {key(): 2.5, key("ü"): 1.0}
    assert (one.get(), other.get()) == (2.5, 1.0)


def test_a_gauge_has_its_mode_in_the_name_of_its_file_and_its_time(files, tmp_path):
    gauge = Value(files, "gauge", "g", "g", (), (), "Help.", multiprocess_mode="mostrecent")
    gauge.set(3, timestamp=7.0)
    [(_, *found)] = [
        entry[:3]
        for entry in MmapedDict.read_all_values_from_file(
            str(the_only(tmp_path, "gauge_mostrecent"))
        )
    ]
    assert found == [3.0, 7.0]


@given(labels=st.lists(st.text(max_size=40), min_size=1, max_size=20, unique=True))
@settings(max_examples=100)
def test_keys_of_any_length_stand_where_the_library_looks_for_them(tmp_path_factory, labels):
    directory = tmp_path_factory.mktemp("counts")
    files = Files(Slots(str(directory)))
    for number, label in enumerate(labels):
        counter(files, label).inc(number)
    expected = {key(label): float(number) for number, label in enumerate(labels)}
    assert read(the_only(directory)) == expected
    theirs = MmapedDict(str(the_only(directory)))
    assert {key: value for key, value, _ in theirs.read_all_values()} == expected
    theirs.close()


def test_what_the_library_has_counted_goes_on(files, tmp_path):
    counter(files, "first").inc(1)
    theirs = MmapedDict(str(the_only(tmp_path)))
    theirs.write_value(key("theirs"), 5.0, 0.0)
    theirs.close()
    again = Files(files._slots)
    value = counter(again, "theirs")
    value.inc(2)
    assert value.get() == 7.0
    assert counter(again, "first").get() == 1.0


def test_a_file_that_is_full_grows_and_values_of_before_count_on(files, tmp_path):
    first = counter(files, "first")
    many = [counter(files, f"{number:0200}") for number in range(2000)]
    assert the_only(tmp_path).stat().st_size > 4 * FIRST_SIZE
    for value in (first, *many):
        value.inc(1)
    found = read(the_only(tmp_path))
    assert len(found) == 2001
    assert set(found.values()) == {1.0}


def test_threads_lose_nothing(files):
    value = counter(files)

    def count():
        for _ in range(5000):
            value.inc(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value.get() == 20_000


def test_a_fork_goes_on_in_files_of_its_own(files, tmp_path):
    one, gauge = counter(files), Value(files, "gauge", "g", "g", (), (), "Help.", "livesum")
    one.inc(1)
    parent = the_only(tmp_path)
    pid = os.fork()
    if pid == 0:
        gauge.set(1)
        one.inc(5)
        os._exit(0 if one.get() == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (one.get(), gauge.get()) == (1.0, 0.0)
    [child] = set(tmp_path.glob("counter_*.db")) - {parent}
    assert read(child) == {key(): 5.0}


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("=i", 5000),
        struct.pack("=ixxxxi", 64, -1) + bytes(60),
        struct.pack("=ixxxxi", 64, 1000) + bytes(60),
        struct.pack("=ixxxxi", 2**30, 2**20) + bytes(60),
        struct.pack("=i", -7) + bytes(100),
    ],
)
def test_a_broken_file_is_an_error(tmp_path, data):
    path = tmp_path / "counter_w0.db"
    path.write_bytes(data)
    with pytest.raises((ValueError, struct.error)):
        File(path)
