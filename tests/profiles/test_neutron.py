"""neutron: agents' providers, bandwidth, and the segments plugin."""

from tests.clients.test_neutron import (
    bridge,
    errors,
    neutron,
    test_a_provider_that_is_there_is_ensured_again,
    test_an_agent_reports_its_devices,
    test_bandwidth_of_a_port_grows_and_goes,
    test_the_segments_plugin_keeps_its_inventory_of_addresses,
)

__all__ = [
    "bridge",
    "errors",
    "neutron",
    "test_a_provider_that_is_there_is_ensured_again",
    "test_an_agent_reports_its_devices",
    "test_bandwidth_of_a_port_grows_and_goes",
    "test_the_segments_plugin_keeps_its_inventory_of_addresses",
]


def role(method, path, document, version):
    if method == "POST" and "parent_provider_uuid" not in document and version != "1.1":
        return None  # a host, or a bridge, that a story takes for given
    if method == "PUT" and path.startswith("/allocations/") and not document["consumer_generation"]:
        return None  # the scheduler's claim
    return "placement-neutron"


def CALLED(label, tag):  # noqa: N802
    """An agent's provider is called HOST:AGENT TYPE:DEVICE; a segment's has a name of its own."""
    if label == "Neutron segment":
        return f"Neutron segment id {tag}"
    return f"host:Open vSwitch agent:{label}.{tag}"
