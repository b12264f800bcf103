"""JSON as Placement decodes it, and what is wrong with it all the same."""

import json
import math
import struct
from random import Random

import pytest

from placement_guard.api import strict_json
from placement_guard.api.finding import MAX_FINDINGS, Finding
from placement_guard.api.strict_json import (
    MAX_DEPTH,
    MalformedError,
    TooDeepError,
    findings,
    load,
    parse,
    search,
    search_plain,
)


def found_in(body):
    parsed = parse(body)
    found = findings(parsed.data)
    # A body that is not suspect need not be searched.
    assert parsed.suspect or not found
    data, plain = load(body)
    assert repr(search(body)) == repr((data, found))
    if plain:
        assert search_plain(body, data) in (found, None)
    return [(finding.rule, finding.path) for finding in found]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"a": 1}', [], id="nothing"),
        pytest.param(b'{"a": {"b": 1}, "c": {"b": 1}}', [], id="a key in two objects"),
        pytest.param(b'{"a": 1, "a": 1}', [("json.duplicate_key", ("a",))], id="a key twice"),
        pytest.param(
            b'{"a": 1, "\\u0061": 2, "a": 3}', [("json.duplicate_key", ("a",))], id="three times"
        ),
        pytest.param(
            b'{"x": [0, {"b": 1, "c": 2, "b": 3, "c": 4}]}',
            [("json.duplicate_key", ("x", 1, "b")), ("json.duplicate_key", ("x", 1, "c"))],
            id="two keys twice, further in",
        ),
        pytest.param(
            b'{"a": NaN, "a": 1}',
            [("json.duplicate_key", ("a",))],
            id="a value that the second key replaces",
        ),
        pytest.param(b"[NaN]", [("json.not_finite", (0,))], id="NaN"),
        pytest.param(
            b"[Infinity, -Infinity]",
            [("json.not_finite", (0,)), ("json.not_finite", (1,))],
            id="infinities",
        ),
        pytest.param(b'{"r": 1e400}', [("json.not_finite", ("r",))], id="a number out of range"),
        pytest.param(b"[-1e400]", [("json.not_finite", (0,))], id="out of range below"),
        pytest.param(b"1e400", [("json.not_finite", ())], id="a number that is the whole body"),
        pytest.param(b"[1e308, 1e-400, -0.0]", [], id="numbers at the border"),
        pytest.param(b'["NaN", "Infinity"]', [], id="text that reads like one"),
        pytest.param(b'["\\u0000"]', [("json.nul_character", (0,))], id="a NUL"),
        pytest.param(b'{"a\\u0000": 1}', [("json.nul_character", ("a\0",))], id="a NUL in a key"),
        pytest.param(b'["\\\\u0000"]', [], id="a backslash and a name"),
        pytest.param(
            b'["\\ud800"]', [("json.lone_surrogate", (0,))], id="the first half of a pair"
        ),
        pytest.param(b'["\\udc00"]', [("json.lone_surrogate", (0,))], id="the second half"),
        pytest.param(
            b'["\\udc00\\ud800"]', [("json.lone_surrogate", (0,))], id="halves the wrong way round"
        ),
        pytest.param(b'["\\ud83d\\ude00"]', [], id="a whole pair"),
        pytest.param(
            b'{"\\udfff": 1}', [("json.lone_surrogate", ("\udfff",))], id="half a pair in a key"
        ),
        pytest.param(
            b'["\\u0000\\ud800"]',
            [("json.nul_character", (0,)), ("json.lone_surrogate", (0,))],
            id="two in one string",
        ),
        pytest.param(
            b'[{"z": NaN}, {"a": NaN}, NaN]',
            [
                ("json.not_finite", (0, "z")),
                ("json.not_finite", (1, "a")),
                ("json.not_finite", (2,)),
            ],
            id="several, in the order of the document",
        ),
        pytest.param(
            b'{"z": NaN, "a": [NaN], "m": NaN}',
            [
                ("json.not_finite", ("z",)),
                ("json.not_finite", ("a", 0)),
                ("json.not_finite", ("m",)),
            ],
            id="several, in the order of the keys",
        ),
    ],
)
def test_what_is_wrong_is_found_with_its_place(body, expected):
    assert found_in(body) == expected


