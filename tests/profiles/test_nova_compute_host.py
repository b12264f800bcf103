"""nova-compute with a user for each host; claims are the scheduler's."""

from tests.clients.test_nova_compute import (
    host,
    moving,
    test_a_host_gives_up_its_inventory_traits_and_aggregates_and_goes,
    test_a_new_host_with_a_child_is_flushed,
    test_a_reshape_moves_what_is_used,
    test_a_reshape_of_a_host_that_uses_more_than_it_has_is_served,
    test_a_reshape_on_a_host_without_instances_is_served,
    test_a_reshape_that_empties_a_provider_to_be_removed_is_served,
)

__all__ = [
    "host",
    "moving",
    "test_a_host_gives_up_its_inventory_traits_and_aggregates_and_goes",
    "test_a_new_host_with_a_child_is_flushed",
    "test_a_reshape_moves_what_is_used",
    "test_a_reshape_of_a_host_that_uses_more_than_it_has_is_served",
    "test_a_reshape_on_a_host_without_instances_is_served",
    "test_a_reshape_that_empties_a_provider_to_be_removed_is_served",
]


def role(method, path, document, version):
    claims = method == "PUT" and path.startswith("/allocations/")
    return "placement-nova-control" if claims else "placement-nova-compute-host"


def CALLED(label, tag):  # noqa: N802
    """The stories call a root host or root."""
    return f"{'host' if label == 'root' else label}.{tag}"
