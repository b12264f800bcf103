"""How a refusal looks on the wire: the whole body, in each format, and bounded."""

import json

import pytest

from placement_guard import wire
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import RULES


def answer(rejection, **environ):
    started = []
    environ = {"REQUEST_METHOD": "POST", "openstack.request_id": "req-1", **environ}
    body = b"".join(wire.refuse(rejection, environ, lambda *given: started.append(given)))
    [(status, headers)] = [given[:2] for given in started]
    return status, dict(headers), body


def test_a_refusal_of_the_guards_own():
    status, headers, body = answer(reject("json.too_deep", "too deep: $.a"))
    assert status == "400 Bad Request"
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Placement-Guard"] == 'decision=reject, stage="document", rule="json.too_deep"'
    assert json.loads(body) == {
        "errors": [
            {
                "status": 400,
                "title": "Bad Request",
                "detail": (
                    "The server could not comply with the request since it is either malformed or "
                    "otherwise incorrect.\n\ntoo deep: $.a"
                ),
                "code": "placement_guard.json.too_deep",
                "request_id": "req-1",
            }
        ]
    }


def test_lines_and_angle_brackets_of_its_own_are_kept():
    _, _, body = answer(reject("json.too_deep", 'first\nwrong: $["<b>"]'))
    assert json.loads(body)["errors"][0]["detail"].splitlines()[-1] == 'wrong: $["<b>"]'


def test_placements_wording_goes_placements_way():
    _, _, body = answer(reject("json.malformed", "first\n<b>second"))
    assert json.loads(body)["errors"][0]["detail"].endswith(" first second  ")


def test_html_is_escaped():
    _, headers, body = answer(reject("json.malformed", "<script>"), HTTP_ACCEPT="text/html")
    assert headers["Content-Type"].startswith("text/html")
    assert b"&lt;script&gt;" in body
    assert b"<script>" not in body


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json"])
def test_json_is_what_everybody_else_gets(accept):
    given = {} if accept is None else {"HTTP_ACCEPT": accept}
    _, headers, _ = answer(reject("json.malformed", "x"), **given)
    assert headers["Content-Type"] == "application/json"


def test_a_head_request_gets_no_body():
    status, _, body = answer(reject("context.missing"), REQUEST_METHOD="HEAD")
    assert status == "401 Unauthorized"
    assert body == b""


def test_without_a_request_id_there_is_none():
    _, _, body = answer(reject("context.missing"))
    assert "request_id" in json.loads(body)["errors"][0]
    started = []
    bare = wire.refuse(
        reject("context.missing"), {"REQUEST_METHOD": "GET"}, lambda *given: started.append(given)
    )
    assert "request_id" not in json.loads(b"".join(bare))["errors"][0]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_be_answered(rule):
    status, headers, body = answer(reject(rule.id, "what"))
    assert status.startswith(str(rule.status))
    [error] = json.loads(body)["errors"]
    own = f"placement_guard.{rule.id}"
    assert error["code"] == ("placement.undefined_code" if rule.placement else own)
    assert f'stage="{rule.stage}"' in headers["Placement-Guard"]


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "\u20ac" * 5_000, "\U0001f600" * 5_000, "\ud800" * 5_000]
)
def test_a_detail_is_bounded(text):
    _, _, body = answer(reject("json.too_deep", text))
    detail = json.loads(body)["errors"][0]["detail"]
    assert len(detail.encode()) <= wire.MAX_DETAIL
    assert detail.endswith("...")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"errors": [{"code": "c", "detail": "d"}]}', ("c", "d")),
        (b'{"errors": [{"detail": "d"}]}', (None, "d")),
        (b'{"errors": []}', (None, '{"errors": []}')),
        (b"[]", (None, "[]")),
        (b'{"errors": ["x"]}', (None, '{"errors": ["x"]}')),
        (b"<html>\xff", (None, "<html>\ufffd")),
        (b'{"errors": [{"code": ["c"], "detail": "d"}]}', (None, "d")),
        (b"[" * 60_000, (None, "[" * 60_000)),
    ],
)
def test_code_and_detail_are_found_where_they_are(body, expected):
    assert wire.code_and_detail(body) == expected


DETAILS = [
    "what",
    "a <b>tag</b> and <br> a break <br/>",
    "a < b and c > d -- <!-- a comment --> and -->",
    "an open <tag",
    "lines\nand\r\nmore\rlines",
    "x" * 10_000,
    "\u20ac" * 5_000,
    "half \ud800",
    "",
]


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_is_written_down_is_what_webob_would_make_of_it(rule, detail, monkeypatch):
    def made():
        status, headers, body = answer(Rejection(rule, detail), HTTP_ACCEPT="application/json")
        return status, list(headers.items()), body

    written = made()
    monkeypatch.setattr(wire, "_is_plain", lambda *_: False)
    assert written == made()
