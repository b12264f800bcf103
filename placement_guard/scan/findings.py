"""What a scan finds."""

from collections.abc import Mapping

from msgspec import Struct

from placement_guard.scan.kinds import KINDS, Severity

Value = int | float | str | None


class Finding(Struct, frozen=True):
    """One thing that is wrong, and where.

    ``what`` is a sentence for people. Names in it and beside it are as Placement told them: they
    may hold anything, and only ``report`` makes them fit for a terminal. ``values`` are the numbers
    behind the sentence, for programs.
    """

    kind: str
    what: str
    provider: str | None = None
    """UUID of the resource provider."""
    provider_name: str | None = None
    resource_class: str | None = None
    consumer: str | None = None
    """UUID of the consumer."""
    values: Mapping[str, Value] = {}

    @property
    def severity(self) -> Severity:
        """That of its kind."""
        return KINDS[self.kind].severity

    @property
    def place(self) -> tuple[str | None, ...]:
        """What makes two findings the same one, whatever the numbers."""
        return self.kind, self.provider, self.resource_class, self.consumer
