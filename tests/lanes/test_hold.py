"""A hold is left once, and whatever goes wrong then, its holder hears nothing of it."""

import threading

from placement_guard.lanes import Hold, Result


def test_everything_is_undone_in_reverse_and_once():
    undone = []
    hold = Hold(Result.HELD, 0.0, "files", lambda _: undone.append(1), lambda _: undone.append(2))
    with hold as same:
        assert same is hold
        assert undone == []
    hold.release()
    del hold, same
    assert undone == [2, 1]


def test_what_fails_is_logged_and_the_rest_is_undone(caplog):
    undone = []

    def fail(_hold):
        raise ValueError("no")

    Hold(Result.HELD, 0.0, "files", undone.append, fail).release()
    assert len(undone) == 1
    assert [record.getMessage() for record in caplog.records] == ["A lane could not be left"]


def test_threads_that_leave_it_at_once_leave_it_once():
    undone = []
    hold = Hold(Result.HELD, 0.0, "files", *[undone.append] * 1000)
    threads = [threading.Thread(target=hold.release) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(undone) == 1000
