"""nova-compute with ironic's driver."""

from tests.clients.test_ironic import (
    baremetal,
    test_a_node_in_use_is_reserved_and_its_instance_goes,
    test_nodes_are_moved_to_their_own_class_by_a_reshape,
    test_the_reshape_of_a_node_that_is_reserved_and_in_use_is_served,
)

__all__ = [
    "baremetal",
    "test_a_node_in_use_is_reserved_and_its_instance_goes",
    "test_nodes_are_moved_to_their_own_class_by_a_reshape",
    "test_the_reshape_of_a_node_that_is_reserved_and_in_use_is_served",
]


def role(method, path, document, version):
    claims = method == "PUT" and path.startswith("/allocations/")
    return "placement-nova-control" if claims else "placement-nova-compute-ironic"
