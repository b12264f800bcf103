"""neutron, through its own client: agents' providers, bandwidth, and the segments plugin.

Facts: openstack/neutron-lib 5.0.1, neutron_lib/placement/client.py, which runs here as it is;
openstack/neutron at 29.0.0.0b1, neutron/agent/common/placement_report.py (an agent's calls, in
their order) and neutron/services/segments/plugin.py (microversion 1.1).
"""

import importlib.util

import pytest
from keystoneauth1 import loading
from oslo_config import cfg

SEGMENTS = "placement 1.1"
EGRESS, INGRESS = "NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC"
TRIES = 10


@pytest.fixture
def neutron(api):
    """Makes neutron's client for a side, configured as in neutron.conf."""
    found = importlib.util.find_spec("neutron_lib")
    api.require(found, "the extra [clients]: pip install 'placement-guard[clients]'")
    from neutron_lib.placement.client import PlacementAPIClient

    def make(side, *, token="admin", **given):
        conf = cfg.ConfigOpts()
        options = [
            *loading.get_auth_common_conf_options(),
            *loading.get_session_conf_options(),
            *loading.get_auth_plugin_conf_options("admin_token"),
            cfg.StrOpt("region_name"),
            cfg.StrOpt("endpoint_type", default="public"),
        ]
        conf.register_opts(options, group="placement")
        conf([], default_config_files=[], default_config_dirs=[])
        for name, value in (("auth_type", "admin_token"), ("endpoint", side.url), ("token", token)):
            conf.set_override(name, value, group="placement")
        return PlacementAPIClient(conf, **given)

    return make


@pytest.fixture
def errors(neutron):
    """neutron-lib's exceptions for Placement."""
    from neutron_lib.exceptions import placement

    return placement


@pytest.fixture
def bridge(neutron):
    """Makes the provider of an agent's device, with its bandwidth."""

    def make(side, **given):
        client = neutron(side, **given)
        device = side.id("bridge")
        client.ensure_resource_provider({"name": side.name("br-physnet"), "uuid": device})
        client.update_resource_provider_inventories(device, bandwidth(1000))
        side.recorder.entries.clear()
        return client, device

    return make


def bandwidth(total):
    inventory = {
        "allocation_ratio": 1.0,
        "min_unit": 1,
        "step_size": 1,
        "reserved": 0,
        "max_unit": total,
        "total": total,
    }
    return {EGRESS: dict(inventory), INGRESS: dict(inventory)}


