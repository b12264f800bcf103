"""The exact way judges as Placement does, in its words, and never at length."""

import bisect
import inspect
import json
import math
import re
import sys
import tracemalloc
import uuid

import pytest

from placement_guard.api import compiled, exact, schemas
from placement_guard.api.exact import Judge
from placement_guard.api.operations import OPERATIONS
from placement_guard.api.strict_json import MAX_DEPTH
from placement_guard.api.wording import MAX_WORDING

DOCUMENTS = {d.name: d for operation in OPERATIONS for _, d in operation.bodies if d is not None}
EACH_DOCUMENT = pytest.mark.parametrize(
    "document", [pytest.param(document, id=name) for name, document in DOCUMENTS.items()]
)
PLACEMENTS_OWN = {"json.malformed", "document.invalid"}
UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"
SHORT = MAX_WORDING // 4 - len("JSON does not validate: ")
NAN = float("nan")
ROUNDS = 300
JUDGES = {name: Judge(document.schema) for name, document in DOCUMENTS.items()}


def size(text):
    return len(text.encode("utf-8", "surrogatepass"))


def rules_broken(body):
    """The strict rules that a body breaks, told without the code under test."""
    broken = set()

    def look(value):
        if isinstance(value, float) and not math.isfinite(value):
            broken.add("json.not_finite")
        if isinstance(value, str):
            if "\0" in value:
                broken.add("json.nul_character")
            if any("\ud800" <= character <= "\udfff" for character in value):
                broken.add("json.lone_surrogate")
        if isinstance(value, list):
            for item in value:
                look(item)

    def pairs(items):
        if len({key for key, _ in items}) < len(items):
            broken.add("json.duplicate_key")
        for key, value in items:
            look(key)
            look(value)
        return dict(items)

    look(json.loads(body, object_pairs_hook=pairs))
    if depth(body) > MAX_DEPTH:
        broken.add("json.too_deep")
    return broken


