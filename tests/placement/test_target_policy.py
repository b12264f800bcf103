"""Target policy before a real Placement: what it sees, what it reads, and what it keeps away."""

import types
import uuid

import pytest
import webob
import webtest
from placement import db_api
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from placement_guard.placement import health_of
from tests.policy_asking import POLICY

ONLY_ACCELERATORS = (
    '"profile:cyborg": "user_name:cyborg"\n'
    '"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_ACCELERATOR_*"\n'
)
UPDATE = "resource_providers:inventories:update"


class Handler:
    """Placement's handler, which counts how often it is called."""

    def __init__(self, application):
        self.application, self.calls = application, 0

    def __call__(self, environ, start_response):
        self.calls += 1
        return self.application(environ, start_response)


@pytest.fixture(scope="module")
def policed(real, api, tmp_path_factory):
    """Makes a guarded Placement with a policy: a text, or the directory that is shipped."""
    from placement.deploy import deploy

    def make(text=None, **options):
        directory = tmp_path_factory.mktemp("policed")
        if text is None:
            options["target_policy_dirs"] = str(POLICY)
        else:
            (directory / "policy.yaml").write_text(text)
            options["target_policy_file"] = str(directory / "policy.yaml")
        conf = api.read_conf(api.write_conf(directory, placement_guard=options))
        registry = CollectorRegistry()
        found = deploy(conf)
        app = real.guard(found, conf, registry=registry)
        guard = app
        while not hasattr(guard, "policy_state"):
            guard = guard.application if hasattr(guard, "application") else guard._application
        handler = guard.application = Handler(guard.application)

        def ask(method, path, body=None, version="1.39", roles="", user="someone", **headers):
            headers = api.headers(version, **{"X-User-Name": user}, **headers)
            headers["X-Roles"] += f",{roles}" if roles else ""
            given = {} if body is None else {"params": body}
            call = getattr(testing, f"{method.lower()}_json", None) or testing.delete
            before = handler.calls
            answer = call(path, headers=headers, expect_errors=True, **given)
            answer.reached = handler.calls - before
            return answer

        testing = webtest.TestApp(app)
        reads = lambda result: registry.get_sample_value(  # noqa: E731
            "placement_guard_policy_reads_total", {"result": result}
        )
        return types.SimpleNamespace(ask=ask, reads=reads, health=health_of(app))

    return make


@pytest.fixture
def statements():
    """SQL statements that were sent meanwhile."""
    seen = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    engine = db_api.get_placement_engine()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def made(real, api):
    """Makes providers and allocations, as nobody that a policy is for."""

    def provider(name=None, parent=None, traits=(), **inventories):
        found = str(uuid.uuid4())
        body = {"name": name or f"p-{found}", "uuid": found}
        if parent:
            body["parent_provider_uuid"] = parent
        at = f"/resource_providers/{found}"
        real.bare.post_json("/resource_providers", body, headers=api.headers())
        for name in (n for n in inventories if n.startswith("CUSTOM_")):
            real.bare.put(f"/resource_classes/{name}", headers=api.headers())
        records = {name: {"total": total} for name, total in inventories.items()}
        body = {"resource_provider_generation": 0, "inventories": records}
        real.bare.put_json(f"{at}/inventories", body, headers=api.headers())
        body = {"resource_provider_generation": 1 if records else 0, "traits": list(traits)}
        real.bare.put_json(f"{at}/traits", body, headers=api.headers())
        return found

    def claim(provider, project="p", **resources):
        consumer = str(uuid.uuid4())
        body = held({provider: resources}, project)
        real.bare.put_json(f"/allocations/{consumer}", body, headers=api.headers())
        return consumer

    def held(of, project="p", generation=None):
        return {
            "allocations": {p: {"resources": amounts} for p, amounts in of.items()},
            "project_id": project,
            "user_id": "u",
            "consumer_generation": generation,
            "consumer_type": "INSTANCE",
        }

    def generation(provider):
        answer = real.bare.get(f"/resource_providers/{provider}", headers=api.headers())
        return answer.json["generation"]

    def stored(path):
        return real.bare.get(path, headers=api.headers()).json

    return types.SimpleNamespace(
        provider=provider, claim=claim, held=held, generation=generation, stored=stored
    )


def put(made, provider, **totals):
    """The path and the body of PUT inventories."""
    return f"/resource_providers/{provider}/inventories", {
        "resource_provider_generation": made.generation(provider),
        "inventories": {name: {"total": total} for name, total in totals.items()},
    }