def of(call, *args, **kwargs):
    """What a call comes to: its value, or the name of its exception."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__


def allocation(provider, **resources):
    return {
        "allocations": {provider: {"resources": resources}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
    }


def test_an_agent_reports_its_devices(same, neutron):
    def story(side):
        client = neutron(side)
        traits = [side.custom("PHYSNET"), side.custom("VNIC_TYPE_NORMAL")]
        host, agent, device = map(side.id, ("host", "agent", "device"))
        client.create_resource_provider({"name": side.name("host"), "uuid": host})
        for trait in traits:
            client.update_trait(name=trait)
        for each, parent in ((agent, host), (device, agent)):
            client.ensure_resource_provider(
                {"name": side.name(f"below {parent}"), "uuid": each, "parent_provider_uuid": parent}
            )
        client.update_resource_provider_traits(device, traits)
        client.update_resource_provider_inventories(device, bandwidth(1000))
        found = client.list_resource_providers(in_tree=host)["resource_providers"]
        return len(found)

    steps = """POST 200, PUT 201, PUT 201, PUT 404, POST 200, PUT 404, POST 200, GET 200, PUT 200,
        GET 200, PUT 200, GET 200"""
    assert same(story, *map(str.strip, steps.split(","))) == 3


def test_a_provider_that_is_there_is_ensured_again(same, bridge):
    def story(side):
        client, device = bridge(side)
        given = {"name": side.name("br-physnet"), "uuid": device}
        return client.ensure_resource_provider(given)["generation"]

    assert same(story, "PUT 200") == 1


def test_everything_else_that_the_client_can_ask_is_served(same, bridge):
    def story(side):
        client, device = bridge(side)
        name = side.custom("THING")
        zone = side.id("zone")
        return [
            client.create_resource_class(name),
            client.update_resource_class(name),
            client.get_resource_class(name)["name"],
            client.update_resource_provider_inventories(device, {name: {"total": 1}}),
            client.update_resource_provider_inventory(device, {"total": 2}, name),
            client.get_inventory(device, name)["total"],
            client.delete_resource_provider_inventory(device, name),
            client.delete_resource_class(name),
            client.update_trait(name).status_code,
            client.get_trait(name).status_code,
            client.update_resource_provider_traits(device, [name])["traits"],
            client.list_resource_provider_traits(device)["traits"],
            client.delete_resource_provider_traits(device),
            client.delete_trait(name),
            client.associate_aggregates(
                device,
                {
                    "aggregates": [zone],
                    "resource_provider_generation": client.get_resource_provider(device)[
                        "generation"
                    ],
                },
            )["aggregates"],
            client.list_aggregates(device)["aggregates"],
            client.delete_resource_provider_inventories(device),
            client.delete_resource_provider(device),
        ]

    read = same(
        story,
        "POST 201", "PUT 204", "GET 200", "GET 200", "PUT 200", "GET 200", "PUT 200", "GET 200",
        "DELETE 204", "DELETE 204", "PUT 201", "GET 204", "GET 200", "PUT 200", "GET 200", "DELETE 204",
        "DELETE 204", "GET 200", "PUT 200", "GET 200", "DELETE 204", "DELETE 204",
    )  # fmt: skip
    assert read[8:10] == [201, 204]


def test_bandwidth_of_a_port_grows_and_goes(same, bridge):
    def story(side):
        client, device = bridge(side)
        port = side.id("instance")
        client.update_allocation(port, allocation(device, **{EGRESS: 100, INGRESS: 100}))
        client.update_qos_allocation(port, {device: {EGRESS: 50}})
        held = client.list_allocations(port)["allocations"][device]["resources"]
        client.update_qos_allocation(port, {device: {EGRESS: -150, INGRESS: -100}})
        return held, client.list_allocations(port)["allocations"]

    steps = ["PUT 204", *["GET 200", "PUT 204", "GET 200"] * 2]
    assert same(story, *steps) == ({EGRESS: 150, INGRESS: 100}, {})


def test_the_segments_plugin_keeps_its_inventory_of_addresses(same, neutron):
    def story(side):
        client = neutron(side, openstack_api_version=SEGMENTS)
        segment, zone = side.id("segment"), side.id("zone")
        addresses = {"total": 254, "reserved": 2, "min_unit": 1, "max_unit": 1, "step_size": 1}
        addresses["allocation_ratio"] = 1.0
        client.create_resource_provider({"name": side.name("Neutron segment"), "uuid": segment})
        client.associate_aggregates(segment, [zone])
        client.update_resource_provider_inventories(segment, {"IPV4_ADDRESS": addresses})
        read = client.get_inventory(segment, "IPV4_ADDRESS")
        read["reserved"] += 1
        client.update_resource_provider_inventory(segment, read, "IPV4_ADDRESS")
        found = client.list_aggregates(segment)["aggregates"]
        client.delete_resource_provider(segment)
        return read["reserved"], len(found)

    steps = """POST 201, PUT 200, GET 200, PUT 200, GET 200, GET 200, PUT 200, GET 200,
        DELETE 204"""
    assert same(story, *map(str.strip, steps.split(","))) == (3, 1)


@pytest.mark.parametrize("behind", [1, TRIES], ids=["once", "for ever"])
def test_a_stale_generation_is_read_and_sent_again(same, bridge, monkeypatch, behind):
    def story(side):
        client, device = bridge(side)
        ask, asked = client.get_resource_provider, []

        def late(resource_provider_uuid):
            found = ask(resource_provider_uuid)
            asked.append(found)
            return {**found, "generation": 0} if len(asked) <= behind else found

        monkeypatch.setattr(client, "get_resource_provider", late)
        found = of(client.update_resource_provider_inventories, device, bandwidth(2000))
        return found if isinstance(found, str) else "updated"

    if behind == 1:
        assert same(story, "GET 200", "PUT 409", "GET 200", "PUT 200") == "updated"
    else:
        read = same(story, *["GET 200", "PUT 409"] * TRIES)
        assert read == "PlacementResourceProviderGenerationConflict"


def test_a_generation_that_the_caller_gave_is_not_sent_again(same, bridge):
    def story(side):
        client, device = bridge(side)
        return of(client.update_resource_provider_inventories, device, bandwidth(1), 0)

    assert same(story, "PUT 409") == "PlacementResourceProviderGenerationConflict"


def test_a_stale_generation_below_1_23_has_no_code_with_the_guard_either(same, bridge):
    def story(side):
        client, segment = bridge(side, openstack_api_version=SEGMENTS)
        return of(client.update_resource_provider_inventories, segment, bandwidth(1), 0)

    # neutron-lib indexes the code of every conflict, and the segments plugin asks for 1.1. It is
    # Placement's answer, and passes as it is.
    assert same(story, "PUT 409") == "KeyError"


def test_bandwidth_that_is_not_there_is_refused_as_ever(same, bridge):
    def story(side):
        client, device = bridge(side)
        port = side.id("instance")
        client.update_allocation(port, allocation(device, **{EGRESS: 100}))
        return of(client.update_qos_allocation, port, {device: {EGRESS: 1000}})

    assert same(story, "PUT 204", "GET 200", "PUT 409") == "Conflict"


MISSING = [
    ("a provider to read", lambda c, i: c.get_resource_provider(i),
     "PlacementResourceProviderNotFound"),
    ("a provider's inventories to delete", lambda c, i: c.delete_resource_provider_inventories(i),
     "PlacementResourceProviderNotFound"),
    ("a provider's inventory to delete",
     lambda c, i: c.delete_resource_provider_inventory(i, EGRESS),
     "PlacementResourceProviderNotFound"),
    ("a provider to read an inventory of", lambda c, i: c.get_inventory(i, EGRESS),
     "PlacementResourceProviderNotFound"),
    ("a provider to give traits", lambda c, i: c.update_resource_provider_traits(i, [], 0),
     "PlacementResourceProviderNotFound"),
    ("a provider to take traits from", lambda c, i: c.delete_resource_provider_traits(i),
     "PlacementResourceProviderNotFound"),
    ("a provider to give inventories", lambda c, i: c.update_resource_provider_inventories(i, {}, 0),
     "PlacementResourceProviderNotFound"),
    ("a provider to give an inventory",
     lambda c, i: c.update_resource_provider_inventory(i, {"total": 1}, EGRESS, 0),
     "PlacementResourceNotFound"),
    ("a provider to update", lambda c, i: c.update_resource_provider({"uuid": i, "name": "x"}),
     "PlacementResourceProviderNotFound"),
    ("a trait", lambda c, i: c.get_trait("CUSTOM_NOBODY_HAS"), "PlacementTraitNotFound"),
    ("a trait to delete", lambda c, i: c.delete_trait("CUSTOM_NOBODY_HAS"),
     "PlacementTraitNotFound"),
    ("a resource class", lambda c, i: c.get_resource_class("CUSTOM_NOBODY_HAS"),
     "PlacementResourceClassNotFound"),
]  # fmt: skip


@pytest.mark.parametrize("case", MISSING, ids=[case[0] for case in MISSING])
def test_what_is_missing_is_told(cloud, neutron, case):
    _, call, expected = case
    read = []
    for host in ("bare", "guarded"):
        side = cloud.side(host)
        read.append((of(call, neutron(side), side.id("nobody")), side.last.decision))
        assert side.last.status == 404
    assert read == [(expected, None)] * 2


def test_an_inventory_that_is_missing_is_told_from_its_provider(same, bridge):
    def story(side):
        client, device = bridge(side)
        return [
            of(client.delete_resource_provider_inventory, device, "PCI_DEVICE"),
            of(client.get_inventory, device, "PCI_DEVICE"),
        ]

    assert same(story, "DELETE 404", "GET 404") == ["PlacementInventoryNotFound"] * 2


def test_a_name_that_is_taken_is_told(same, bridge):
    def story(side):
        client, _ = bridge(side)
        another = {"uuid": side.id("another"), "name": side.name("another")}
        client.create_resource_provider(another)
        taken = {**another, "name": side.name("br-physnet")}
        return of(client.update_resource_provider, taken)

    assert same(story, "POST 200", "PUT 409") == "PlacementResourceProviderNameNotUnique"


NAN = float("nan")
REFUSED = [
    ("inventories with a ratio that is not a number",
     lambda c, i: c.update_resource_provider_inventories(
         i, {EGRESS: {"total": 1, "allocation_ratio": NAN}}, 1),
     "PlacementClientError", "json.not_finite", "allocation_ratio"),
    ("an inventory with a ratio that is not a number",
     lambda c, i: c.update_resource_provider_inventory(
         i, {"total": 1, "allocation_ratio": NAN}, EGRESS, 1),
     "PlacementClientError", "json.not_finite", "allocation_ratio"),
    ("a resource class that is none",
     lambda c, i: c.update_resource_provider_inventories(i, {"net_bw": {}}, 1),
     "PlacementClientError", "inventory.unmatched_class", "net_bw"),
    ("a name with a NUL", lambda c, i: c.update_resource_provider({"uuid": i, "name": "a\0b"}),
     "PlacementClientError", "json.nul_character", "name"),
    ("a trait with a NUL",
     lambda c, i: c.update_resource_provider_traits(i, ["CUSTOM_A\0"], 1),
     "PlacementTraitNotFound", "json.nul_character", "traits[0]"),
    ("an allocation with a NUL in its user",
     lambda c, i: c.update_allocation(i, allocation(i, **{EGRESS: 1}) | {"user_id": "a\0"}),
     "BadRequest", "json.nul_character", "user_id"),
    ("aggregates that no column holds",
     lambda c, i: c.associate_aggregates(
         i, {"aggregates": ["urn:uuid:" + i], "resource_provider_generation": 1}),
     "PlacementClientError", "document.too_long", "aggregates[0]"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_a_refusal_is_read_for_what_it_is_and_not_sent_again(guarded, bridge, refusal, case):
    _, call, error, rule, said = case
    client, device = bridge(guarded)
    assert of(call, client, device) == error
    assert said in refusal.check(guarded.last, 400, rule)
    assert len(guarded.recorder.entries) == 1


def test_a_refusal_below_1_23_has_a_code_all_the_same(guarded, bridge, refusal):
    client, segment = bridge(guarded, openstack_api_version=SEGMENTS)
    bad = {"IPV4_ADDRESS": {"total": 1, "allocation_ratio": NAN}}
    error = of(client.update_resource_provider_inventories, segment, bad)
    assert error == "PlacementClientError"
    refusal.check(guarded.last, 400, "json.not_finite")
    # A refusal is no conflict: neutron reads the generation once, and sends once.
    assert [str(entry) for entry in guarded.recorder.entries] == ["GET 200", "PUT 400"]


def test_who_may_not_write_is_told_so(guarded, bridge, neutron, errors, refusal):
    _, device = bridge(guarded)
    nobody = neutron(guarded, token="nobody")
    with pytest.raises(errors.PlacementClientError, match="Access was denied"):
        nobody.update_resource_provider_inventories(device, bandwidth(1), 1)
    refusal.check(guarded.last, 403, "policy.forbidden", code=refusal.placement)


def test_who_is_not_confirmed_is_told_so(guarded, bridge, errors, refusal):
    client, device = bridge(guarded)
    client._client.additional_headers["X-Identity-Status"] = "Invalid"
    with pytest.raises(errors.PlacementClientError, match="not confirmed"):
        client.update_resource_provider_inventories(device, bandwidth(1), 1)
    refusal.check(guarded.last, 401, "context.not_confirmed")


def test_a_body_that_is_too_large_is_told_so(small, bridge, errors, refusal):
    client, device = bridge(small)
    large = {f"CUSTOM_{number}": bandwidth(1)[EGRESS] for number in range(20)}
    with pytest.raises(errors.PlacementClientError, match="1024"):
        client.update_resource_provider_inventories(device, large, 1)
    refusal.check(small.last, 413, "body.too_large")