def depth(body):
    deepest = level = 0
    for bracket in re.findall(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', body):
        if bracket in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif bracket in b"]}":
            level -= 1
    return deepest


def sentence(wording):
    """What the wording says before the first empty line."""
    return wording.split("\n\nFailed validating ")[0]


def line(wording, start):
    return next((text for text in wording.split("\n") if text.startswith(start)), "")


def assert_worded_as(what, detail):
    """The wording is Placement's detail, whole where that is short, otherwise its telling parts."""
    assert size(what) <= MAX_WORDING
    if size(detail) <= MAX_WORDING:
        assert what == detail
        return
    if size(sentence(detail)) <= SHORT:
        assert sentence(what) == sentence(detail)
    else:
        begin, end = sentence(what).split(" ... ")[0], sentence(what).rsplit(" ... ", 1)[-1]
        assert sentence(detail).startswith(begin)
        assert sentence(detail).endswith(end)
    for start in ("Failed validating ", "On instance"):
        if size(line(detail, start)) <= SHORT:
            assert line(what, start) == line(detail, start) != ""
        else:
            assert line(what, start).startswith(start)


def assert_same_verdict(document, body, placement_says):
    """Compare the verdict on one body. Returns what it was."""
    verdict = placement_says(body, document.schema)
    data, found = JUDGES[document.name].judge(body)
    rules = {finding.rule for finding in found}
    for finding in found:
        assert size(finding.what) <= MAX_WORDING
    if rules == {"json.too_deep"}:
        # Too deep for the rule, or for Placement's own printing of what it refuses.
        assert verdict.detail is None or depth(body) > MAX_DEPTH, body
        return "too deep"
    if verdict.accepted:
        broken = rules_broken(body)
        assert rules <= broken, body
        assert bool(rules) == bool(broken), body
        assert found or repr(data) == repr(verdict.data), body
        return "flawed" if found else "accepted"
    if verdict.detail is None:
        assert found, body
        return "failed"
    assert len(found) == 1, body
    assert rules <= PLACEMENTS_OWN, body
    assert_worded_as(found[0].what, verdict.detail)
    return "refused" if size(verdict.detail) <= MAX_WORDING else "refused at length"


@EACH_DOCUMENT
def test_strange_values_are_judged_as_placement_judges_them(document, bodies, placement_says):
    make = bodies(f"exact values {document.name}")
    seen = {
        assert_same_verdict(document, make.text(make.strange(document.schema)), placement_says)
        for _ in range(ROUNDS)
    }
    assert seen >= {"accepted", "refused"}


@EACH_DOCUMENT
def test_strange_text_is_judged_as_placement_judges_it(document, bodies, placement_says):
    make = bodies(f"exact text {document.name}")
    seen = {
        assert_same_verdict(
            document, make.strange_text(make.plain(document.schema)), placement_says
        )
        for _ in range(ROUNDS)
    }
    assert seen >= {"accepted", "refused"}


# Single cases --------------------------------------------------------------------------------


def consumer(**more):
    return {
        "allocations": {UUID: {"resources": {"VCPU": 1}}},
        "project_id": "project",
        "user_id": "user",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
        **more,
    }


def inventories(**by_class):
    return {"resource_provider_generation": 1, "inventories": by_class}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("inventories", inventories(**{"0": {}}), id="a class named 0"),
        pytest.param("inventories", inventories(**{"007": {}, "7": {}}), id="classes 7 and 007"),
        pytest.param("inventories", inventories(**{"007": {}, "A": {}}), id="classes 007 and A"),
        pytest.param("inventories", inventories(**{"A\n": {}}), id="a class and a newline"),
        pytest.param("inventories", inventories(VCPU={"total": 1.0}), id="1.0 for 1"),
        pytest.param("inventories", inventories(VCPU={"total": 10**400}), id="a huge total"),
        pytest.param(
            "inventories",
            inventories(b={}, VCPU={"total": "1"}, ZZ=[]),
            id="several at one depth: the last counts",
        ),
        pytest.param("allocations 1.38", consumer(mappings={"+7": []}), id="a suffix +7"),
        pytest.param(
            "allocations 1.38", consumer(mappings={"a/b~1~0": [1]}), id="a suffix a/b~1~0"
        ),
        pytest.param("allocations 1.38", consumer(mappings={"!": 1}), id="a suffix no rule is for"),
        pytest.param("allocations 1.38", consumer(mappings={"a": [UUID, 0, {}]}), id="a bad item"),
        pytest.param("allocations 1.38", consumer(consumer_generation=True), id="true for 1"),
        pytest.param("allocations 1.38", consumer(consumer_type="A\n"), id="a type and a newline"),
        pytest.param(
            "allocations 1.38", consumer(allocations={"-" * 36: 1}), id="a uuid of dashes"
        ),
        pytest.param(
            "allocations 1.38",
            consumer(allocations={UUID + "\n": {"resources": {}}}),
            id="a uuid and a newline",
        ),
        pytest.param("new provider 1.14", {"name": 1, "uuid": 1}, id="two wrong members"),
        pytest.param(
            "new provider 1.14",
            {"name": "a", "parent_provider_uuid": "a"},
            id="neither of two alternatives",
        ),
        pytest.param(
            "new provider 1.14", {"name": "a", "parent_provider_uuid": 5}, id="another type"
        ),
        pytest.param("aggregates", [UUID, UUID], id="an item twice"),
        pytest.param("aggregates", [1, 1.0], id="equal numbers"),
        pytest.param("aggregates", [1, True], id="numbers that only Python holds to be equal"),
        pytest.param("aggregates", [{"a": [1]}, {"a": [1.0]}], id="equal objects"),
        pytest.param("aggregates", [["list", 1], [1]], id="lists that differ"),
        pytest.param("aggregates", [[], {}], id="two empty ones"),
        pytest.param("aggregates", [NAN, NAN], id="NaN twice"),
        pytest.param("aggregates", [1, True, NAN], id="true beside 1 and a number that is none"),
        pytest.param("aggregates", [True, ["bool", 1], NAN], id="true beside a list and NaN"),
        pytest.param("aggregates", [{"a": []}, {"a": {}}, NAN], id="objects that differ and NaN"),
        pytest.param("aggregates", [[1, 2], {"a": 1}, [1.0, 2], NAN], id="equal lists and NaN"),
        pytest.param("traits", [], id="another type at the root"),
    ],
)
def test_one_value_is_judged_as_placement_judges_it(name, value, placement_says):
    assert_same_verdict(DOCUMENTS[name], json.dumps(value).encode(), placement_says)


