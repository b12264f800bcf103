"""What Placement takes from the guard, and each condition under which it goes its own way."""

import importlib
import inspect
import json
import logging
import types
from time import monotonic

import jsonschema
import placement.handlers
import placement.schemas
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oslo_serialization import jsonutils
from placement import policy, util
from placement.context import RequestContext
from placement.exception import PolicyNotAuthorized
from placement.handlers import inventory as inventory_handler
from placement.objects import reshaper
from placement.objects.resource_provider import ResourceProvider
from placement.schemas import inventory, resource_class

from placement_guard import handing_on
from placement_guard.api import documents
from placement_guard.api.operations import OPERATIONS
from placement_guard.exchange import Allowed, Exchange, current
from placement_guard.validators import Validating
from tests.unit.api.conftest import Bodies

BODY = b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 4}}}'
PUT_INVENTORIES = next(
    o for o in OPERATIONS if o.method == "PUT" and o.path.endswith("/inventories")
)
OWN = object()


@pytest.fixture
def untouched(monkeypatch):
    """Placement as it is installed, whatever was done to it in this process; put back."""
    monkeypatch.setattr(util, "extract_json", inspect.unwrap(util.extract_json))
    monkeypatch.setattr(policy, "authorize", inspect.unwrap(policy.authorize))
    own = inspect.unwrap(vars(ResourceProvider)["get_by_uuid"].__func__)
    monkeypatch.setattr(ResourceProvider, "get_by_uuid", classmethod(own))
    for module in (util, *handing_on._modules(placement.handlers)):
        if hasattr(module, "jsonschema"):
            monkeypatch.setattr(module, "jsonschema", jsonschema)


@pytest.fixture
def ours(untouched):
    assert handing_on.hand_on()


@pytest.fixture
def extract():
    """``extract_json`` before a Placement that only says that it was asked."""
    return handing_on._handing(lambda _body, _schema: OWN, handing_on._schemas())


def exchange(**changes):
    known = {
        "environ": {},
        "method": "PUT",
        "path": "/",
        "operation": PUT_INVENTORIES,
        "version": (1, 39),
        "body": BODY,
        "document": json.loads(BODY),
        "accepted": True,
    }
    return Exchange(**{**known, **changes})


class During:
    """As while Placement works on this exchange."""

    def __init__(self, exchange):
        self.exchange = exchange

    def __enter__(self):
        self.token = current.set(self.exchange)

    def __exit__(self, *_):
        current.reset(self.token)


# Bodies ----------------------------------------------------------------------------------------


def test_an_accepted_body_is_handed_on(extract):
    with During(exchange()):
        assert extract(BODY, inventory.PUT_INVENTORY_SCHEMA) == json.loads(BODY)


@pytest.mark.parametrize(
    ("during", "body", "schema"),
    [
        pytest.param(None, BODY, inventory.PUT_INVENTORY_SCHEMA, id="no guarded request"),
        pytest.param(
            exchange(accepted=False), BODY, inventory.PUT_INVENTORY_SCHEMA, id="something was found"
        ),
        pytest.param(
            exchange(body=BODY + b" "), BODY, inventory.PUT_INVENTORY_SCHEMA, id="other bytes"
        ),
        pytest.param(exchange(body=None), BODY, inventory.PUT_INVENTORY_SCHEMA, id="no body"),
        pytest.param(exchange(), BODY.decode(), inventory.PUT_INVENTORY_SCHEMA, id="a string"),
        pytest.param(
            exchange(), bytearray(BODY), inventory.PUT_INVENTORY_SCHEMA, id="what can be changed"
        ),
        pytest.param(
            exchange(),
            BODY,
            dict(inventory.PUT_INVENTORY_SCHEMA),
            id="a schema that only looks the same",
        ),
        pytest.param(
            exchange(), BODY, inventory.POST_INVENTORY_SCHEMA, id="the schema of another document"
        ),
        pytest.param(
            exchange(version=None), BODY, inventory.PUT_INVENTORY_SCHEMA, id="no microversion"
        ),
        pytest.param(
            exchange(body=b'{"a": "\\ud800"}'),
            b'{"a": "\\ud800"}',
            inventory.PUT_INVENTORY_SCHEMA,
            id="what only Placement's parser takes",
        ),
    ],
)
def test_anything_else_goes_placements_own_way(extract, during, body, schema):
    with During(during):
        assert extract(body, schema) is OWN


