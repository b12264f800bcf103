"""blazar: a provider for the reservations of each host."""

from tests.clients.test_blazar import (
    host,
    test_a_reservation_is_made_extended_and_taken_back,
)

__all__ = [
    "host",
    "test_a_reservation_is_made_extended_and_taken_back",
]


def role(method, path, document, version):
    if method == "POST" and path == "/resource_providers" and len(document) == 1:
        return None  # the host itself, which nova has made
    if method == "PUT" and "VCPU" in document["inventories"]:
        return None  # another's write in between
    return "placement-blazar"