def test_a_refusal_names_its_place():
    body = json.dumps(inventories(**{"007": {"total": 1}, "VCPU": {"total": 0}})).encode()
    _, found = Judge(schemas.INVENTORIES).judge(body)
    assert [(finding.rule, finding.path) for finding in found] == [
        ("document.invalid", ("inventories", "VCPU", "total"))
    ]


@pytest.mark.parametrize("flaw", ['"a": 1, "a": 1', '"a": NaN', '"\\u0000": 1', '"\\ud800": 1'])
def test_what_placement_refuses_is_refused_in_its_words_whatever_else_is_wrong(
    flaw, placement_says
):
    body = f'{{"name": "a", {flaw}}}'.encode()
    assert assert_same_verdict(DOCUMENTS["provider"], body, placement_says) == "refused"


def test_all_that_strict_rules_find_is_reported():
    data, found = Judge(schemas.TRAITS).judge(
        b'{"resource_provider_generation": 1, "traits": ["\\u0000", "\\ud800"], "traits": ["\\u0000"]}'
    )
    assert data == {"resource_provider_generation": 1, "traits": ["\0"]}
    assert [(finding.rule, finding.path) for finding in found] == [
        ("json.duplicate_key", ("traits",)),
        ("json.nul_character", ("traits", 0)),
    ]


# Depth ---------------------------------------------------------------------------------------


def nested(levels):
    """An object of so many levels in a place of which the schema says nothing."""
    inner = "[" * (levels - 2) + "]" * (levels - 2)
    return f'{{"resource_provider_generation": 1, "inventories": {{"free": {inner}}}}}'.encode()


@pytest.mark.parametrize("levels", [255, 256, MAX_DEPTH - 1, MAX_DEPTH])
def test_what_nests_up_to_the_limit_is_accepted(levels, placement_says):
    assert depth(nested(levels)) == levels
    assert_same_verdict(DOCUMENTS["inventories"], nested(levels), placement_says)
    assert Judge(schemas.INVENTORIES).judge(nested(levels))[1] == []


def test_what_nests_deeper_is_refused():
    _, found = Judge(schemas.INVENTORIES).judge(nested(MAX_DEPTH + 1))
    assert [tuple(finding) for finding in found] == [
        ("json.too_deep", f"the body is nested deeper than {MAX_DEPTH} levels", ())
    ]


@pytest.mark.parametrize("levels", [200, 255, 256, 300, MAX_DEPTH])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="alone"),
        pytest.param('{{"resource_provider_generation": {}, "inventories": {{}}}}', id="for 1"),
        pytest.param('{{"inventories": {{"free": {}}}}}', id="beside something that is missing"),
    ],
)
def test_what_is_deep_and_wrong_is_refused(body, levels, placement_says):
    levels -= body.count("{{")
    written = body.format("[" * levels + "]" * levels).encode()
    assert_same_verdict(DOCUMENTS["inventories"], written, placement_says)
    _, found = Judge(schemas.INVENTORIES).judge(written)
    assert [finding.rule for finding in found] == ["document.invalid"]


def test_what_is_too_deep_for_the_stack_is_refused_wherever_that_shows():
    deep = "[" * 490 + "]" * 490
    body = f"[{deep}, {deep}]".encode()
    judge = Judge(schemas.AGGREGATES)
    limit = sys.getrecursionlimit()
    used = len(inspect.stack(0))
    rules = []
    try:
        for room in range(480, 700):
            sys.setrecursionlimit(used + room)
            _, found = judge.judge(body)
            rules += [finding.rule for finding in found]
    finally:
        sys.setrecursionlimit(limit)
    assert len(rules) == 220
    assert set(rules) <= {"json.too_deep", "document.invalid"}


# Size ----------------------------------------------------------------------------------------


@pytest.fixture
def errors_in_words(monkeypatch):
    """The number of errors that Python put into words, for each body judged."""
    counts = []
    choose = exact.best_match

    def counting(errors):
        errors = list(errors)
        if errors:
            counts.append(len(errors))
        return choose(errors)

    monkeypatch.setattr(exact, "best_match", counting)
    return counts


def large_reshape():
    """A reshape of about 2 MB, as JSON data."""
    make = iter(range(1 << 60)).__next__

    def new():
        return str(uuid.UUID(int=make()))

    record = {"total": 8, "reserved": 0, "allocation_ratio": 1.0}
    return {
        "inventories": {
            new(): inventories(VCPU={**record}, MEMORY_MB={**record}, CUSTOM_GPU={**record})
            for _ in range(3500)
        },
        "allocations": {
            new(): consumer(allocations={new(): {"resources": {"VCPU": 1, "MEMORY_MB": 1}}})
            for _ in range(5000)
        },
    }


