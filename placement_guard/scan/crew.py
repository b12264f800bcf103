"""Threads that ask, while one thread alone decides what is asked and what becomes of it.

Not ``concurrent.futures``: its threads are waited for when the interpreter ends, so an interrupt
would take effect only after the last answer.
"""

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Any, Final, Protocol, TypeVar

from placement_guard.scan.errors import InterruptedScanError

Given = TypeVar("Given")
Result = TypeVar("Result")

AHEAD: Final = 4
"""Results that may wait for their turn, for each thread. What is not yet used is bounded by it."""

LOOK_SECONDS: Final = 0.1
"""How long a wait for a result goes on before ``stop`` is looked at (seconds)."""


class Progress(Protocol):
    """Shows how far it is: hands on what it is given."""

    def __call__(
        self, results: Iterator[Result], label: str, total: int | None
    ) -> Iterator[Result]: ...


class Crew:
    """``size`` threads. Once ``stop`` is set, whoever waits for a result is interrupted."""

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._size = size
        self._stop = stop
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], Any] | None]
        self._tasks = queue.SimpleQueue()
        for _ in range(size):
            threading.Thread(target=self._work, name="scan", daemon=True).start()

    def close(self) -> None:
        """Let the threads end; none is waited for."""
        for _ in range(self._size):
            self._tasks.put(None)

    def one(self, call: Callable[[], Result]) -> Result:
        """What ``call`` returns, called in a thread of the crew so that the wait can be ended."""
        return next(self.in_order(lambda _: call(), [None]))

    def in_order(self, call: Callable[[Given], Result], items: Iterable[Given]) -> Iterator[Result]:
        """``map``, by all threads at once and no further ahead than is bounded."""
        rest = iter(items)
        waiting: deque[Future[Result]] = deque()
        for item in itertools.islice(rest, self._size * AHEAD):
            waiting.append(self._hand(call, item))
        while waiting:
            yield self._result(waiting.popleft())
            for item in itertools.islice(rest, 1):
                waiting.append(self._hand(call, item))

    def _hand(self, call: Callable[[Given], Result], item: Given) -> Future[Result]:
        future: Future[Result] = Future()
        self._tasks.put((future, call, item))
        return future

    def _result(self, future: Future[Result]) -> Result:
        while not self._stop.is_set():
            try:
                return future.result(timeout=LOOK_SECONDS)
            except NotYetError:
                if future.done():  # the task itself ran out of time
                    raise
        raise InterruptedScanError

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, call, item = task
            try:
                future.set_result(call(item))
            except BaseException as error:
                future.set_exception(error)