def test_each_call_gets_data_of_its_own(extract):
    with During(exchange()) as _, During(known := exchange()):
        first = extract(BODY, inventory.PUT_INVENTORY_SCHEMA)
        first["inventories"].clear()
        first.pop("resource_provider_generation")
        second = extract(BODY, inventory.PUT_INVENTORY_SCHEMA)
    assert second == json.loads(BODY)
    assert known.document == json.loads(BODY)


def test_every_document_has_a_schema_of_placements(untouched):
    assert handing_on.unsure() is None


_texts = st.text(st.characters(exclude_categories=()), max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(_texts, inside, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(_values, st.booleans(), st.sampled_from([None, 1, "\t"]))
@example([-0.0, 0.0, 1.0, 1e22, 10**40, -(2**63) - 1, 5e-324], True, None)
def test_what_is_handed_on_is_what_placement_would_decode(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    same(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z"))
@example("-0")
@example("1" * 4301)
def test_numbers_are_those_that_placement_would_read(text):
    same(text.encode())


def same(body):
    decoded = handing_on._decoded(body)
    if decoded is handing_on._NOTHING:
        return
    # Types, signs of zeros and the order of keys included.
    assert repr(decoded) == repr(jsonutils.loads(body))


# A Placement that is otherwise -----------------------------------------------------------------


def replaced(monkeypatch):
    monkeypatch.setattr(util, "extract_json", lambda body, schema: json.loads(body))


def other_arguments(monkeypatch):
    def extract_json(body, schema, strict):
        """Not reached."""

    theirs = types.FunctionType(extract_json.__code__, vars(util), "extract_json")
    monkeypatch.setattr(util, "extract_json", theirs)


def bound_by_name(monkeypatch):
    monkeypatch.setattr(inventory_handler, "extract_json", util.extract_json, raising=False)


def other_schema(monkeypatch):
    changed = {**inventory.PUT_INVENTORY_SCHEMA, "minProperties": 1}
    monkeypatch.setattr(inventory, "PUT_INVENTORY_SCHEMA", changed)


def parses_otherwise(monkeypatch):
    class Decimals:
        loads = staticmethod(lambda text: json.loads(text, parse_float=str))

    monkeypatch.setattr(util, "jsonutils", Decimals)


def takes_anything(monkeypatch):
    class Nothing:
        ValidationError = jsonschema.ValidationError
        validate = staticmethod(lambda *_, **__: None)

    monkeypatch.setattr(util, "jsonschema", Nothing)


def reshapes_otherwise(monkeypatch):
    def reshape(ctx, inventories, allocations):
        """Takes the providers from anywhere."""

    monkeypatch.setattr(reshaper, "reshape", reshape)


def reads_otherwise(monkeypatch):
    def get_by_uuid(cls, context, uuid, lock):
        """With an argument more."""

    monkeypatch.setattr(ResourceProvider, "get_by_uuid", classmethod(get_by_uuid))


def no_policy(monkeypatch):
    monkeypatch.delattr(policy, "authorize")


@pytest.mark.parametrize(
    "otherwise",
    [
        replaced,
        other_arguments,
        bound_by_name,
        other_schema,
        parses_otherwise,
        takes_anything,
        no_policy,
        reshapes_otherwise,
        reads_otherwise,
    ],
)
def test_in_a_placement_that_is_otherwise_nothing_changes_and_the_log_says_so(
    untouched, monkeypatch, caplog, otherwise
):
    otherwise(monkeypatch)
    before = dict(vars(util)), dict(vars(policy))
    with caplog.at_level(logging.WARNING, logger=handing_on.__name__):
        assert not handing_on.hand_on()
    assert (dict(vars(util)), dict(vars(policy))) == before
    [record] = caplog.records
    assert record.getMessage().startswith("Nothing is handed on")


def test_doing_so_again_changes_nothing(ours):
    before = util.extract_json, policy.authorize, util.jsonschema
    assert handing_on.hand_on()
    assert (util.extract_json, policy.authorize, util.jsonschema) == before


# What Placement checks itself ------------------------------------------------------------------


def verdict(validate, data, schema, **more):
    try:
        validate(data, schema, **more)
    except jsonschema.ValidationError as error:
        return str(error), list(error.absolute_path), list(error.absolute_schema_path)
    except Exception as error:
        return type(error)
    return None


SCHEMAS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": schema
    for module in handing_on._modules(placement.schemas)
    for name, schema in vars(module).items()
    if isinstance(schema, dict) and isinstance(schema.get("type"), str)
}


def made(name, schema):
    """Bodies of a schema, plain and strange. For those of queries, of strings alone."""
    make = Bodies(f"compiled {name}")
    for number in range(60):
        if name.startswith(("allocation_candidate", "usage")) or "GET" in name or "LIST" in name:
            keys = [*schema.get("properties", {}), *schema.get("patternProperties", {}), "x"]
            yield {
                make.random.choice(keys): make.random.choice(("VCPU:1", "", "1", "in:a", "é"))
                for _ in range(make.random.randint(0, 3))
            }
        else:
            yield (make.plain if number % 4 == 0 else make.strange)(schema)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_validator_that_is_kept_says_what_a_new_one_does(name, monkeypatch):
    schema = SCHEMAS[name]
    validating = Validating(handing_on._schemas())
    kind = jsonschema.validators.validator_for(schema)
    monkeypatch.setattr(kind, "check_schema", lambda *_, **__: None)  # most of the time
    wrong = 0
    with During(exchange()):
        for value in made(name, schema):
            more = {"format_checker": util._FORMAT_CHECKER}
            ours = verdict(validating.validate, value, schema, **more)
            assert ours == verdict(jsonschema.validate, value, schema, **more)
            wrong += ours is not None
    assert wrong


def test_a_validator_is_compiled_once_and_only_for_guarded_requests(monkeypatch):
    compiled = []
    kind = jsonschema.Draft202012Validator
    monkeypatch.setattr(kind, "check_schema", lambda schema, **_: compiled.append(schema))
    validating = Validating(handing_on._schemas())
    schema = resource_class.PUT_RC_SCHEMA_V1_2
    with During(exchange()):
        for _ in range(3):
            validating.validate({"name": "CUSTOM_A"}, schema)
    assert len(compiled) == 1
    for _ in range(3):
        validating.validate({"name": "CUSTOM_A"}, schema)
    assert len(compiled) == 4


@pytest.mark.parametrize(
    ("schema", "more"),
    [
        pytest.param({"type": "string"}, {}, id="a schema that is not Placement's"),
        pytest.param(
            resource_class.PUT_RC_SCHEMA_V1_2,
            {"format_checker": jsonschema.FormatChecker(["date"])},
            id="other formats",
        ),
        pytest.param(
            resource_class.PUT_RC_SCHEMA_V1_2, {"registry": None}, id="an argument it does not know"
        ),
    ],
)
def test_anything_else_is_validated_anew(monkeypatch, schema, more):
    asked = []
    monkeypatch.setattr(jsonschema, "validate", lambda *args, **given: asked.append(args))
    validating = Validating(handing_on._schemas())
    with During(exchange()):
        validating.validate({"name": "CUSTOM_A"}, resource_class.PUT_RC_SCHEMA_V1_2)
        assert not asked
        validating.validate({"name": "CUSTOM_A"}, schema, **more)
    assert len(asked) == 1


# The policy ------------------------------------------------------------------------------------

RULE = "placement:resource_providers:inventories:update"


class Asked:
    """Placement's own ``authorize``: says no, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, context, action, target, do_raise=True):  # noqa: FBT002
        self.asked.append((action, target))
        raise PolicyNotAuthorized(action)


def context(**changes):
    values = {"user_id": "u", "project_id": "p", "roles": ["admin"], "overwrite": False}
    return RequestContext(**{**values, **changes})


def test_the_yes_of_the_gate_is_not_asked_for_again(monkeypatch):
    own = Asked()
    monkeypatch.setattr(policy, "authorize", handing_on._remembering(own))
    known = exchange(allowed=Allowed.of(context(), RULE))
    with During(known):
        assert context().can(RULE)
    assert not own.asked


class Subclass(RequestContext):
    def can(self, action, target=None, fatal=True):  # noqa: FBT002
        return super().can(action, target, fatal)


@pytest.mark.parametrize(
    ("allowed", "who", "rule", "target"),
    [
        pytest.param(None, context(), RULE, None, id="the gate remembered it from before"),
        pytest.param(RULE, context(), "placement:usages", None, id="another rule"),
        pytest.param(RULE, context(roles=["reader"]), RULE, None, id="other roles"),
        pytest.param(RULE, context(system_scope="all"), RULE, None, id="another scope"),
        pytest.param(RULE, context(), RULE, {"project_id": "q"}, id="another target"),
        pytest.param(
            RULE,
            Subclass(user_id="u", project_id="p", roles=["admin"], overwrite=False),
            RULE,
            None,
            id="a context with ways of its own",
        ),
    ],
)
def test_anything_else_is_asked_and_refused_in_placements_words(
    monkeypatch, allowed, who, rule, target
):
    own = Asked()
    monkeypatch.setattr(policy, "authorize", handing_on._remembering(own))
    known = exchange(allowed=allowed and Allowed.of(context(), allowed))
    with During(known), pytest.raises(PolicyNotAuthorized, match=rule):
        who.can(rule, target)
    assert len(own.asked) == 1


class Enforcer:
    """As much of oslo.policy's as is looked at."""

    def __init__(self):
        self.rules, self.registered_rules = {}, {}
        self.policy_path, self.use_conf = None, True
        self.loaded = 0
        self.there = ()
        self.conf = types.SimpleNamespace(
            find_file=lambda name: name if name in self.there else None,
            oslo_policy=types.SimpleNamespace(policy_dirs=["policy.d"]),
        )

    def load_rules(self, force_reload=False):  # noqa: FBT002
        self.loaded += 1


@pytest.fixture
def enforcer(monkeypatch):
    made = Enforcer()
    handing_on._Looking.in_front_of(made)
    handing_on._Looking.in_front_of(made)
    return made


def test_a_policy_file_that_is_not_there_is_looked_for_once_a_second(enforcer, monkeypatch):
    now = monotonic()
    monkeypatch.setattr(handing_on, "monotonic", lambda: now)
    with During(exchange()):
        for _ in range(5):
            enforcer.load_rules()
        assert enforcer.loaded == 1
        now += handing_on.NOT_THERE_SECONDS
        enforcer.load_rules()
        assert enforcer.loaded == 2


def has_a_file(enforcer):
    enforcer.policy_path = "/etc/placement/policy.yaml"


def has_a_directory(enforcer):
    enforcer.there = ("policy.d",)


def reads_no_files(enforcer):
    enforcer.use_conf = False


@pytest.mark.parametrize("how", [has_a_file, has_a_directory, reads_no_files])
def test_what_is_there_is_looked_at_each_time(enforcer, how):
    how(enforcer)
    with During(exchange()):
        for _ in range(5):
            enforcer.load_rules()
    assert enforcer.loaded == 5


def has_other_rules(enforcer):
    enforcer.rules = {"a": 1}


def has_more_rules(enforcer):
    enforcer.registered_rules["b"] = 1


@pytest.mark.parametrize("how", [has_other_rules, has_more_rules])
def test_rules_that_have_changed_are_put_together_at_once(enforcer, how):
    with During(exchange()):
        enforcer.load_rules()
        how(enforcer)
        enforcer.load_rules()
    assert enforcer.loaded == 2


def test_a_request_that_is_not_guarded_looks_each_time(enforcer):
    for _ in range(3):
        enforcer.load_rules()
    with During(exchange()):
        enforcer.load_rules(force_reload=True)
    assert enforcer.loaded == 4


def test_documents_of_one_schema_are_told_by_their_names():
    known = handing_on._schemas()[id(resource_class.POST_RC_SCHEMA_V1_2)]
    assert known.documents == {documents.RESOURCE_CLASS.name}
    assert importlib.import_module("placement.schemas.resource_class") is resource_class
