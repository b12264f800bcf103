"""Odd queries and paths of reads, sent to a bare and to a guarded Placement.

What makes the bare one fail is refused by the guarded one; everything else is answered alike.
"""

import itertools
import re
import uuid

import pytest

TRAIT = "HW_CPU_X86_AVX"
AGGREGATE = str(uuid.UUID(int=1, version=4))
PROVIDER = str(uuid.UUID(int=2, version=4))

AMOUNTS = [
    "0", "-1", "1", "5", "+5", "5_0", "%205", "1e3", "1.5", "%D9%A5", "%F0%9D%9F%93", "", "x",
    str(2**31), str(2**63 - 1), str(2**63), str(2**64), "9" * 30, "9" * 4300, "9" * 4301,
    "-" + "9" * 4301, "5%00", "5%0A", "NaN", "5%ff",
]  # fmt: skip
TEXTS = [
    "", "x", "%", "%zz", "+", "%20", "%0A", "%00", "a%00b", "%ff", "%ed%a0%80", "%c0%80",
    "%F4%90%80%80", "\xff", "\xc3\xa9", "%C3%A9", "%F0%9F%98%80", "a" * 300, "a" * 5000, "%27",
    "%5C", "%25", "%25(x)s", "${x}", "a;b=c", "a&b", "=", "a=b", ",", ":", "in:", "!in:", "!",
    "in:!A", "in:,", "true", "tru%C4%B0", PROVIDER, PROVIDER + "%0A", "%D9%A5" * 32, "-" * 36,
]  # fmt: skip

PROVIDERS, CANDIDATES = "/resource_providers", "/allocation_candidates"
SHAPES = [
    # path, microversions, the values, and where they stand
    (PROVIDERS, ("1.0", "1.4", "1.39"), AMOUNTS, ["resources=VCPU:{}", "resources=VCPU:1,VCPU:{}"]),
    (
        PROVIDERS,
        ("1.0", "1.39"),
        TEXTS,
        ["{}", "{}=1", "name={}", "uuid={}", "in_tree={}", "member_of={}", "required={}",
         "resources={}"],
    ),
    (
        CANDIDATES,
        ("1.15", "1.16", "1.25", "1.39"),
        AMOUNTS,
        ["resources=VCPU:{}", "resources1=VCPU:{}", "resources=VCPU:1&limit={}",
         "resources=VCPU:1&limit={}&limit=5", "resources=VCPU:1&limit=5&limit={}",
         "resources=VCPU:1&%6cimit={}&limit=5", "limit={}&limit=5",
         "resources=VCPU:1&limit={}&limit=5&group_policy=isolate",
         "resources=VCPU:1&limit={}&limit=5&root_required=" + TRAIT,
         "resources=VCPU:1&limit={}&limit=5&nothing=1"],
    ),
    (
        CANDIDATES,
        ("1.10", "1.39"),
        TEXTS,
        ["{}", "resources={}", "resources=VCPU:1&required={}", "resources=VCPU:1&member_of={}",
         "resources=VCPU:1&in_tree={}", "resources_A=VCPU:1&in_tree_A={}", "resources{}=VCPU:1",
         "resources=VCPU:1&group_policy={}", "resources=VCPU:1&root_required={}",
         "resources=VCPU:1&same_subtree={}", "resources=VCPU:1&limit={}"],
    ),
    (
        "/usages",
        ("1.8", "1.9", "1.39"),
        TEXTS,
        ["{}", "project_id={}", "project_id=p&user_id={}", "project_id=p&consumer_type={}",
         "project_id=p&{}=1"],
    ),
    (
        "/traits",
        ("1.5", "1.6", "1.39"),
        TEXTS,
        ["{}", "name={}", "name=in:{}", "name=startswith:{}", "associated={}"],
    ),
    ("/resource_classes", ("1.1", "1.39"), TEXTS, ["{}", "name={}"]),
    (f"{PROVIDERS}/{PROVIDER}", ("1.39",), TEXTS, ["{}", "name={}"]),
    ("/", ("1.39",), TEXTS, ["{}"]),
]  # fmt: skip

MANY = [
    *((PROVIDERS, f"member_of={AGGREGATE}&" * n) for n in (1, 62, 63, 64, 201)),
    *((PROVIDERS, f"required={TRAIT}" + f",{TRAIT}" * (n - 1)) for n in (62, 63, 64, 201)),
    *((CANDIDATES, f"resources=VCPU:1&member_of={AGGREGATE}" * n) for n in (1, 64)),
    *((CANDIDATES, "resources=VCPU:1" + f"&member_of={AGGREGATE}" * n) for n in (63, 64)),
    *(("/traits", "name=startswith:" + "a" * n) for n in (49_999, 50_000)),
    ("/traits", "name=in:" + "," * 5000),
    (PROVIDERS, "a=1&" * 5000),
]

NAMES = ["%", "\0", "a\0b", "\n", "a\n", "\xff", "\xc3\xa9", "a" * 5000, "'", "\\", "${x}", "%s"]
PATHS = ["/resource_classes/{}", "/resource_providers/{}", "/resource_providers/{}/inventories",
         "/resource_providers/" + PROVIDER + "/inventories/{}", "/resource_providers/{}/usages",
         "/resource_providers/{}/aggregates", "/resource_providers/{}/traits", "/allocations/{}",
         "/traits/{}"]  # fmt: skip


