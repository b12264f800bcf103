"""The types of the bodies of Placement's mutations, by the microversion that brought them.

A decoded body is plain JSON data (dict, list, str, int, float, None) that these TypedDicts
describe: equal in value to what Placement decodes from the same bytes. The bounds are a strict
subset of what the JSON Schemas allow. Keys are UUIDs, resource classes or group suffixes.
"""

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from placement_guard.api.schemas import MAX_FLOAT, MAX_INT

Positive = Annotated[int, Meta(ge=1, le=MAX_INT)]
Natural = Annotated[int, Meta(ge=0, le=MAX_INT)]
Amount = Annotated[int, Meta(ge=1)]
# Two types, so that an integer stays one: typed as float alone it would come out as 1.0.
Ratio = Annotated[int, Meta(le=MAX_INT)] | Annotated[float, Meta(le=MAX_FLOAT)]
ExternalId = Annotated[str, Meta(min_length=1, max_length=255)]
ProviderName = Annotated[str, Meta(max_length=200)]
TraitName = Annotated[str, Meta(min_length=1, max_length=255)]
CustomName = Annotated[str, Meta(pattern=r"\ACUSTOM_[A-Z0-9_]+\Z", max_length=255)]
Resources = Annotated[dict[str, Amount], Meta(min_length=1)]
Mappings = Annotated[
    dict[str, Annotated[list[str], Meta(min_length=1)]],
    Meta(min_length=1),
]


class ResourceClass(TypedDict):
    name: CustomName


class Provider(TypedDict):
    name: ProviderName


class NewProvider(Provider):
    uuid: NotRequired[str]


class Provider114(Provider):
    parent_provider_uuid: NotRequired[str | None]


class NewProvider114(Provider114):
    uuid: NotRequired[str]


class InventoryFields(TypedDict):
    """One class of a provider's inventory, in units of that class."""

    total: Positive
    reserved: NotRequired[Natural]
    min_unit: NotRequired[Positive]
    max_unit: NotRequired[Positive]
    step_size: NotRequired[Positive]
    allocation_ratio: NotRequired[Ratio]


class Inventory(InventoryFields):
    resource_provider_generation: int


class InventoryRecord(InventoryFields):
    resource_provider_generation: NotRequired[int]


class NewInventory(InventoryRecord):
    resource_class: str


class Inventories(TypedDict):
    resource_provider_generation: int
    inventories: dict[str, InventoryRecord]


class Aggregates119(TypedDict):
    aggregates: list[str]
    resource_provider_generation: int


class Traits(TypedDict):
    traits: list[TraitName]
    resource_provider_generation: int


class ListedProvider(TypedDict):
    uuid: str


class ListedAllocation(TypedDict):
    resource_provider: ListedProvider
    resources: Resources


class Allocations(TypedDict):
    allocations: Annotated[list[ListedAllocation], Meta(min_length=1)]


class Allocations18(Allocations):
    project_id: ExternalId
    user_id: ExternalId


class Allocation(TypedDict):
    generation: NotRequired[int]
    resources: Resources


class Consumer(TypedDict):
    """What one consumer holds: amounts by resource class by provider."""

    allocations: dict[str, Allocation]
    project_id: ExternalId
    user_id: ExternalId


class Allocations112(Consumer):
    allocations: Annotated[dict[str, Allocation], Meta(min_length=1)]


class Consumer128(Consumer):
    consumer_generation: int | None


class Consumer134(Consumer128):
    mappings: NotRequired[Mappings]


class Consumer138(Consumer134):
    consumer_type: ExternalId


class Reshape(TypedDict):
    inventories: Annotated[dict[str, Inventories], Meta(min_length=1)]
    allocations: dict[str, Consumer128]


class Reshape134(TypedDict):
    inventories: Annotated[dict[str, Inventories], Meta(min_length=1)]
    allocations: dict[str, Consumer134]


class Reshape138(TypedDict):
    inventories: Annotated[dict[str, Inventories], Meta(min_length=1)]
    allocations: dict[str, Consumer138]


ByConsumer = Annotated[dict[str, Consumer], Meta(min_length=1)]
ByConsumer128 = Annotated[dict[str, Consumer128], Meta(min_length=1)]
ByConsumer134 = Annotated[dict[str, Consumer134], Meta(min_length=1)]
ByConsumer138 = Annotated[dict[str, Consumer138], Meta(min_length=1)]
