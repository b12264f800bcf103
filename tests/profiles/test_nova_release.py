"""nova releases and moves: its control plane, and the host of an instance."""

from tests.clients.test_nova_release import (
    moved,
    test_a_move_that_is_confirmed_gives_the_source_back,
    test_a_move_that_is_reverted_overwrites_what_the_instance_held,
    test_an_evacuated_instance_gives_back_the_host_that_failed,
    test_an_instance_and_its_migration_hold_the_same_shared_disk,
    test_an_instance_is_deleted_once,
)

__all__ = [
    "moved",
    "test_a_move_that_is_confirmed_gives_the_source_back",
    "test_a_move_that_is_reverted_overwrites_what_the_instance_held",
    "test_an_evacuated_instance_gives_back_the_host_that_failed",
    "test_an_instance_and_its_migration_hold_the_same_shared_disk",
    "test_an_instance_is_deleted_once",
]


def role(method, path, document, version):
    if not path.startswith("/allocations"):
        return None
    claims = method == "PUT" and version == "1.36"
    return "placement-nova-control" if claims or method == "GET" else "placement-nova-compute"