def test_a_finding_says_what_is_wrong():
    assert findings(parse(b'{"a": 1, "a": "\\u0000"}').data) == [
        Finding("json.duplicate_key", "the key stands there more than once", ("a",)),
        Finding("json.nul_character", "the string holds a NUL character", ("a",)),
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"NaN," * 500 + b"1]", id="numbers in a list"),
        pytest.param(
            b"{" + b",".join(b'"%d\\u0000":1' % i for i in range(500)) + b"}",
            id="keys of one object",
        ),
    ],
)
def test_the_number_of_findings_is_bounded(body):
    assert len(found_in(body)) == MAX_FINDINGS


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" ", id="a space"),
        pytest.param(b"{", id="no end"),
        pytest.param(b'{"a": 1}x', id="more after the end"),
        pytest.param(b'{"a": 1,}', id="a trailing comma"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"nan", id="nan in lower case"),
        pytest.param(b"+1", id="a plus sign"),
        pytest.param(b"01", id="a leading zero"),
        pytest.param(b'"\x00"', id="a NUL as it is"),
        pytest.param(b'"\n"', id="a newline as it is"),
        pytest.param(b'"\\x41"', id="an escape that JSON does not have"),
        pytest.param(b'"\\u12"', id="an escape cut short"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param("{}".encode("utf-32-be"), id="UTF-32"),
        pytest.param(b'"\xff"', id="no UTF-8"),
        pytest.param(b'"\xc0\x80"', id="an overlong NUL"),
        pytest.param(b'"\xed\xa0\x80"', id="half a surrogate pair in UTF-8"),
        pytest.param(b"1" * 5000, id="more digits than Python converts"),
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_placement(body, placement_says):
    for decode in (parse, load):
        with pytest.raises(strict_json.MalformedError) as refusal:
            decode(body)
        assert f"Malformed JSON: {refusal.value}" == placement_says(body, {}).detail


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"b": 1, "a": [1, 1.0, -0.0, true, null, "\\n"]}', id="a bit of everything"),
        pytest.param(
            b'{"a": 1, "b": 2, "a": 3}', id="a key twice: the last value, the first place"
        ),
        pytest.param(b"[NaN, Infinity, -Infinity, 1e400, 1e-400]", id="numbers out of range"),
        pytest.param(b"[%d, -%d]" % (2**64, 10**40), id="large integers"),
        pytest.param(b'"\\ud800\\u0000"', id="text that is not sound"),
        pytest.param(b'"e\xcc\x81 \xf0\x9f\x98\x80"', id="text outside ASCII"),
        pytest.param(b" \t\r\n1 \t\r\n", id="white space around it"),
    ],
)
def test_data_is_what_placement_decodes(body, placement_says):
    assert repr(load(body).data) == repr(parse(body).data) == repr(placement_says(body, {}).data)


def test_strange_numbers_and_text_are_decoded_as_python_decodes_them():
    random = Random(1)
    text = ["a", "é", "\\n", "\\u0041", "\\ud83d", "\\ude00", "\\ud800"]
    decoded = 0
    for _ in range(20_000):
        number = "".join(random.choices("0123456789.eE+-", k=random.randint(1, 9)))
        double = repr(struct.unpack("d", random.randbytes(8))[0])
        string = "".join(random.choices(text, k=random.randint(1, 4)))
        for value in (number, double, f'"{string}"', f'{{"{string}": {double}, "a": 1}}'):
            try:
                expected = json.loads(value)
            except ValueError:
                with pytest.raises(strict_json.MalformedError):
                    load(value.encode())
            else:
                assert repr(load(value.encode()).data) == repr(expected), value
                decoded += 1
    assert decoded > 40_000


