"""The guard's tables against the installed Placement: where they differ, each difference is named."""

import ast
import inspect
import json
from pathlib import Path

import microversion_parse
import placement
import pytest
import webob
from oslo_policy import policy
from placement import errors, microversion, policies, util
from placement.handler import ROUTE_DECLARATIONS
from placement.objects.resource_provider import ResourceProvider

from placement_guard.api import conflicts
from placement_guard.api.conflicts import KINDS, kind_of
from placement_guard.api.operations import (
    FIRST_VERSION,
    LAST_VERSION,
    NAMES,
    OPERATIONS,
    READING_METHODS,
)
from placement_guard.api.policies import list_rules

UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"
VERSIONS = [tuple(map(int, text.split("."))) for text in microversion.VERSIONS]
TABLE = {(operation.method, operation.path): operation for operation in OPERATIONS}
HANDLERS = {
    (method, path): handler
    for path, handlers in ROUTE_DECLARATIONS.items()
    for method, handler in handlers.items()
}
MUTATIONS = [key for key in HANDLERS if key[0] not in READING_METHODS]


def differences(name, in_placement, in_table):
    """A line for each entry of two mappings that is not the same in both."""
    lines = []
    for key in sorted(in_placement.keys() | in_table.keys(), key=str):
        theirs = in_placement.get(key, "nothing")
        ours = in_table.get(key, "nothing")
        if theirs != ours:
            lines.append(f"{name} of {key}: {theirs} in Placement, {ours} in the table")
    return lines


def version_text(version):
    return "{}.{}".format(*version)


# Routes and microversions --------------------------------------------------------------------


def test_routes_and_methods_are_those_of_placement():
    lines = differences(
        "the route",
        dict.fromkeys(HANDLERS, "there"),
        dict.fromkeys(TABLE, "there"),
    )
    assert not lines, "\n".join(lines)


def test_each_route_and_method_is_one_row():
    assert len(TABLE) == len(OPERATIONS)


def test_microversions_are_those_of_placement():
    assert (VERSIONS[0], VERSIONS[-1]) == (FIRST_VERSION, LAST_VERSION)


def test_microversions_have_no_gaps():
    assert [(1, minor) for minor in range(len(VERSIONS))] == VERSIONS


def served_ranges(handler):
    """The (first, last) microversions that Placement's decorators give a handler, oldest first."""
    for name in cell_names(inspect.unwrap(handler.func)):
        found = microversion.VERSIONED_METHODS.get(name)
        if found:
            return sorted((tuple(first), tuple(last)) for first, last, _ in found)
    return [(VERSIONS[0], VERSIONS[-1])]


def cell_names(function):
    """The "module.function" names that a chain of decorators keeps in its closures."""
    for cell in function.__closure__ or ():
        content = cell.cell_contents
        if isinstance(content, str):
            yield content
        elif inspect.isfunction(content):
            yield from cell_names(content)


def test_operations_serve_from_the_microversions_of_placement():
    lines = differences(
        "the first microversion",
        {key: version_text(served_ranges(handler)[0][0]) for key, handler in HANDLERS.items()},
        {key: version_text(operation.since) for key, operation in TABLE.items()},
    )
    assert not lines, "\n".join(lines)


def test_operations_serve_up_to_the_last_microversion_without_a_gap():
    lines = []
    for key, handler in HANDLERS.items():
        ranges = served_ranges(handler)
        served = [v for v in VERSIONS if any(first <= v <= last for first, last in ranges)]
        missing = [v for v in VERSIONS if v >= TABLE[key].since and v not in served]
        lines += [f"{key} is not served at {version_text(version)}" for version in missing]
    assert not lines, "\n".join(lines)


def test_every_versioned_method_of_placement_belongs_to_a_route():
    reached = set()
    for handler in HANDLERS.values():
        reached.update(cell_names(inspect.unwrap(handler.func)))
    lines = [
        f"{name} has microversions, but no route leads to it"
        for name, ranges in microversion.VERSIONED_METHODS.items()
        if ranges and name not in reached
    ]
    assert not lines, "\n".join(lines)


# Policy --------------------------------------------------------------------------------------


def rules_by_operation(rules):
    return {
        (operation["method"], operation["path"]): rule.name
        for rule in rules
        if isinstance(rule, policy.DocumentedRuleDefault)
        for operation in rule.operations
    }


def test_each_operation_has_the_policy_rule_of_placement():
    lines = differences(
        "the policy rule",
        rules_by_operation(policies.list_rules()),
        {key: operation.rule for key, operation in TABLE.items() if operation.rule},
    )
    assert not lines, "\n".join(lines)


