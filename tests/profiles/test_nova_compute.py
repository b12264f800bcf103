"""nova-compute with one user for all hosts; claims are the scheduler's."""

from tests.clients.test_nova_compute import (
    host,
    moving,
    test_a_host_gives_up_its_inventory_traits_and_aggregates_and_goes,
    test_a_new_host_with_a_child_is_flushed,
    test_a_reshape_moves_what_is_used,
    test_a_reshape_of_a_host_that_uses_more_than_it_has_is_served,
    test_a_reshape_that_empties_a_provider_to_be_removed_is_served,
    test_a_resource_class_and_a_trait_that_exist_are_ensured_again,
    test_inventory_below_its_usage_is_taken,
)

__all__ = [
    "host",
    "moving",
    "test_a_host_gives_up_its_inventory_traits_and_aggregates_and_goes",
    "test_a_new_host_with_a_child_is_flushed",
    "test_a_reshape_moves_what_is_used",
    "test_a_reshape_of_a_host_that_uses_more_than_it_has_is_served",
    "test_a_reshape_that_empties_a_provider_to_be_removed_is_served",
    "test_a_resource_class_and_a_trait_that_exist_are_ensured_again",
    "test_inventory_below_its_usage_is_taken",
]


def role(method, path, document, version):
    claims = method == "PUT" and path.startswith("/allocations/")
    return "placement-nova-control" if claims else "placement-nova-compute"
