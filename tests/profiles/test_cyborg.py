"""cyborg: a provider for each device."""

from tests.clients.test_cyborg import (
    device,
    test_a_device_is_reported_below_its_host,
    test_a_device_that_goes_takes_its_traits_and_its_class_with_it,
    test_a_device_that_is_disabled_is_reserved_whole,
)

__all__ = [
    "device",
    "test_a_device_is_reported_below_its_host",
    "test_a_device_that_goes_takes_its_traits_and_its_class_with_it",
    "test_a_device_that_is_disabled_is_reserved_whole",
]


def role(method, path, document, version):
    return "placement-cyborg"
