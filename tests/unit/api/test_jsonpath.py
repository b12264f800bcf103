"""Places in a document, as messages and logs name them."""

import pytest

from placement_guard.api.jsonpath import MAX_PATH, json_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param((), "$", id="the document itself"),
        pytest.param(("inventories", "VCPU", "total"), "$.inventories.VCPU.total", id="names"),
        pytest.param(("traits", 0), "$.traits[0]", id="a position"),
        pytest.param(("a", "5d-4d"), '$.a["5d-4d"]', id="a key that is no name"),
        pytest.param(("0",), '$["0"]', id="a key that reads like a position"),
        pytest.param(("",), '$[""]', id="an empty key"),
        pytest.param(('a"]["b',), '$["a\\"][\\"b"]', id="a key that holds quotes"),
        pytest.param(("A\n",), '$["A\\n"]', id="a key that ends in a newline"),
        pytest.param(("é",), '$["\\u00e9"]', id="a key outside ASCII"),
        pytest.param(("\ud800\0",), '$["\\ud800\\u0000"]', id="a key that is not sound"),
    ],
)
def test_a_place_is_named(path, expected):
    assert json_path(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(("k" * 10_000, "end"), id="a long key"),
        pytest.param(("a",) * 1000 + ("end",), id="many levels"),
        pytest.param(("\ud800" * 1000, "end"), id="a long key that is escaped"),
    ],
)
def test_a_long_path_keeps_its_ends(path):
    text = json_path(path)
    assert MAX_PATH - 5 <= len(text) <= MAX_PATH
    assert text.startswith("$")
    assert "..." in text
    assert text.endswith(".end")


def test_a_path_of_the_greatest_length_is_whole():
    path = ("a" * (MAX_PATH - 2),)
    assert json_path(path) == "$." + path[0]