def an_unknown_key_at_the_root(body):
    body["unknown"] = 1


def the_last_consumer_wrong(body):
    last = list(body["allocations"])[-1]
    body["allocations"][last]["user_id"] = 5


def every_consumer_wrong(body):
    for one in body["allocations"].values():
        one["user_id"] = 5


def every_key_unknown(body):
    body["allocations"] = {f"no uuid {i}": one for i, one in enumerate(body["allocations"])}


def every_total_missing(body):
    for provider in body["inventories"].values():
        for record in provider["inventories"].values():
            del record["total"]


def a_megabyte_of_text_for_a_number(body):
    next(iter(body["inventories"].values()))["resource_provider_generation"] = "x" * 2**20


def a_megabyte_of_list_for_a_number(body):
    first = next(iter(body["inventories"].values()))
    first["resource_provider_generation"] = [0] * 2**19


def a_megabyte_of_key(body):
    body["k" * 2**20] = 1


def a_megabyte_of_key_that_is_a_class(body):
    next(iter(body["inventories"].values()))["inventories"]["K" * 2**20] = {}


def text_outside_ascii_for_a_number(body):
    body["allocations"] = "\U0001f600" * 2**18


def the_wrong_type_at_the_root(body):
    body["inventories"] = [body["inventories"]]


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (an_unknown_key_at_the_root, "instance"),
        (the_last_consumer_wrong, None),
        (every_consumer_wrong, None),
        (every_key_unknown, "instance['allocations']"),
        (every_total_missing, None),
        (a_megabyte_of_text_for_a_number, None),
        (a_megabyte_of_list_for_a_number, None),
        (a_megabyte_of_key, "instance"),
        (text_outside_ascii_for_a_number, "instance['allocations']"),
        (the_wrong_type_at_the_root, "instance['inventories']"),
    ],
    ids=lambda value: getattr(value, "__name__", " ").replace("_", " "),
)
def test_a_large_body_is_refused_in_few_words(spoil, place, placement_says, errors_in_words):
    value = large_reshape()
    spoil(value)
    body = json.dumps(value).encode()
    assert len(body) > 2**20
    detail = placement_says(body, schemas.RESHAPE_1_38).detail
    data, found = Judge(schemas.RESHAPE_1_38).judge(body)
    assert [finding.rule for finding in found] == ["document.invalid"]
    assert_worded_as(found[0].what, detail)
    assert place is None or f"\nOn {place}:" in found[0].what
    assert data == value
    # However much is wrong, and however large the body is, Python words little of it.
    assert len(errors_in_words) == 1
    assert 0 < errors_in_words[0] <= 2 * exact.MAX_PLACES


def test_a_place_of_a_megabyte_is_cut(errors_in_words):
    value = large_reshape()
    a_megabyte_of_key_that_is_a_class(value)
    _, found = Judge(schemas.RESHAPE_1_38).judge(json.dumps(value).encode())
    assert "'total' is a required property" in found[0].what
    assert "\nOn instance['inventories'][" in found[0].what
    assert size(found[0].what) <= MAX_WORDING
    assert errors_in_words == [1]


def test_a_large_body_that_is_right_is_not_put_into_words(errors_in_words):
    value = large_reshape()
    data, found = Judge(schemas.RESHAPE_1_38).judge(json.dumps(value).encode())
    assert (data, found, errors_in_words) == (value, [], [])


@pytest.mark.parametrize(
    ("flaw", "rule"),
    [
        pytest.param((b'"user"', b'"\\u0000"'), "json.nul_character", id="a NUL"),
        pytest.param((b'"user"', b'"\\ud800"'), "json.lone_surrogate", id="half a surrogate pair"),
        pytest.param((b"1.0", b"NaN"), "json.not_finite", id="NaN"),
        pytest.param((b'"user"', b'"a", "user_id": "b"'), "json.duplicate_key", id="a key twice"),
    ],
)
def test_a_large_body_that_breaks_a_strict_rule_is_not_walked_in_python(
    flaw, rule, errors_in_words
):
    body = json.dumps(large_reshape()).encode().replace(*flaw)
    _, found = Judge(schemas.RESHAPE_1_38).judge(body)
    assert {finding.rule for finding in found} == {rule}
    assert errors_in_words == []