def test_cyborg_writes_its_accelerators_and_nothing_else(policed, made, statements):
    placement = policed(ONLY_ACCELERATORS)
    device = made.provider(CUSTOM_ACCELERATOR_FPGA=1)
    path, body = put(made, device, CUSTOM_ACCELERATOR_FPGA=2)
    answer = placement.ask("PUT", path, body, user="cyborg")
    assert (answer.status_int, answer.reached) == (200, 1)
    assert answer.json["inventories"]["CUSTOM_ACCELERATOR_FPGA"]["total"] == 2
    path, body = put(made, device, CUSTOM_ACCELERATOR_FPGA=2, VCPU=64)
    statements.clear()
    answer = placement.ask("PUT", path, body, user="cyborg")
    assert (answer.status_int, answer.reached, statements) == (403, 0, [])
    error = answer.json["errors"][0]
    assert error["code"] == "placement_guard.policy.target_forbidden"
    assert error["detail"].splitlines()[-1].strip() == (
        "resource class VCPU is not allowed by resource_classes:CUSTOM_ACCELERATOR_*, by policy "
        f"rule cyborg:{UPDATE}: $.inventories.VCPU"
    )
    assert placement.ask("PUT", path, body, user="nova").status_int == 200


def test_what_is_refused_before_what_is_stored_is_asked_reads_nothing(policed, made, statements):
    text = f'"everybody:{UPDATE}": "resource_classes:FPGA and dropped_classes:none"\n'
    placement, device = policed(text), made.provider(FPGA=1)
    path, body = put(made, device, VCPU=1)
    statements.clear()
    answer = placement.ask("PUT", path, body)
    assert (answer.status_int, answer.reached, statements) == (403, 0, [])
    answer = placement.ask("PUT", *put(made, device))
    assert (answer.status_int, answer.reached, placement.reads("found")) == (403, 0, 1)


VERSIONS = ["1.0", "1.1", "1.13", "1.26", "1.39"]


@pytest.mark.parametrize("version", VERSIONS, ids="at {}".format)
def test_what_is_stored_is_read_whatever_the_request_speaks(policed, made, version):
    rule = "own_tree:nova-compute-{host} and held_classes:VCPU and owner:OWNER_NOVA"
    placement = policed(f'"everybody:{UPDATE}": "{rule}"\n')
    mine = made.provider(f"mine-{version}", traits=["OWNER_NOVA"], VCPU=8)
    theirs = made.provider(f"theirs-{version}", traits=["OWNER_NOVA"], VCPU=8)
    user = f"nova-compute-mine-{version}"
    answer = placement.ask("PUT", *put(made, mine, VCPU=4), version, user=user)
    assert (answer.status_int, placement.reads("found")) == (200, 4)
    assert answer.headers["OpenStack-API-Version"] == f"placement {version}"
    answer = placement.ask("PUT", *put(made, theirs, VCPU=4), version, user=user)
    assert (answer.status_int, placement.reads("found")) == (403, 7)


def test_a_provider_that_does_not_exist_is_left_to_placement(policed):
    placement = policed(
        '"everybody": "dropped_classes:none and owner:none and held_classes:none"\n'
    )
    path = f"/resource_providers/{uuid.uuid4()}/inventories"
    answer = placement.ask("PUT", path, {"resource_provider_generation": 0, "inventories": {}})
    assert answer.status_int == 404
    assert placement.reads("missing") == 2


def test_no_more_is_read_than_is_allowed_and_all_of_it_is_counted(policed, made):
    placement = policed('"everybody": "no_growth:true"\n')
    host = made.provider(VCPU=100)
    body = {str(uuid.uuid4()): made.held({host: {"VCPU": 1}}) for _ in range(17)}
    answer = placement.ask("POST", "/allocations", body)
    assert "gets more of VCPU" in answer.json["errors"][0]["detail"]
    assert placement.reads("found") == 1  # the first says enough
    held = {
        made.claim(host, VCPU=1): made.held({host: {"VCPU": 1}}, generation=1) for _ in range(17)
    }
    answer = placement.ask("POST", "/allocations", held)
    assert answer.json["errors"][0]["code"] == "placement_guard.policy.not_evaluable"
    assert "more than 16 reads" in answer.json["errors"][0]["detail"]
    assert placement.reads("found") == 17


@pytest.mark.parametrize("spelling", [str.upper, lambda text: text.replace("-", "")],
                         ids=["in capitals", "without dashes"])  # fmt: skip
def test_another_spelling_of_a_provider_is_no_way_around(policed, made, spelling):
    device = made.provider(VCPU=8)
    placement = policed(f'"everybody": "providers:!{device},*"\n')
    for path in (f"/resource_providers/{spelling(device)}",
                 f"/resource_providers/{spelling(device)}/inventories"):  # fmt: skip
        answer = placement.ask("DELETE", path)
        assert (answer.status_int, answer.reached) == (403, 0)