def test_the_operations_of_each_rule_are_those_of_placement():
    lines = differences(
        "the policy rule",
        rules_by_operation(policies.list_rules()),
        rules_by_operation(list_rules()),
    )
    assert not lines, "\n".join(lines)


def test_only_the_root_has_no_policy_rule():
    assert {key for key, operation in TABLE.items() if operation.rule is None} == {
        ("GET", "/"),
        ("GET", ""),
    }


def described(rules):
    """Each rule's defaults by its name, as text."""
    texts = {}
    for rule in rules:
        old = rule.deprecated_rule
        replaced = f"{old.name} = {old.check_str}" if old else "nothing"
        texts[rule.name] = (
            f"check {rule.check_str!r}, scopes {rule.scope_types}, replaces {replaced}"
        )
    return texts


def test_the_defaults_of_each_rule_are_those_of_placement():
    lines = differences("the rule", described(policies.list_rules()), described(list_rules()))
    assert not lines, "\n".join(lines)


def test_rules_are_new_objects_each_time():
    # What one enforcer does to its rules must not reach another's.
    before, after = list_rules(), list_rules()
    assert not {id(rule) for rule in before} & {id(rule) for rule in after}


# Documents -----------------------------------------------------------------------------------


class Reached(Exception):  # noqa: N818
    """The handler came to where it reads the body."""


class Allowing:
    """A context that may do everything, and remembers for what it was asked."""

    def __init__(self):
        self.asked = []
        self.config = None

    def can(self, rule, *_, **__):
        self.asked.append(rule)
        return True


class Drive:
    """One request to a real handler, up to where it reads its body."""

    def __init__(self, monkeypatch):
        self.schema = None
        self.steps = []
        self.body = b""
        monkeypatch.setattr(util, "extract_json", self.extract_json)
        monkeypatch.setattr(ResourceProvider, "get_by_uuid", self.get_by_uuid)

    def extract_json(self, body, schema):
        if body != self.body:
            raise Reached("made up")  # a string of the handler's own, not what was sent
        self.steps.append("body")
        self.schema = schema
        raise Reached("read")

    def get_by_uuid(self, *_):
        self.steps.append("provider")
        return type("Provider", (), {"uuid": UUID, "generation": 0})()

    def send(self, method, path, version):
        """Returns the schema of the body, None where no body is read, and what came before."""
        self.schema, self.steps, self.body = None, [], b'{"sent": 1}'
        params = {"uuid": UUID, "consumer_uuid": UUID, "name": "CUSTOM_A", "resource_class": "VCPU"}
        request = webob.Request.blank(
            path.format(**params), method=method, content_type="application/json", body=self.body
        )
        context = Allowing()
        request.environ["placement.context"] = context
        request.environ[microversion.MICROVERSION_ENVIRON] = microversion_parse.extract_version(
            {"openstack-api-version": f"placement {version_text(version)}"},
            microversion.SERVICE_TYPE,
            microversion.VERSIONS,
        )
        request.environ["wsgiorg.routing_args"] = ((), params)
        response = None
        try:
            response = request.get_response(HANDLERS[method, path])
        except Exception as error:  # what a handler without a database runs into
            if not isinstance(error, Reached) and not context.asked:
                raise
        return response, context.asked


@pytest.fixture
def drive(monkeypatch):
    return Drive(monkeypatch)


def name_of(schema):
    """The documents of the table that have this schema, and the schema itself if none has."""
    if schema is None:
        return "no body"
    written = json.dumps(schema)
    names = {
        document.name
        for operation in OPERATIONS
        for _, document in operation.bodies
        if document is not None and json.dumps(document.schema) == written
    }
    return ", ".join(sorted(names)) or f"a document that no row has: {written}"


@pytest.mark.parametrize(
    ("method", "path"), [pytest.param(*key, id=" ".join(key)) for key in MUTATIONS]
)
def test_the_document_at_each_microversion_is_that_of_placement(method, path, drive):
    operation = TABLE[method, path]
    lines = []
    reads_a_body = 0
    for version in VERSIONS:
        if version < operation.since:
            continue
        _, asked = drive.send(method, path, version)
        document = operation.document(version)
        ours = document.schema if document else None
        # Written without sorting: the order of keywords decides what is said of a wrong body.
        if json.dumps(ours) != json.dumps(drive.schema):
            lines.append(
                f"{operation.name} at {version_text(version)}: Placement reads "
                f"{name_of(drive.schema)}, the table has {document.name if document else 'no body'}"
            )
        if asked != [operation.rule]:
            lines.append(f"{operation.name} at {version_text(version)}: asks for {asked}")
        reads_a_body += drive.schema is not None
    assert not lines, "\n".join(lines)
    assert bool(reads_a_body) == any(document for _, document in operation.bodies)


