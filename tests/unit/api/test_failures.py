"""What in a request a failure of Placement is about."""

import pytest

from placement_guard.api.failures import Asked, blame

RESOURCES = ("resources", "VCPU:1")
NUL = ValueError("A string literal cannot contain NUL (0x00) characters.")
OVERFLOW = OverflowError("Python int too large to convert to SQLite INTEGER")
COLLATIONS = RuntimeError('(1267, "Illegal mix of collations (utf8mb4_general_ci,IMPLICIT) and')
TABLES = RuntimeError("(1116, 'Too many tables; MariaDB can only use 61 tables in a join')")
PATTERN = RuntimeError("(sqlite3.OperationalError) LIKE or GLOB pattern too complex")
SAMPLE = ValueError("Sample larger than population or is negative")
OUTAGE = RuntimeError("(2013, 'Lost connection to MySQL server during query')")

BLAMED = [
    (NUL, [("name", "a\0")], "query.nul_character", "'name'"),
    (OVERFLOW, [("resources", f"VCPU:1,DISK_GB:{2**63}")], "query.amount_too_large", "'resources'"),
    (OVERFLOW, [RESOURCES, ("resources_A", f"VCPU:{2**64}")], "query.amount_too_large", "_A'"),
    (COLLATIONS, [("project_id", "\U0001f600")], "query.character_unsupported", "'project_id'"),
    (TABLES, [("member_of", "u")] * 61, "query.too_many_conditions", "'member_of'"),
    (TABLES, [("required1", ",".join("A" * 61))], "query.too_many_conditions", "'required1'"),
    (RecursionError(), [("required", "," * 400)], "query.too_many_conditions", "'required'"),
    (PATTERN, [("name", "startswith:" + "a" * 50_000)], "query.prefix_too_long", "'name'"),
    (SAMPLE, [("limit", " -1"), ("limit", "5")], "query.unreadable_limit", "'limit'"),
]


@pytest.mark.parametrize(("error", "pairs", "rule", "name"), BLAMED)
def test_a_failure_is_blamed_on_what_it_is_about(error, pairs, rule, name):
    found = blame(Asked(pairs), error)
    assert found.rule == rule
    assert name in found.what


@pytest.mark.parametrize(("pairs", "rule"), [case[1:3] for case in BLAMED])
def test_an_outage_is_blamed_on_nothing(pairs, rule):
    assert blame(Asked(pairs, {"uuid": "\0"}, FLOATS), OUTAGE) is None


@pytest.mark.parametrize("error", [case[0] for case in BLAMED])
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("name", "a"), ("limit", "5"), ("limit", "-1")],
        [("resources", "VCPU:1,x:y,"), ("resources1", str(2**31 - 1))],
        [("member_of", "u")] * 60,
        [("name", "startswith:" + "a" * 49_999)],
    ],
)
def test_a_failure_that_fits_nothing_in_the_request_is_blamed_on_nothing(error, pairs):
    assert blame(Asked(pairs, {"uuid": "u"}), error) is None


def test_a_nul_in_the_path():
    found = blame(Asked([("name", "\0")], {"uuid": "u", "resource_class": "\0"}), NUL)
    assert (found.rule, "'resource_class'" in found.what) == ("path.nul_character", True)


def test_a_long_name_is_quoted_in_part():
    found = blame(Asked([("resources" + "A" * 5000, str(2**63))]), OVERFLOW)
    assert len(found.what) < 300


DECIMALS = TypeError("unsupported operand type(s) for +: 'decimal.Decimal' and 'float'")
UPPER = "DE31F326-BFF0-5743-AFE7-BC6FDE39E5F4"


def held(amount):
    return {"allocations": {"p": {"resources": {"VCPU": 1, "DISK_GB": amount}}}}


FLOATS = held(1.0)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (held(1.0), ("allocations", "p", "resources", "DISK_GB")),
        (
            {"allocations": [{"resource_provider": {"uuid": "p"}, "resources": {"VCPU": 2.0}}]},
            ("allocations", 0, "resources", "VCPU"),
        ),
        ({"c": held(1), "d": held(1.0)}, ("d", "allocations", "p", "resources", "DISK_GB")),
        (
            {"inventories": {}, "allocations": {"c": held(3.0)}},
            ("allocations", "c", "allocations", "p", "resources", "DISK_GB"),
        ),
    ],
)
def test_an_amount_written_as_a_fraction(document, path):
    found = blame(Asked(document=document), DECIMALS)
    assert (found.rule, found.path) == ("allocations.fractional_amount", path)


@pytest.mark.parametrize("document", [None, [], held(1), {"total": 1.0}, {"resources": 1.0}])
def test_a_failure_of_adding_without_a_fraction_is_blamed_on_nothing(document):
    assert blame(Asked(document=document), DECIMALS) is None


@pytest.mark.parametrize("stored", [UPPER.lower(), UPPER.title()])
@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({UPPER.lower().replace("d", "e"): {}, UPPER: held(1)}, (UPPER,)),
        ({"inventories": {}, "allocations": {UPPER: held(1)}}, ("allocations", UPPER)),
    ],
)
def test_a_consumer_in_another_case(document, path, stored):
    found = blame(Asked(document=document), KeyError(stored))
    assert (found.rule, found.path) == ("allocations.consumer_in_other_case", path)


@pytest.mark.parametrize("document", [None, [], held(1), {UPPER.lower(): held(1)}, {"A": {}}])
def test_a_key_that_no_consumer_is_like_is_blamed_on_nothing(document):
    assert blame(Asked(document=document), KeyError(UPPER.lower())) is None


def test_only_a_missing_key_is_about_a_consumer():
    assert blame(Asked(document={UPPER: held(1)}), ValueError(UPPER.lower())) is None