# The profiles that are shipped: what must not be done with a stolen identity -----------------------


@pytest.fixture(scope="module")
def shipped(policed):
    return policed()


@pytest.fixture(scope="module")
def cloud(made):
    """A cloud, and what is stored of it: no abuse changes anything."""
    found = new_cloud(made)
    found.paths = [
        f"/resource_providers/{provider}{part}"
        for provider in (found.two, found.empty, found.bridge)
        for part in ("", "/inventories", "/traits", "/aggregates")
    ] + [f"/allocations/{consumer}" for consumer in (found.instance, found.another)]
    found.before = list(map(made.stored, found.paths))
    return found


def new_cloud(made):
    """Two hosts, each with an instance; a device, a bridge and a provider of reservations."""
    tag = uuid.uuid4().hex[:8]
    one = made.provider(f"one-{tag}", traits=["OWNER_NOVA"], VCPU=8, MEMORY_MB=8000)
    two = made.provider(f"two-{tag}", traits=["OWNER_NOVA"], VCPU=8, MEMORY_MB=8000)
    return types.SimpleNamespace(
        tag=tag,
        one=one,
        two=two,
        empty=made.provider(f"empty-{tag}", VCPU=8, MEMORY_MB=8000),
        device=made.provider(f"device-{tag}", one, FPGA=1),
        bridge=made.provider(f"one-{tag}:agent", one, NET_BW_EGR_KILOBIT_PER_SEC=1000),
        reserved=made.provider(f"blazar_one-{tag}", one, CUSTOM_RESERVATION_A=1),
        instance=made.claim(one, VCPU=1),
        another=made.claim(two, VCPU=1),
    )


def reshaped(made, allocations=None, **inventories):
    return "POST", "/reshaper", {
        "inventories": {
            provider.replace("_", "-"): {
                "resource_provider_generation": made.generation(provider.replace("_", "-")),
                "inventories": {name: {"total": total} for name, total in records.items()},
            }
            for provider, records in inventories.items()
        },
        "allocations": allocations or {},
    }  # fmt: skip


