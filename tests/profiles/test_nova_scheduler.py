"""nova's scheduler: claims."""

from tests.clients.test_nova_scheduler import (
    host,
    test_a_claim_of_a_candidate_is_served,
    test_a_claim_while_the_instance_is_elsewhere_holds_both_hosts,
    test_what_was_read_of_an_instance_is_written_back_with_more_in_it,
)

__all__ = [
    "host",
    "test_a_claim_of_a_candidate_is_served",
    "test_a_claim_while_the_instance_is_elsewhere_holds_both_hosts",
    "test_what_was_read_of_an_instance_is_written_back_with_more_in_it",
]


def role(method, path, document, version):
    return "placement-nova-control" if path.startswith("/allocations") else None
