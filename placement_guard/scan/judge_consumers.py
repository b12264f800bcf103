"""Decides what is wrong with consumers, and with what they hold together: data in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from placement_guard.scan.findings import Finding
from placement_guard.scan.names import judge_name
from placement_guard.scan.views import Held


def judge_consumer(held: Held, root_of: Mapping[str, str | None]) -> Iterator[Finding]:
    """One consumer and all that it holds; ``root_of`` has the root of each provider."""
    where: dict[str, Any] = {"consumer": held.consumer}
    yield from judge_name("project", held.project, free=True, **where)
    yield from judge_name("user", held.user, free=True, **where)
    if held.type not in {None, "unknown"}:
        yield from judge_name("consumer type", held.type, **where)
    trees: dict[str, dict[str | None, str]] = {}
    for provider, amounts in held.allocations.items():
        root = root_of.get(provider)
        for name in amounts if root else ():
            trees.setdefault(name, {})[root] = provider
    twice = {name: list(by_root.values()) for name, by_root in trees.items() if len(by_root) > 1}
    if twice:
        providers = sorted({provider for found in twice.values() for provider in found})
        what = f"it holds {', '.join(sorted(twice))} in several trees, on {', '.join(providers)}"
        values = {"resource_classes": ",".join(sorted(twice)), "providers": ",".join(providers)}
        yield Finding("consumer.two_trees", what, values=values, **where)


def judge_spellings(spellings: Sequence[str]) -> Finding:
    """Consumers whose ids are one UUID."""
    others = ", ".join(spellings[1:])
    what = f"it is also spelt {others}"
    return Finding("consumer.two_spellings", what, consumer=spellings[0], values={"others": others})


def judge_migration(held: Held, alike: Sequence[Held], most: int) -> Finding:
    """A migration, and the consumers of the same user that hold the same.

    More than ``most`` of them say nothing: they are of one flavor.
    """
    providers = ",".join(sorted(held.allocations))
    twins = ",".join(other.consumer for other in alike)
    what = f"a migration holds {_shown(held.totals())} on {providers}"
    if len(alike) > most:
        twins = ""
        what += f"; so do more than {most} others of the same user"
    elif alike:
        what += f"; so does {twins} of the same user"
    values = {"providers": providers, "twins": twins}
    return Finding("consumer.migration", what, consumer=held.consumer, values=values)


def judge_pair(one: Held, other: Held) -> Finding:
    """Two consumers of one user that hold exactly the same."""
    values = {"twin": other.consumer, "twin_providers": ",".join(sorted(other.allocations))}
    what = f"it holds {_shown(one.totals())}, and so does {other.consumer} of the same user"
    return Finding("consumer.twins", what, consumer=one.consumer, values=values)


def judge_project(
    project: str, usages: Mapping[str, Any], held: Mapping[str, Any]
) -> Iterator[Finding]:
    """What Placement counts for a project, and what its consumers ``held`` together."""
    for name, used in sorted(usages.items()):
        if used > held.get(name, 0):
            what = (
                f"project {project} uses {used} of {name}, of which {held.get(name, 0)} are held "
                "by its consumers on providers"
            )
            values = {"project": project, "usage": used, "held": held.get(name, 0)}
            yield Finding("allocation.no_provider", what, resource_class=name, values=values)


def _shown(amounts: Mapping[str, Any]) -> str:
    return ", ".join(f"{amount} {name}" for name, amount in sorted(amounts.items()))