def test_many_items_that_do_not_sort_are_compared_in_one_pass(monkeypatch):
    compared = []
    comparable = compiled._comparable

    def counting(value):
        compared.append(value)
        return comparable(value)

    monkeypatch.setattr(compiled, "_comparable", counting)
    items = [{"a": i} for i in range(5000)]
    _, found = Judge(schemas.AGGREGATES).judge(json.dumps([*items, items[0]]).encode())
    assert "has non-unique elements" in found[0].what
    assert len(compared) == 2 * 5001  # each item, and the number in it


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"1," * 2**20, id="a list without an end"),
        pytest.param(b'{"name": "' + b"a" * 2**21, id="text without an end"),
        pytest.param(b'{"name": ' + b"9" * 2**20 + b"}", id="a number of a million digits"),
        pytest.param(b"\xff" * 2**20, id="no UTF-8 at all"),
    ],
)
def test_a_large_body_that_is_no_json_is_refused_in_the_words_of_placement(body, placement_says):
    assert assert_same_verdict(DOCUMENTS["provider"], body, placement_says) == "refused"


def test_wording_is_whole_up_to_the_limit(placement_says):
    document = DOCUMENTS["inventories"]

    def body(length):
        return json.dumps({"x" * length: 1, **inventories()}).encode()

    def too_long(length):
        return size(placement_says(body(length), document.schema).detail) > MAX_WORDING

    first = bisect.bisect_left(range(MAX_WORDING), True, key=too_long)
    assert 0 < first < MAX_WORDING
    verdicts = [
        assert_same_verdict(document, body(first + more), placement_says) for more in (-2, -1, 0, 1)
    ]
    assert verdicts == ["refused", "refused", "refused at length", "refused at length"]


def test_what_is_deep_and_invalid_is_told_in_placements_words():
    deep = b"[" * 600 + b"1" + b"]" * 600
    body = b'{"name": "x", "parent_provider_uuid": 5, "uuid": ' + deep + b"}"
    _, [found] = Judge(schemas.NEW_PROVIDER_1_14).judge(body)
    assert found.rule == "document.invalid"
    mapped = b'{"allocations": {}, "project_id": "p", "user_id": "u", "consumer_generation": 1,'
    mapped += b' "mappings": {"!": ' + deep + b"}}"
    _, [found] = Judge(schemas.ALLOCATIONS_1_34).judge(mapped)
    assert found.rule == "json.too_deep"


def test_however_much_is_wrong_little_memory_is_needed():
    body = b'{"resource_provider_generation": 0, "traits": [' + b"1," * 500_000 + b"1]}"
    judge = Judge(schemas.TRAITS)
    tracemalloc.start()
    try:
        _, [found] = judge.judge(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "1 is not of type 'string'" in found.what
    assert "On instance['traits'][500000]" in found.what
    # The text, and the list that it decodes to, whose numbers are one and the same object.
    assert peak < 8 * len(body)


def test_a_body_that_goes_the_exact_way_is_decoded_once_at_a_time():
    body = json.dumps(large_reshape()).encode().replace(b'"user"', b'"\\u0075ser"')
    judge = Judge(schemas.RESHAPE_1_38)
    peaks = []
    for decode in (lambda: json.loads(body.decode()), lambda: judge.judge(body)):
        tracemalloc.start()
        try:
            decode()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("more", [0, 1, 3 * compiled.BATCH])
@pytest.mark.parametrize("wrong", ["first", "last", "all"])
def test_members_are_judged_the_same_however_many_there_are(more, wrong, placement_says):
    names = [f"C{i:05}" for i in range(compiled.BATCH + more)]
    chosen = {"first": names[:1], "last": names[-1:], "all": names}[wrong]
    value = inventories(**{name: {"total": 0 if name in chosen else 1} for name in names})
    verdict = assert_same_verdict(
        DOCUMENTS["inventories"], json.dumps(value).encode(), placement_says
    )
    assert verdict == "refused"
    items = [0 if name in chosen else str(uuid.UUID(int=i)) for i, name in enumerate(names)]
    verdict = assert_same_verdict(
        DOCUMENTS["traits"],
        json.dumps({"resource_provider_generation": 1, "traits": items}).encode(),
        placement_says,
    )
    assert verdict == "refused"
