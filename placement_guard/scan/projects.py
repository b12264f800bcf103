"""Allocations on a provider that is not there: only the usage of their project shows them.

What the consumers of a project hold is read over minutes, what the project uses in one moment. So
the two are brought together before anything is said: what changed since is read again, and the
usage is read both before and after that. More must be used than held both times, and so again in
each round, which is shorter than the one before. Only a project that claims something and releases
it within each round could feign that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from placement_guard.scan.asking import Asking, is_askable
from placement_guard.scan.crew import Crew
from placement_guard.scan.findings import Finding
from placement_guard.scan.judge_consumers import judge_project
from placement_guard.scan.store import Store
from placement_guard.scan.views import Held, Provider, View

ROUNDS: Final = 3
"""How often it is looked at again before it is said."""

Usages = Mapping[str, Mapping[str, Any]]
"""What is used of each class, by project."""

Asked = Callable[..., Iterator[Any]]
"""``Walk.asked``."""


class Projects:
    """Sums what consumers hold, and compares. For one thread, which hands on the reads."""

    def __init__(self, asking: Asking, store: Store, crew: Crew, asked: Asked) -> None:
        self._asking = asking
        self._store = store
        self._crew = crew
        self._asked = asked
        self.all_known = True
        """Whether all can be asked for; false once a consumer is seen that cannot."""
        self._held: dict[str, Counter[str]] = {}
        self._generations: dict[str, int | None] = {}

    def seen(self, provider: Provider, view: View) -> None:
        """Who holds something of a provider; and its generation, to tell whether it changed."""
        steady = view.of_one_moment and view.generations
        self._generations[provider.uuid] = next(iter(view.generations)) if steady else None
        consumers = [consumer for consumer in view.allocations or () if is_askable(consumer)]
        self.all_known &= len(consumers) == len(view.allocations or ())
        self._store.replace_holders(provider.uuid, provider.root_provider_uuid, consumers)

    def know(self, held: Held) -> None:
        """What a consumer holds now."""
        known = self._store.replace_consumer(held)
        if known is not None and known.project is not None:
            self._held.setdefault(known.project, Counter()).subtract(known.totals())
        if held.project is not None:
            self._held.setdefault(held.project, Counter()).update(held.totals())

    def findings(self) -> Iterator[Finding]:
        """The projects that use more than their consumers hold."""
        usages: dict[str, Mapping[str, Any]] = {}
        for told in self._asked(self._usage, sorted(self._held), "projects", len(self._held)):
            if isinstance(told, Finding):
                yield told
            else:
                usages.update(self._more_used([told]))
        for _ in range(ROUNDS):
            if not usages:
                return
            self._catch_up()
            before = self._more_used(usages.items())
            again = self._asked(self._usage, list(before), "projects again", len(before))
            after = self._more_used(told for told in again if not isinstance(told, Finding))
            usages = {
                project: {name: used[name] for name in used.keys() & before[project].keys()}
                for project, used in after.items()
            }
        for project, used in usages.items():
            yield from judge_project(project, used, self._held[project])

    def _usage(self, project: str) -> tuple[str, Mapping[str, Any]]:
        return project, self._asking.project(project)

    def _more_used(self, usages: Iterable[tuple[str, Mapping[str, Any]]]) -> Usages:
        """Of each project the classes of which more is used than held."""
        more = {
            project: {name: n for name, n in used.items() if n > self._held[project][name]}
            for project, used in usages
        }
        return {project: used for project, used in more.items() if used}

    def _catch_up(self) -> None:
        """Read again what changed: a claim changes the generation of each provider it names."""
        providers = self._crew.one(lambda: self._asking.providers(None))
        changed = [
            provider
            for provider in providers.values()
            if is_askable(provider.uuid)
            and provider.generation != self._generations.get(provider.uuid)
        ]
        for told in self._asked(self._view, changed, "providers again", len(changed)):
            if not isinstance(told, Finding) and told[1] is not None:
                self.seen(*told)
        holders = self._store.holders(provider.uuid for provider in changed)
        for held in self._asked(self._asking.consumer, holders, "consumers again", None):
            if isinstance(held, Held):
                self.know(held)

    def _view(self, provider: Provider) -> tuple[Provider, View | None]:
        return provider, self._asking.view(provider.uuid)