ABUSES = [
    ("nova-compute wipes a host", "nova-compute",
     lambda m, c: ("PUT", *put(m, c.empty))),
    ("nova-compute deletes a host", "nova-compute",
     lambda m, c: ("DELETE", f"/resource_providers/{c.empty}")),
    ("nova-compute deletes all inventories", "nova-compute",
     lambda m, c: ("DELETE", f"/resource_providers/{c.empty}/inventories")),
    ("nova-compute deletes one inventory", "nova-compute",
     lambda m, c: ("DELETE", f"/resource_providers/{c.empty}/inventories/MEMORY_MB")),
    ("nova-compute changes one inventory", "nova-compute",
     lambda m, c: ("PUT", f"/resource_providers/{c.empty}/inventories/MEMORY_MB",
                   {"resource_provider_generation": m.generation(c.empty), "total": 1})),
    ("nova-compute reshapes a host away", "nova-compute",
     lambda m, c: reshaped(m, **{c.empty: {}})),
    ("nova-compute drops bandwidth", "nova-compute",
     lambda m, c: ("PUT", *put(m, c.bridge))),
    ("nova-compute claims a host", "nova-compute",
     lambda m, c: ("PUT", f"/allocations/{uuid.uuid4()}", m.held({c.empty: {"VCPU": 8}}))),
    ("nova-compute releases many", "nova-compute",
     lambda m, c: ("POST", "/allocations",
                   {i: m.held({}, generation=1) for i in (c.instance, c.another, str(uuid.uuid4()))})),
    ("nova-compute renames a host", "nova-compute",
     lambda m, c: ("PUT", f"/resource_providers/{c.two}", {"name": "gone"})),
    ("a host drops another's inventory", "nova-compute-host",
     lambda m, c: ("PUT", *put(m, c.empty))),
    ("a host reshapes another", "nova-compute-host",
     lambda m, c: reshaped(m, **{c.empty: {"VCPU": 1, "MEMORY_MB": 8000}})),
    ("a host reshapes another with its own", "nova-compute-host",
     lambda m, c: reshaped(m, **{c.device: {"FPGA": 1}, c.two: {"VCPU": 1, "MEMORY_MB": 8000}})),
    ("a host deletes another", "nova-compute-host",
     lambda m, c: ("DELETE", f"/resource_providers/{c.empty}")),
    ("a host releases another's instance", "nova-compute-host",
     lambda m, c: ("DELETE", f"/allocations/{c.another}")),
    ("a host releases another's instance by a move", "nova-compute-host",
     lambda m, c: ("POST", "/allocations", {c.another: m.held({}, generation=1)})),
    ("a host takes another out of service", "nova-compute-host",
     lambda m, c: ("PUT", f"/resource_providers/{c.two}/traits",
                   {"resource_provider_generation": m.generation(c.two),
                    "traits": ["COMPUTE_STATUS_DISABLED"]})),
    ("a host puts another into an aggregate", "nova-compute-host",
     lambda m, c: ("PUT", f"/resource_providers/{c.two}/aggregates",
                   {"resource_provider_generation": m.generation(c.two), "aggregates": []})),
    ("a host makes a host", "nova-compute-host",
     lambda m, c: ("POST", "/resource_providers", {"name": f"new-{c.tag}"})),
    ("a host makes a child of another", "nova-compute-host",
     lambda m, c: ("POST", "/resource_providers",
                   {"name": f"new-{c.tag}", "parent_provider_uuid": c.two})),
    ("nova's control plane writes inventories", "nova-control",
     lambda m, c: ("PUT", *put(m, c.empty))),
    ("nova's control plane reshapes", "nova-control", lambda m, c: reshaped(m, **{c.empty: {}})),
    ("neutron writes cores", "neutron", lambda m, c: ("PUT", *put(m, c.bridge, VCPU=1))),
    ("neutron drops cores", "neutron",
     lambda m, c: ("PUT", *put(m, c.empty, NET_BW_EGR_KILOBIT_PER_SEC=1))),
    ("neutron takes cores from an instance", "neutron",
     lambda m, c: ("PUT", f"/allocations/{c.instance}", m.held({}, generation=1))),
    ("neutron deletes a host", "neutron", lambda m, c: ("DELETE", f"/resource_providers/{c.empty}")),
    ("cyborg drops cores", "cyborg", lambda m, c: ("PUT", *put(m, c.empty, FPGA=1))),
    ("cyborg deletes a host", "cyborg", lambda m, c: ("DELETE", f"/resource_providers/{c.empty}")),
    ("cyborg hangs a host below another", "cyborg",
     lambda m, c: ("PUT", f"/resource_providers/{c.empty}",
                   {"name": "x", "parent_provider_uuid": c.two})),
    ("blazar writes to a host", "blazar",
     lambda m, c: ("PUT", *put(m, c.empty, CUSTOM_RESERVATION_A=1))),
    ("blazar deletes a device", "blazar", lambda m, c: ("DELETE", f"/resource_providers/{c.device}")),
    ("a bare metal host wipes another", "nova-compute-ironic", lambda m, c: ("PUT", *put(m, c.empty))),
]  # fmt: skip


@pytest.mark.parametrize("case", ABUSES, ids=[c[0] for c in ABUSES])
def test_an_abuse_is_refused_and_changes_nothing(shipped, made, cloud, case):
    _, profile, abuse = case
    method, path, *body = abuse(made, cloud)
    user = f"nova-compute-one-{cloud.tag}"
    answer = shipped.ask(method, path, *body, roles=f"placement-{profile}", user=user)
    assert answer.status_int == 403
    assert answer.json["errors"][0]["code"] == "placement_guard.policy.target_forbidden"
    assert f"by policy rule {profile}:" in answer.json["errors"][0]["detail"]
    assert list(map(made.stored, cloud.paths)) == cloud.before


@pytest.mark.parametrize("profile", ["", "operator"], ids=["of no profile", "of an operator"])
def test_none_of_these_is_refused_by_placement_for_want_of_a_right(shipped, made, profile):
    cloud = new_cloud(made)
    for _, _, abuse in ABUSES[:3]:
        method, path, *body = abuse(made, cloud)
        roles = f"placement-{profile}" if profile else ""
        assert shipped.ask(method, path, *body, roles=roles).status_int in {200, 204, 404}


def test_a_release_at_1_7_does_not_take_a_consumer_from_its_project(policed, made):
    placement = policed('"everybody": "released_projects:%(project_id)s"\n')
    host = made.provider(VCPU=8)
    consumer = made.claim(host, project="theirs", VCPU=2)
    body = {"allocations": [{"resource_provider": {"uuid": host}, "resources": {"VCPU": 2}}]}
    answer = placement.ask("PUT", f"/allocations/{consumer}", body, "1.7")
    assert answer.status_int == 403
    assert made.stored(f"/allocations/{consumer}")["project_id"] == "theirs"


def test_readyz_shows_the_policy(shipped):
    told = webob.Request.blank("/readyz").get_response(shipped.health)
    assert told.status_int == 200
    assert told.json["policy"]["problems"] == []
    assert told.json["policy"]["rules"] > 80