def test_equal_constants_are_one_object_as_placement_has_them():
    one, other = parse(b"[NaN, NaN]").data
    assert one is other
    assert math.isnan(one)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        pytest.param("[", "]", id="lists"),
        pytest.param('{"a":', "}", id="objects"),
        pytest.param('[{"a":', "}]", id="both by turns"),
    ],
)
def test_nesting_is_taken_up_to_the_limit(opening, closing):
    levels = sum(opening.count(bracket) for bracket in "[{")

    def nested(depth):
        return (opening * (depth // levels) + "1" + closing * (depth // levels)).encode()

    assert parse(nested(MAX_DEPTH)).suspect is False
    with pytest.raises(strict_json.TooDeepError):
        parse(nested(MAX_DEPTH + levels))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 501 + b"]" * 501, id="in balance"),
        pytest.param(b"[" * 100_000, id="of a hundred thousand levels"),
        pytest.param(
            b"[" * 400 + b"[]," * 10 + b"[" * 111 + b"]" * 511, id="that comes back up on its way"
        ),
        pytest.param(
            b'["]]]]' + b'","' * 10 + b'",' + b"[" * 500 + b"]" * 501, id="after brackets in text"
        ),
    ],
)
def test_nesting_past_the_limit_is_refused(body):
    with pytest.raises(strict_json.TooDeepError):
        parse(body)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("[" * 2000, id="brackets in text"),
        pytest.param('\\"[{' * 1000, id="escaped quotes and brackets in text"),
        pytest.param([[]] * 2000, id="many side by side"),
        pytest.param(["a" * 3_000_000, *[{}] * 600], id="a long text among many"),
    ],
)
def test_brackets_that_do_not_nest_do_not_count(value):
    assert parse(json.dumps(value).encode()).data == value


def test_what_placement_does_not_read_may_hold_anything_but_a_key_twice():
    body = b'{"mappings": {"": ["\\u0000"], "!": [NaN, "\\ud800"]}, "user_id": "u"}'
    assert findings(parse(body).data) == []
    [found] = findings(parse(b'{"mappings": {"": 1, "": 2}}').data)
    assert found.rule == "json.duplicate_key"


def test_what_is_malformed_before_it_is_too_deep_is_malformed():
    deep = b"[" * 1000
    with pytest.raises(MalformedError, match="Expecting ',' delimiter"):
        parse(b'{"a": 1 2, "b": ' + deep + b"]" * 1000 + b"}")
    with pytest.raises(TooDeepError):
        parse(deep + b"]" * 1000)


def test_findings_by_one_rule_do_not_hide_those_by_another():
    body = b'{"a":[' + b"NaN," * 500 + b'1],"b":1,"b":2}'
    rules = [rule for rule, _ in found_in(body)]
    assert rules == ["json.duplicate_key"] + ["json.not_finite"] * MAX_FINDINGS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b'{"a": {"b": [{"c": "\\u00e9"}]}}', True, id="an escape"),
        pytest.param(b'{"a": ["\\u0000"]}', True, id="a NUL"),
        pytest.param(b'{"a": 1, "a": 1}', False, id="a key twice"),
        pytest.param(b'{"a": {"b": 1, "b": 2}, "a": 3}', False, id="keys twice within each other"),
        pytest.param(b'{"a": "b:c"}', False, id="a colon in a string"),
    ],
)
def test_a_plain_body_is_not_decoded_again_where_its_colons_are_accounted_for(body, told):
    data, plain = load(body)
    assert plain
    found = search_plain(body, data)
    assert found == (search(body)[1] if told else None)


@pytest.mark.parametrize("body", [b"[NaN]", b"[1e400]", b'["\\ud800"]', b"[-Infinity]"])
def test_a_body_with_strange_numbers_or_text_is_not_plain(body):
    assert load(body).plain is False
