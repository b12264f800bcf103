"""The router and Placement's own map agree on every path and method."""

import collections
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placement.handler import ROUTE_DECLARATIONS, handle_405, make_map

from placement_guard.api.operations import OPERATIONS, UNMATCHED, Operation
from placement_guard.api.routes import Router

UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FOO", "get", "")

# Placement's map, whose answer is "method template" instead of the handler.
MAP = make_map(
    {
        template: {method: f"{method} {template}" for method in handlers}
        for template, handlers in ROUTE_DECLARATIONS.items()
    }
)
ROUTER = Router()


def by_placement(path, method):
    """Whether Placement routes the path; the operation as "method template"; the parameters."""
    found = MAP.match(environ={"PATH_INFO": path, "REQUEST_METHOD": method})
    if found is None:
        return False, None, {}
    action = found.pop("action")
    if action is handle_405:
        # What a 405 has for parameters is never used; the methods it lists are one.
        return True, None, None
    return True, action, found


def by_guard(path, method):
    """The same, by the guard's router."""
    matched, operation, params = ROUTER.match(path, method)
    if not matched:
        assert operation is UNMATCHED
        return False, None, dict(params)
    if operation is UNMATCHED:
        return True, None, None
    return True, f"{operation.method} {operation.path}", dict(params)


def assert_agree(path, method):
    assert by_guard(path, method) == by_placement(path, method)


WORDS = sorted({word for template in ROUTE_DECLARATIONS for word in template.split("/")} - {""})
# WSGI hands over the decoded path, each byte as one latin-1 character.
ODD = "\n\r\x00\x0b\x1c\x85\xa0\xff\xe9%?#.;:{}()+*\\^$ |~"
TEXT = st.text(alphabet=st.sampled_from(ODD + "aZ0_-"), max_size=4)
SEGMENT = st.one_of(
    st.sampled_from([*WORDS, UUID, "", "CUSTOM_A", "VCPU", "..", ".", "%0a", "%2f", "name\n"]),
    TEXT,
    st.builds("{}{}{}".format, TEXT, st.sampled_from([*WORDS, UUID]), TEXT),
)
FREE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["/", "/", "/", "", "//"]),
    st.lists(SEGMENT, max_size=6).map("/".join),
    st.sampled_from(["", "", "", "/", "//", "\n", "\n\n", "/\n", "\n/"]),
)


@st.composite
def near_routes(draw):
    """A real route, its parameters filled in, with an edit or two."""
    template = draw(st.sampled_from(sorted(ROUTE_DECLARATIONS)))
    path = "/".join(draw(SEGMENT) if part.startswith("{") else part for part in template.split("/"))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(path)))
        kind = draw(st.sampled_from(["insert", "append", "delete", "upper"]))
        if kind == "insert":
            path = path[:at] + draw(st.one_of(TEXT, st.just("/"))) + path[at:]
        elif kind == "append":
            path += draw(st.sampled_from(["\n", "/", "//", "\n\n", "\r\n", "/\n", "?a=1", ";x"]))
        elif kind == "delete":
            path = path[:at] + path[at + 1 :]
        else:
            path = path[:at] + path[at : at + 1].upper() + path[at + 1 :]
    return path


def test_any_path_and_method_mean_the_same_to_both():
    matched = collections.Counter()

    @settings(max_examples=6000, deadline=None, derandomize=True, database=None)
    @given(path=st.one_of(FREE, near_routes(), near_routes()), method=st.sampled_from(METHODS))
    def agree(path, method):
        assert_agree(path, method)
        matched[by_guard(path, method)[0]] += 1

    agree()
    assert min(matched[True], matched[False]) > 1000  # neither answer is the only one asked for