@pytest.mark.parametrize(
    ("method", "path"), [pytest.param(*key, id=" ".join(key)) for key in MUTATIONS]
)
def test_below_its_first_microversion_placement_does_nothing(method, path, drive):
    for version in VERSIONS:
        if version < TABLE[method, path].since:
            response, asked = drive.send(method, path, version)
            assert response.status_code in {404, 405}, version
            assert (asked, drive.steps) == ([], []), version


def test_the_provider_is_looked_up_first_where_the_table_says_so(drive):
    lines = []
    for (method, path), operation in TABLE.items():
        if not operation.mutates:
            continue
        for version in VERSIONS:
            drive.send(method, path, version)
            if "body" in drive.steps:
                first = drive.steps[0] == "provider"
                if first != operation.provider_first:
                    lines.append(
                        f"{operation.name} at {version_text(version)}: Placement looks up the "
                        f"provider {'before' if first else 'after'} it reads the body"
                    )
    assert not lines, "\n".join(lines)


def test_an_operation_without_a_body_looks_up_no_provider_first():
    assert [
        operation.name
        for operation in OPERATIONS
        if operation.provider_first and not operation.bodies
    ] == []


def test_names_are_those_of_the_policy_rules_and_two_more():
    of_placement = {
        rule.name.removeprefix("placement:")
        for rule in policies.list_rules()
        if isinstance(rule, policy.DocumentedRuleDefault)
    }
    assert set(NAMES) == of_placement | {"root:show", "unmatched"}


def test_uuid_is_the_only_format_that_schemas_name():
    def formats(schema):
        if isinstance(schema, dict):
            if isinstance(schema.get("format"), str):
                yield schema["format"]
            for member in schema.values():
                yield from formats(member)
        elif isinstance(schema, list):
            for member in schema:
                yield from formats(member)

    found = {
        name
        for operation in OPERATIONS
        for _, document in operation.bodies
        if document
        for name in formats(document.schema)
    }
    assert found == {"uuid"}


# Conflicts -----------------------------------------------------------------------------------

ROOT = Path(placement.__file__).parent
OF_DATABASES = {"UNIQUE constraint failed", "Duplicate entry", "duplicate key value"}


def trees():
    for path in [*sorted((ROOT / "handlers").glob("*.py")), ROOT / "exception.py"]:
        yield path.name, ast.parse(path.read_text())


def test_every_wording_of_a_conflict_stands_in_the_source_of_placement():
    texts = [
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    missing = {
        wording
        for kind in KINDS
        for wording in kind.wordings
        if not any(wording in text for text in texts)
    }
    assert missing == OF_DATABASES


def test_the_wordings_that_databases_say_are_those_of_inventory_that_is_there_already():
    assert {kind.name for kind in KINDS if OF_DATABASES & set(kind.wordings)} == {
        "inventory_exists"
    }
    (kind,) = (kind for kind in KINDS if kind.name == "inventory_exists")
    assert set(kind.wordings) == OF_DATABASES


def conflicts_raised():
    """Where a handler of Placement answers 409: place, wording."""
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("HTTPConflict"):
                detail = node.args[0]
                detail = detail.left if isinstance(detail, ast.BinOp) else detail
                told = detail.value if isinstance(detail, ast.Constant) else ast.unparse(detail)
                yield f"{name}:{node.lineno}", told


# These pass on the message of an exception, which tells the kind.
PASSED_ON = {
    "Update conflict: %(error)s",
    "update conflict: %(error)s",
    "Unable to delete inventory of class %(class)s: %(error)s",
    "e.format_message()",
    "ex.format_message()",
}


def test_every_conflict_that_placement_answers_has_a_kind():
    found = list(conflicts_raised())
    lines = [
        f"{place}: no kind for {wording!r}"
        for place, wording in found
        if wording not in PASSED_ON and kind_of(None, wording) == conflicts.OTHER
    ]
    assert not lines, "\n".join(lines)
    assert {wording for _, wording in found} >= PASSED_ON


def test_the_codes_that_tell_a_kind_are_those_of_placement():
    codes = {
        value
        for name, value in vars(errors).items()
        if name.isupper() and isinstance(value, str) and value.startswith("placement.")
    }
    assert set(conflicts._BY_CODE) <= codes
    assert (conflicts.CONCURRENT_UPDATE, conflicts.UNDEFINED_CODE) == (
        errors.CONCURRENT_UPDATE,
        errors.DEFAULT,
    )
