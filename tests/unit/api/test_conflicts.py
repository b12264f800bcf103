"""The kinds of 409, told from what Placement says."""

import pytest
from placement import errors, exception

from placement_guard.api.conflicts import KIND_NAMES, KINDS, OTHER, kind_of

UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"

RACE = exception.ResourceProviderConcurrentUpdateDetected()
CONSUMER_RACE = exception.ConcurrentUpdateDetected()
IN_USE = exception.InventoryInUse(resource_classes="VCPU, DISK_GB", resource_provider=UUID)
TOO_MUCH = exception.InvalidAllocationCapacityExceeded(
    resource_class="VCPU", resource_provider=UUID
)
WRONG_UNITS = exception.InvalidAllocationConstraintsViolated(
    resource_class="VCPU", resource_provider=UUID
)
PROVIDER_IN_USE = exception.ResourceProviderInUse()
CLASS_IN_USE = exception.ResourceClassInUse(resource_class="CUSTOM_A")
TRAIT_IN_USE = exception.TraitInUse(name="CUSTOM_A")
CONCURRENT = errors.CONCURRENT_UPDATE


@pytest.mark.parametrize("coded", [True, False], ids=["from 1.23 on", "before 1.23, without code"])
@pytest.mark.parametrize(
    ("code", "detail", "kind"),
    [
        pytest.param(
            CONCURRENT,
            "consumer generation conflict - expected 3 but got 2",
            "consumer_generation",
            id="a stale consumer generation",
        ),
        pytest.param(
            CONCURRENT,
            "consumer generation conflict - expected null but got 2",
            "consumer_generation",
            id="a consumer that is not there",
        ),
        pytest.param(
            CONCURRENT,
            "resource provider generation conflict",
            "provider_generation",
            id="a stale provider generation",
        ),
        pytest.param(
            CONCURRENT,
            f"resource provider generation conflict for provider {UUID}: actual: 3, given: 2",
            "provider_generation",
            id="a stale provider generation in a reshape",
        ),
        pytest.param(
            CONCURRENT,
            "Resource provider's generation already changed. Please update the generation and "
            "try again.",
            "provider_generation",
            id="a stale provider generation for traits or aggregates",
        ),
        pytest.param(
            CONCURRENT,
            f"Inventory and/or allocations changed while attempting to allocate: {RACE}",
            "lost_race",
            id="a claim that lost a race",
        ),
        pytest.param(
            CONCURRENT,
            f"Inventory and/or allocations changed while attempting to allocate: {CONSUMER_RACE}",
            "lost_race",
            id="a claim whose consumer changed",
        ),
        pytest.param(CONCURRENT, f"update conflict: {RACE}", "lost_race", id="a lost reshape"),
        pytest.param(CONCURRENT, f"Update conflict: {RACE}", "lost_race", id="lost aggregates"),
        pytest.param(CONCURRENT, RACE.format_message(), "lost_race", id="lost traits"),
        pytest.param(
            CONCURRENT,
            f"Unable to delete inventory for resource provider {UUID} because the inventory was "
            "updated by another process. Please retry your request.",
            "lost_race",
            id="a lost deletion of inventories",
        ),
        pytest.param(
            CONCURRENT,
            f"Unable to delete inventory of class VCPU: {RACE}",
            "lost_race",
            id="a lost deletion of one inventory",
        ),
        pytest.param(
            CONCURRENT,
            f"Unable to delete inventory of class VCPU: {IN_USE}",
            "inventory_in_use",
            id="one inventory in use",
        ),
        pytest.param(
            errors.INVENTORY_INUSE,
            f"update conflict: {IN_USE}",
            "inventory_in_use",
            id="inventories in use",
        ),
        pytest.param(
            errors.INVENTORY_INUSE,
            IN_USE.format_message(),
            "inventory_in_use",
            id="all inventories in use",
        ),
        pytest.param(
            CONCURRENT,
            "Update conflict: (sqlite3.IntegrityError) UNIQUE constraint failed: "
            "inventories.resource_provider_id, inventories.resource_class_id",
            "inventory_exists",
            id="inventory there already, in SQLite",
        ),
        pytest.param(
            CONCURRENT,
            "Update conflict: (pymysql.err.IntegrityError) (1062, \"Duplicate entry '1-0' for key "
            "'uniq_inventories0resource_provider_resource_class'\")",
            "inventory_exists",
            id="inventory there already, in MariaDB",
        ),
        pytest.param(
            CONCURRENT,
            "Update conflict: (psycopg2.errors.UniqueViolation) duplicate key value violates "
            'unique constraint "uniq_inventories0resource_provider_resource_class"',
            "inventory_exists",
            id="inventory there already, in PostgreSQL",
        ),
        pytest.param(
            errors.DEFAULT,
            f"Unable to allocate inventory: {TOO_MUCH}",
            "capacity",
            id="more than there is",
        ),
        pytest.param(
            errors.DEFAULT,
            f"Unable to allocate inventory: {WRONG_UNITS}",
            "capacity",
            id="other units than there are",
        ),
        pytest.param(
            errors.DUPLICATE_NAME,
            f"Conflicting resource provider name: host, uuid: {UUID} already exists.",
            "duplicate_name",
            id="a new provider's name taken",
        ),
        pytest.param(
            errors.DUPLICATE_NAME,
            "Conflicting resource provider host already exists.",
            "duplicate_name",
            id="a provider's new name taken",
        ),
        pytest.param(
            errors.DEFAULT,
            "Conflicting resource class already exists: CUSTOM_A",
            "duplicate_name",
            id="a new class's name taken",
        ),
        pytest.param(
            errors.DEFAULT,
            "Resource class already exists: CUSTOM_A",
            "duplicate_name",
            id="a class's new name taken",
        ),
        pytest.param(
            errors.PROVIDER_IN_USE,
            f"Unable to delete resource provider {UUID}: {PROVIDER_IN_USE}",
            "provider_in_use",
            id="a provider in use",
        ),
        pytest.param(
            errors.PROVIDER_CANNOT_DELETE_PARENT,
            f"Unable to delete parent resource provider {UUID}: It has child resource providers.",
            "provider_has_children",
            id="a parent",
        ),
        pytest.param(
            errors.DEFAULT,
            f"Error in delete resource class: {CLASS_IN_USE}",
            "name_in_use",
            id="a class in use",
        ),
        pytest.param(errors.DEFAULT, str(TRAIT_IN_USE), "name_in_use", id="a trait in use"),
        pytest.param(
            errors.DEFAULT,
            "Max retries of DB transaction exceeded attempting to create resource class: "
            "CUSTOM_A, please try again.",
            "lost_race",
            id="retries that ran out",
        ),
        pytest.param(
            errors.DEFAULT,
            f"Race condition detected when setting inventory. No inventory record with resource "
            f"class for resource provider {UUID}: No inventory of class VCPU found.",
            "lost_race",
            id="inventory that vanished meanwhile",
        ),
        pytest.param(errors.DEFAULT, "Something new.", OTHER, id="what nobody knows"),
        pytest.param(errors.DEFAULT, "", OTHER, id="nothing said"),
    ],
)
def test_the_kind_is_told(code, detail, kind, coded):
    assert kind_of(code if coded else None, detail) == kind


def test_an_unknown_wording_with_the_code_of_a_race_is_one():
    assert kind_of(CONCURRENT, "Something new.") == "lost_race"
    assert kind_of(None, "Something new.") == OTHER


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errors.DUPLICATE_NAME, "duplicate_name"),
        (errors.INVENTORY_INUSE, "inventory_in_use"),
        (errors.PROVIDER_IN_USE, "provider_in_use"),
        (errors.PROVIDER_CANNOT_DELETE_PARENT, "provider_has_children"),
    ],
)
def test_a_code_that_tells_goes_before_what_names_may_say(code, kind):
    assert kind_of(code, "... consumer generation conflict ...") == kind


def test_kinds_have_names_of_their_own_and_a_meaning():
    assert len(set(KIND_NAMES)) == len(KIND_NAMES) == len(KINDS) + 1
    assert all(kind.meaning for kind in KINDS)
    assert [kind.name for kind in KINDS if not kind.wordings] == ["deadlock"]  # told by exceptions