@pytest.fixture(scope="module")
def populated(real, api):
    """One provider, with an inventory, a trait and an aggregate."""
    path = f"{PROVIDERS}/{PROVIDER}"
    given = {"headers": api.headers()}
    real.bare.post_json(PROVIDERS, {"name": "one", "uuid": PROVIDER}, **given)
    bodies = {
        "inventories": {"inventories": {"VCPU": {"total": 100}}},
        "traits": {"traits": [TRAIT]},
        "aggregates": {"aggregates": [AGGREGATE]},
    }
    for generation, (what, body) in enumerate(bodies.items()):
        body["resource_provider_generation"] = generation
        real.bare.put_json(f"{path}/{what}", body, **given)
    return real


@pytest.fixture
def both(populated, api):
    """Send a read to both: the two statuses, the two bodies, the guard's header."""

    def send(path, query, version, **more):
        answers = []
        for app in (populated.bare, populated.guarded):
            request = app.RequestClass.blank("/", headers=api.headers(version, **more))
            # As a server would give it, whatever a client library would do to it.
            request.environ.update(PATH_INFO=path, QUERY_STRING=query)
            answers.append(app.do_request(request, expect_errors=True))
        statuses = [answer.status_int for answer in answers]
        bodies = [re.sub(rb'"request_id": "[^"]*"', b"", answer.body) for answer in answers]
        return statuses, bodies, answers[1].headers.get("Placement-Guard")

    return send


def differences(both, cases):
    """How many bare 500s there were; the cases that are not answered as they should be."""
    failed, wrong = 0, []
    for path, query, version in cases:
        (bare, guarded), bodies, decision = both(path, query, version)
        failed += bare == 500
        right = 400 <= guarded < 500 and decision if bare == 500 else bodies[0] == bodies[1]
        if not right or (bare != 500 and bare != guarded):
            wrong.append((path, query[:100], version, bare, guarded))
    return failed, wrong


@pytest.mark.parametrize(
    ("path", "versions", "values", "shape"),
    [
        pytest.param(path, versions, values, shape, id=f"{path} {shape}")
        for path, versions, values, shapes in SHAPES
        for shape in shapes
    ],
)
def test_a_query_is_answered_alike_or_refused_where_placement_fails(
    both, tally, path, versions, values, shape
):
    queries = [shape.replace("{}", value) for value in values]
    failed, wrong = differences(both, [(path, *c) for c in itertools.product(queries, versions)])
    tally.append(failed)
    assert wrong == []


@pytest.mark.parametrize("number", range(len(MANY)))
def test_a_long_query_is_answered_alike_or_refused_where_placement_fails(both, tally, number):
    path, query = MANY[number]
    failed, wrong = differences(both, [(path, query.rstrip("&"), "1.39")])
    tally.append(failed)
    assert wrong == []


@pytest.mark.parametrize("path", PATHS)
def test_a_name_in_a_path_is_answered_alike_or_refused_where_placement_fails(both, path):
    cases = [(path.replace("{}", name), "", v) for name in NAMES for v in ("1.0", "1.12", "1.39")]
    assert differences(both, cases)[1] == []


@pytest.fixture(scope="module")
def tally():
    """How many times the bare Placement failed, test by test."""
    return []


def test_the_bare_placement_failed_often_enough_to_prove_something(tally):
    assert not tally or sum(tally) > 100


UNDECODABLE = ("/usages", "project_id=%ff")
LIMIT = (CANDIDATES, "resources=VCPU:1&limit=x&limit=5")
AMOUNT = (CANDIDATES, f"resources=VCPU:{2**63}")


@pytest.mark.parametrize(("path", "query"), [UNDECODABLE, LIMIT, AMOUNT])
@pytest.mark.parametrize("accept", ["text/html", "image/png", "nonsense"])
def test_who_takes_no_json_is_answered_by_placement(both, path, query, accept):
    (bare, guarded), bodies, _ = both(path, query, "1.39", Accept=accept)
    assert bare in {406, 500}
    assert guarded == (406 if bare == 406 else 400)
    assert bare != 406 or bodies[0] == bodies[1]


@pytest.mark.parametrize(("path", "query"), [LIMIT, AMOUNT])
def test_who_may_not_read_learns_no_more_than_that(both, path, query):
    nobody = {"X-Roles": "nothing", "X-Auth-Token": "nobody"}
    statuses, bodies, decision = both(path, query, "1.39", **nobody)
    assert statuses == [403, 403]
    assert (bodies[0], decision) == (bodies[1], None)


@pytest.mark.parametrize(("path", "query"), [UNDECODABLE, LIMIT, AMOUNT])
def test_below_its_first_microversion_placement_answers(both, path, query):
    assert both(path, query, "1.8")[0] == [404, 404]


def test_an_undecodable_query_is_refused_in_the_words_that_placement_has_elsewhere(both):
    details = [both(path, "name=%ff", "1.39")[1][1] for path in ("/traits", "/usages")]
    expected = b"Invalid query string parameters: 'utf-8' codec can't decode byte 0xff in position"
    assert all(expected in detail for detail in details)
