import multiprocessing
import os

from placement_guard.observers import slots
from placement_guard.observers.slots import Slots

SPAWN = multiprocessing.get_context("spawn")


def hold(directory, pipe):
    pipe.send(Slots(directory).mine())
    pipe.recv()


class Worker:
    def __init__(self, directory):
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=hold, args=(str(directory), theirs))
        self.process.start()
        self.slot = self.pipe.recv()

    def kill(self):
        self.process.kill()
        self.process.join()


def test_each_process_has_a_slot_and_a_dead_one_leaves_it_to_the_next(tmp_path):
    mine = Slots(str(tmp_path))
    first, second = Worker(tmp_path), Worker(tmp_path)
    try:
        assert mine.mine() not in {first.slot, second.slot}
        assert first.slot != second.slot
        first.kill()
        assert mine.held() == {mine.mine(), second.slot}
        third = Worker(tmp_path)
        assert third.slot == first.slot
        third.kill()
    finally:
        first.kill()
        second.kill()


def test_a_fork_takes_a_slot_of_its_own(tmp_path):
    parent = Slots(str(tmp_path))
    assert parent.mine() == parent.mine() == "w0"
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        os.write(writable, parent.mine().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(readable, 16) == b"w1"
    assert parent.held() == {"w0"}


def test_what_said_how_a_dead_worker_was_doing_is_forgotten(tmp_path):
    gauge, counter = tmp_path / "gauge_livesum_w0.db", tmp_path / "counter_w0.db"
    gauge.touch()
    counter.touch()
    assert Slots(str(tmp_path)).mine() == "w0"
    assert not gauge.exists()
    assert counter.exists()


def test_without_a_slot_files_are_named_after_the_process(tmp_path, monkeypatch):
    assert Slots(str(tmp_path / "missing")).mine() == f"pid{os.getpid()}"
    monkeypatch.setattr(slots, "MAX_SLOTS", 1)
    first, second = Slots(str(tmp_path)), Slots(str(tmp_path))
    assert (first.mine(), second.mine()) == ("w0", f"pid{os.getpid()}")
    assert second.held() == {f"pid{os.getpid()}"}
    monkeypatch.setattr(slots.ofd, "SUPPORTED", False)
    assert Slots(str(tmp_path)).mine() == f"pid{os.getpid()}"
