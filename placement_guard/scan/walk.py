"""The walk through a whole Placement: what is asked, in which order, and what is asked again.

Findings come as they are made, in the order of the providers and of the consumers. Of the providers
their list is held, as Placement gives it in one answer; what is compared across providers is in the
store; of all else only as much is held as the threads are ahead.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from oslo_utils.uuidutils import is_uuid_like

from placement_guard.scan import judge_consumers, judge_providers
from placement_guard.scan.asking import Asking, is_askable
from placement_guard.scan.crew import Crew, Progress
from placement_guard.scan.errors import CannotScanError, UnansweredError, UnreadableError
from placement_guard.scan.findings import Finding
from placement_guard.scan.kinds import KINDS, Reads, not_shown, reads_for
from placement_guard.scan.names import judge_name
from placement_guard.scan.projects import Projects
from placement_guard.scan.reader import Reader
from placement_guard.scan.store import Store
from placement_guard.scan.summary import Summary
from placement_guard.scan.views import Held, Provider, View

MAX_UNANSWERED: Final = 10
"""So many requests may stay without an answer before the scan is given up."""

MAX_TWINS: Final = 3
"""More consumers that hold what a migration holds say nothing: they are of one flavor."""

Given = TypeVar("Given")
Result = TypeVar("Result")


class Look(NamedTuple):
    """What one provider showed; nothing where it is gone."""

    provider: Provider
    view: View | None = None
    found: tuple[Finding, ...] = ()


class Walk:
    """One scan. ``ids`` are the kinds that are looked for, ``only`` the UUID of a provider."""

    def __init__(
        self,
        reader: Reader,
        ids: frozenset[str],
        *,
        threads: int,
        stop: threading.Event,
        progress: Progress,
        only: str | None = None,
    ) -> None:
        self.summary = Summary()
        self._reader = reader
        self._ids = ids
        self._only = only
        self._threads = threads
        self._stop = stop
        self._progress = progress

    def findings(self) -> Generator[Finding, None, None]:
        """What is wrong, as it is found. Raises CannotScanError, InterruptedScanError."""
        with contextlib.ExitStack() as stack:
            self._store = stack.enter_context(contextlib.closing(Store()))
            self._crew = stack.enter_context(contextlib.closing(Crew(self._threads, self._stop)))
            stack.callback(self._count_requests)
            try:
                self._agree()
                for finding in self._phases():
                    if finding.kind in self._ids:
                        self.summary.found[finding.kind] += 1
                        yield finding
            except (UnansweredError, UnreadableError) as error:
                raise CannotScanError(str(error)) from None
            except sqlite3.Error as error:
                raise CannotScanError(f"the temporary file cannot be used: {error}") from None
        self.summary.complete = not self.summary.unanswered

    def _count_requests(self) -> None:
        self.summary.requests = self._reader.requests

    def _agree(self) -> None:
        """On a microversion, and on what can be looked for at it."""
        version = self._crew.one(Asking(self._reader, Reads.PROVIDERS).version)
        self.summary.microversion = f"{version[0]}.{version[1]}"
        self.summary.not_checked |= not_shown(self._ids, version, whole=self._only is None)
        self._ids -= self.summary.not_checked.keys()
        if not self._ids:
            reasons = (f"{name}: {why}" for name, why in self.summary.not_checked.items())
            raise CannotScanError("\n".join(reasons))
        self._reads = reads_for(self._ids)
        self._asking = Asking(self._reader, self._reads)
        self._projects = Projects(self._asking, self._store, self._crew, self.asked)

    def _phases(self) -> Iterator[Finding]:
        providers = self._crew.one(lambda: self._asking.providers(self._only))
        if self._only is not None and self._only not in providers:
            raise CannotScanError(f"there is no provider {self._only}")
        walked = [p for p in providers.values() if self._only in {None, p.uuid}]
        if self._reads & Reads.NAMES:
            yield from self._names()
        for provider in walked:
            yield from judge_providers.judge_provider(provider, providers)
        askable = [provider for provider in walked if is_askable(provider.uuid)]
        self._projects.all_known = len(askable) == len(walked)
        yield from self._look_at(askable)
        if "consumer.two_spellings" in self._ids:
            for spellings in self._store.spellings():
                if all(map(is_uuid_like, spellings)):
                    yield judge_consumers.judge_spellings(spellings)
        yield from self._ask_consumers()
        if self._reads & Reads.PROJECTS:
            yield from self._compare_projects()

    def _compare_projects(self) -> Iterator[Finding]:
        """Only where nothing is left out: what was not read would be missing in the sums."""
        failed = self.summary.found["read.fails"] or self.summary.unanswered
        if self._projects.all_known and not failed:
            yield from self._projects.findings()
        else:
            why = "not every provider and not every consumer could be read"
            self.summary.not_checked["allocation.no_provider"] = why

    # Names and providers

    def _names(self) -> Iterator[Finding]:
        for of, what in (("resource_classes", "resource class"), ("traits", "trait")):
            (names,) = self._crew.in_order(self._asking.names, [of])
            for name in names:
                yield from judge_name(what, name)

    def _look_at(self, providers: list[Provider]) -> Iterator[Finding]:
        if not self._reads & (Reads.INVENTORIES | Reads.ALLOCATIONS | Reads.USAGES):
            self.summary.providers = len(providers)
            return
        for look in self.asked(self._look, providers, "providers", len(providers)):
            if isinstance(look, Finding):
                yield look
            elif look.view is None:
                self.summary.gone += 1
            else:
                self.summary.providers += 1
                yield from look.found
                self._projects.seen(look.provider, look.view)

    def _look(self, provider: Provider) -> Look:
        """Look once, and a second time at what a race between two reads could feign."""
        view = self._asking.view(provider.uuid)
        if view is None:
            return Look(provider)
        found = self._judged(provider, view)
        if any(KINDS[finding.kind].racy for finding in found.values()):
            view = self._asking.steady_view(provider.uuid)
            again = {} if view is None else self._judged(provider, view)
            found = {k: f for k, f in again.items() if k in found or not KINDS[f.kind].racy}
        return Look(provider, view, tuple(found.values()))

    def _judged(self, provider: Provider, view: View) -> dict[tuple[str | None, ...], Finding]:
        found = judge_providers.judge_view(provider, view)
        return {finding.place: finding for finding in found if finding.kind in self._ids}

    # Consumers

    def _ask_consumers(self) -> Iterator[Finding]:
        owned = bool(self._reads & Reads.CONSUMERS)
        total = None
        if owned or (self._only is not None and self._reads & Reads.SPREAD):
            consumers, total = self._store.holders(), self._store.count_holders()
        elif self._reads & Reads.SPREAD:
            consumers = self._store.spread()
        else:
            return
        for held in self.asked(self._asking.placed_consumer, consumers, "consumers", total):
            if isinstance(held, Finding):
                yield held
            elif held is None:
                self.summary.gone += 1
            else:
                self.summary.consumers += 1
                if owned:
                    self._projects.know(held)
                yield from judge_consumers.judge_consumer(held, self._asking.roots)
        if "consumer.migration" in self._ids:
            yield from self._migrations()
        if "consumer.twins" in self._ids:
            yield from self._twins()

    def _migrations(self) -> Iterator[Finding]:
        for consumer in self._store.migrations():
            for held in self._again([consumer]):
                alike = self._store.like(held, MAX_TWINS + 1)
                fresh = self._again([other.consumer for other in alike])
                others = [other for other in fresh if other.totals() == held.totals()]
                yield judge_consumers.judge_migration(held, others, MAX_TWINS)

    def _twins(self) -> Iterator[Finding]:
        for pair in self._store.pairs():
            fresh = self._again(pair)
            if len(fresh) == len(pair) and fresh[0].totals() == fresh[1].totals():
                yield judge_consumers.judge_pair(*fresh)

    def _again(self, consumers: Iterable[str]) -> list[Held]:
        """Those that still hold something."""
        found = self.asked(self._asking.consumer, consumers, "consumers again", None)
        return [held for held in found if isinstance(held, Held)]

    # All

    def asked(
        self,
        call: Callable[[Given], Result],
        items: Iterable[Given],
        label: str,
        total: int | None,
    ) -> Iterator[Result | Finding]:
        """What ``call`` returns for each; a finding where Placement fails on it.

        What gets no answer is left out and noted. CannotScanError where that is too much.
        """
        results = self._crew.in_order(lambda item: self._attempt(call, item), items)
        for result in self._progress(results, label, total):
            self._count_requests()
            if isinstance(result, UnansweredError):
                self.summary.unanswered.append(str(result))
                if len(self.summary.unanswered) >= MAX_UNANSWERED:
                    text = f"{MAX_UNANSWERED} requests got no answer; the last: {result}"
                    raise CannotScanError(text)
            else:
                yield result

    def _attempt(
        self, call: Callable[[Given], Result], item: Given
    ) -> Result | Finding | UnansweredError:
        try:
            return call(item)
        except UnansweredError as error:
            return error
        except UnreadableError as error:
            if "read.fails" in self._ids and self._asking.is_served():
                return judge_providers.judge_failure(str(error), item)
            return UnansweredError(str(error))
