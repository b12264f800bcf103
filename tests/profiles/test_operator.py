"""An operator, with the command line."""

from tests.clients.test_osc_placement import (
    osc,
    pytestmark,
    test_a_provider_is_made_shown_renamed_and_deleted,
    test_aggregates_are_set_as_a_bare_list_below_1_19,
    test_an_inventory_an_allocation_and_their_end_are_served,
)

__all__ = [
    "osc",
    "pytestmark",
    "test_a_provider_is_made_shown_renamed_and_deleted",
    "test_aggregates_are_set_as_a_bare_list_below_1_19",
    "test_an_inventory_an_allocation_and_their_end_are_served",
]


def role(method, path, document, version):
    return "placement-operator"