@pytest.mark.parametrize(
    "template",
    [pytest.param(path, id=path or "the empty path") for path in sorted(ROUTE_DECLARATIONS)],
)
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("{}", id="as it is"),
        pytest.param("{}\n", id="with a trailing newline"),
        pytest.param("{}\n\n", id="with two trailing newlines"),
        pytest.param("{}\r\n", id="with a trailing carriage return and newline"),
        pytest.param("{}/", id="with a trailing slash"),
        pytest.param("{}/\n", id="with a trailing slash and a newline"),
        pytest.param("/{}", id="with a doubled leading slash"),
        pytest.param("{}//", id="with two trailing slashes"),
        pytest.param("\n{}", id="with a leading newline"),
        pytest.param("{}\x00", id="with a trailing NUL"),
        pytest.param("{}%0a", id="with an escape that is still encoded"),
        pytest.param("{}?", id="with a question mark that belongs to the path"),
        pytest.param("/placement{}", id="with a mount prefix that the server left in"),
    ],
)
def test_every_route_means_the_same_to_both(template, edit):
    for value, method in itertools.product((UUID, "A", "A\n", "\n", "é\xff", ""), METHODS):
        path = value.join(re.split(r"\{\w+\}", template))
        assert_agree(edit.format(path), method)


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        pytest.param("/reshaper", "POST", ("/reshaper", {}), id="a plain path"),
        pytest.param("/reshaper\n", "POST", ("/reshaper", {}), id="a newline at the end"),
        pytest.param("/traits/A", "PUT", ("/traits/{name}", {"name": "A"}), id="a parameter"),
        pytest.param(
            "/traits/A\n", "PUT", ("/traits/{name}", {"name": "A"}), id="a newline after it"
        ),
        pytest.param(
            "/traits/A\n\n", "PUT", ("/traits/{name}", {"name": "A\n"}), id="two newlines after it"
        ),
        pytest.param("/traits/\n", "PUT", ("/traits/{name}", {"name": "\n"}), id="only a newline"),
        pytest.param(
            "/resource_providers/a\nb/usages",
            "GET",
            ("/resource_providers/{uuid}/usages", {"uuid": "a\nb"}),
            id="a newline inside a parameter",
        ),
        pytest.param("", "GET", ("", {}), id="the empty path"),
        pytest.param("\n", "GET", ("", {}), id="a newline alone is the empty path"),
    ],
)
def test_a_path_that_placement_serves_is_seen(path, method, expected):
    matched, operation, params = ROUTER.match(path, method)
    assert (matched, operation.path, dict(params)) == (True, *expected)
    assert_agree(path, method)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/reshaper/", id="a trailing slash"),
        pytest.param("//reshaper", id="a doubled slash"),
        pytest.param("/reshaper\n\n", id="two newlines"),
        pytest.param("/reshaper\n/", id="a newline before a slash"),
        pytest.param("reshaper", id="no slash"),
        pytest.param("/Reshaper", id="another case"),
        pytest.param("/reshaper%0a", id="a newline still encoded"),
        pytest.param("/traits/", id="an empty parameter"),
        pytest.param("/resource_providers//usages", id="an empty parameter inside"),
        pytest.param("/./reshaper", id="a dot segment"),
    ],
)
def test_a_path_that_placement_does_not_serve_is_unmatched(path):
    assert ROUTER.match(path, "POST") == (False, UNMATCHED, {})
    assert_agree(path, "POST")


def test_a_known_path_with_another_method_is_matched_without_an_operation():
    assert ROUTER.match("/reshaper", "GET") == (True, UNMATCHED, {})


@pytest.mark.parametrize("prefix", ["", "/placement", "/a/b", "/reshaper"])
def test_a_mount_prefix_changes_nothing(prefix):
    environ = {"SCRIPT_NAME": prefix, "PATH_INFO": f"/traits/{UUID}", "REQUEST_METHOD": "PUT"}
    found = MAP.match(environ=environ)
    assert found == {"action": "PUT /traits/{name}", "name": UUID}
    assert by_guard(environ["PATH_INFO"], "PUT") == (True, found["action"], {"name": UUID})


def test_every_operation_is_found_by_its_own_path():
    for operation in OPERATIONS:
        assert ROUTER.match(operation.path, operation.method)[1] is operation


def test_a_router_can_be_made_of_other_operations():
    operation = Operation(name="thing:show", method="GET", path="/things/{name}")
    router = Router([operation])
    assert router.match("/things/a", "GET") == (True, operation, {"name": "a"})
    assert router.match("/traits/a", "GET") == (False, UNMATCHED, {})
