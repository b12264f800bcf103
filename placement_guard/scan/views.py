"""What Placement answered, as far as a scan needs it.

Source: ``placement.handlers``, openstack-placement 16. Values that may be damaged stay what they
are: an inventory may hold anything where a database lets it.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Amounts = Mapping[str, Any]
"""Amount by resource class."""


def add(amounts: Mapping[str, Any], to: dict[str, Any]) -> None:
    """Sum up by resource class; what is no number counts for nothing."""
    for name, amount in amounts.items():
        to[name] = to.get(name, 0) + (amount if isinstance(amount, int | float) else 0)


class Provider(Struct, frozen=True):
    """One of GET /resource_providers; the links are left out."""

    uuid: str
    name: str | None
    generation: int | None
    parent_provider_uuid: str | None = None
    root_provider_uuid: str | None = None


class View(Struct, frozen=True):
    """What one provider has, uses and who holds it; None for what was not asked."""

    inventories: Mapping[str, Mapping[str, Any]] | None = None
    allocations: Mapping[str, Amounts] | None = None
    """By consumer. Those without a record of their consumer are not in it."""
    usages: Amounts | None = None
    """Of the classes that it has an inventory of, whoever holds them."""
    generations: frozenset[int | None] = frozenset()
    """One for each answer: several mean that the provider changed in between."""

    @property
    def of_one_moment(self) -> bool:
        """Whether no change was seen between the answers.

        A removed allocation changes no generation (``placement.objects.allocation.delete_all``).
        """
        return len(self.generations) <= 1


class Held(Struct, frozen=True):
    """One of GET /allocations/{consumer}: a consumer that holds something."""

    consumer: str
    allocations: Mapping[str, Amounts]
    """By provider."""
    project: str | None = None
    user: str | None = None
    type: str | None = None
    """From microversion 1.38 on."""

    def totals(self) -> dict[str, Any]:
        """What it holds of each class, wherever that is."""
        found: dict[str, Any] = {}
        for amounts in self.allocations.values():
            add(amounts, found)
        return found
