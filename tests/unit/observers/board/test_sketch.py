"""The sketch of hot providers: bounded, and never wrong by more than it says."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from placement_guard.observers.board import sketch
from placement_guard.observers.board.sketch import HALF, SHOWN, HotProviders, Window, merged


@given(st.lists(st.integers(0, 200).map(str), max_size=2000))
def test_no_count_is_too_little_or_too_much_by_more_than_its_error(seen):
    hot = HotProviders(clock=lambda: 1000.0)
    for provider in seen:
        hot.add(provider)
    true, found = Counter(seen), hot.window().now
    assert len(found) <= sketch.COUNTERS
    for one in found:
        assert one.conflicts - one.error <= true[one.provider] <= one.conflicts
    # Who conflicts more often than one in COUNTERS is there.
    often = {name for name, count in true.items() if count > len(seen) / sketch.COUNTERS}
    assert often <= {one.provider for one in found}


def test_the_window_is_two_halves():
    now = [1000.0]
    hot = HotProviders(clock=lambda: now[0])
    hot.add("a")
    now[0] += HALF
    hot.add("b")
    window = hot.window()
    assert [h.provider for h in window.before] == ["a"]
    assert [h.provider for h in window.now] == ["b"]
    assert {h.provider for h in merged([window], now[0])} == {"a", "b"}
    now[0] += HALF
    assert [h.provider for h in merged([hot.window()], now[0])] == ["b"]
    now[0] += 2 * HALF
    assert merged([hot.window()], now[0]) == []


def test_a_clock_that_is_set_back_begins_anew():
    now = [10_000.0]
    hot = HotProviders(clock=lambda: now[0])
    hot.add("a")
    now[0] = 10.0
    hot.add("b")
    assert [h.provider for h in hot.window().now] == ["b"]


def test_what_is_stored_is_gone_on_with():
    hot = HotProviders(clock=lambda: 1000.0)
    for _ in range(3):
        hot.add("a")
    again = HotProviders(hot.window(), clock=lambda: 1001.0)
    again.add("a")
    assert again.window().now[0].conflicts == 4


def test_of_several_workers_the_sum_counts_and_a_silent_one_not_for_long():
    now = 100_000.0
    busy = HotProviders(clock=lambda: now)
    for number in range(SHOWN + 5):
        for _ in range(number + 1):
            busy.add(f"p{number:02}")
    dead = Window(now - 2 * HALF - 1, busy.window().now, ())
    found = merged([busy.window(), busy.window(), dead], now)
    assert len(found) == SHOWN
    assert (found[0].provider, found[0].conflicts) == (f"p{SHOWN + 4:02}", 2 * (SHOWN + 5))
