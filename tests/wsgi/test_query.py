"""Reads that Placement fails on: refused where the query or the path is the cause."""

import pytest

NUL = ValueError("A string literal cannot contain NUL (0x00) characters.")
TOTALS = {"path": "/usages", "method": "GET", "QUERY_STRING": "project_id=%ff"}
LIMIT = {
    "path": "/allocation_candidates",
    "method": "GET",
    "QUERY_STRING": "resources=VCPU%3A1&limit=x&limit=5",
}
NAME = {"path": "/resource_providers", "method": "GET", "QUERY_STRING": "name=%00"}


def decided(answer):
    return answer.headers.get("Placement-Guard", "")


@pytest.mark.parametrize(
    ("request_", "rule"), [(TOTALS, "query.undecodable"), (LIMIT, "query.unreadable_limit")]
)
def test_what_always_fails_never_reaches_placement(stand, request_, rule):
    answer = stand.ask(**request_)
    assert (answer.status_int, stand.application.asked) == (400, [])
    assert decided(answer) == f'decision=reject, stage="query", rule="{rule}"'


@pytest.mark.parametrize("request_", [TOTALS, LIMIT])
@pytest.mark.parametrize(
    "environ", [{"HTTP_ACCEPT": "image/png"}, {"HTTP_OPENSTACK_API_VERSION": "placement 1.8"}]
)
def test_where_placement_answers_406_or_404_it_is_asked(stand, request_, environ):
    assert stand.ask(**request_, **environ).status_int == 204


def test_who_may_not_read_candidates_is_left_to_placement(stand):
    """Which asks the policy first; but of GET /usages it reads the query before."""
    context = stand.context()
    context.can = lambda rule, *, fatal: False
    assert stand.ask(**LIMIT, **{"placement.context": context}).status_int == 204
    assert stand.ask(**TOTALS, **{"placement.context": stand.context(roles=[])}).status_int == 400


@pytest.mark.parametrize("query", ["resources=VCPU:1&limit=5", "limit=5&" + "a=1&" * 999, "%", ""])
def test_other_queries_reach_placement(stand, query):
    assert stand.ask("/allocation_candidates", "GET", QUERY_STRING=query).status_int == 204
    assert stand.ask("/usages", "GET", QUERY_STRING=query).status_int == 204


def test_an_undecodable_query_elsewhere_reaches_placement(stand):
    for path in ("/allocation_candidates", "/resource_providers", "/traits"):
        query = "limit=%ff&limit=1"
        assert stand.ask(path, "GET", QUERY_STRING=query).status_int == 204


def test_a_failure_is_refused_where_the_query_is_the_cause(stand):
    stand.application.error = NUL
    answer = stand.ask(**NAME)
    assert answer.status_int == 400
    assert decided(answer) == 'decision=reject, stage="query", rule="query.nul_character"'
    assert stand.rejections() == {"query.nul_character": "enforce"}
    labels = {"operation": "resource_providers:list", "outcome": "rejected"}
    assert stand.count("placement_guard_requests_total", **labels) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_failure_is_refused_where_the_path_is_the_cause(stand, method):
    stand.application.error = NUL
    answer = stand.ask("/resource_providers/a\0", method)
    assert (answer.status_int, "path.nul_character" in decided(answer)) == (400, True)


@pytest.mark.parametrize(
    ("error", "request_"),
    [
        (RuntimeError("Lost connection to MySQL server"), NAME),
        (NUL, NAME | {"QUERY_STRING": ""}),
        (NUL, NAME | {"QUERY_STRING": "name=%ff"}),
        (NUL, {"path": "/traits/a", "method": "DELETE", "QUERY_STRING": "name=%00"}),
        (NUL, {"path": "/nowhere", "method": "GET", "QUERY_STRING": "name=%00"}),
    ],
)
def test_any_other_failure_stays_one(stand, error, request_):
    stand.application.error = error
    assert stand.ask(**request_).status_int == 500
    assert stand.rejections() == {}


@pytest.mark.parametrize(
    ("mode", "header"),
    [("warn", 'decision=warn, stage="query", rule="query.nul_character"'), ("off", "")],
)
def test_in_another_mode_a_failure_stays_one(stand, mode, header):
    stand.application.error = NUL
    answer = stand.ask(**NAME, settings={"rules": {"query.nul_character": mode}})
    assert (answer.status_int, decided(answer)) == (500, header)
