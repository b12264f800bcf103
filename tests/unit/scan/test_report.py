"""What is written, whatever the names hold."""

import csv
import io
import json
import math

import pytest

from placement_guard.scan.findings import Finding
from placement_guard.scan.report import Csv, Json, Table, escaped, told
from placement_guard.scan.summary import Summary

EVERYTHING = "".join(map(chr, [*range(0x3100), *range(0xD7F0, 0xE010), *range(0xFE00, 0x10100)]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("compute-1", "compute-1"),
        ("Zürich 🌍", "Zürich 🌍"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\0\n\t\x7f\x9b", r"\x00\x0a\x09\x7f\x9b"),
        ("\u202e\ud800\ufeff", r"\u202e\ud800\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        (r"\x1b", r"\\x1b"),
    ],
    ids=ascii,
)
def test_escaped(text, expected):
    assert escaped(text) == expected


def test_nothing_that_is_not_printable_is_left():
    assert escaped(EVERYTHING).isprintable()


def test_what_is_escaped_can_be_told_from_what_is_not():
    assert len({escaped(letter) for letter in EVERYTHING}) == len(EVERYTHING)


def written(report, *findings, summary=None):
    stream = io.StringIO()
    made = report(stream)
    made.begin()
    for finding in findings:
        made.add(finding)
    made.end(summary or Summary(complete=True))
    return stream.getvalue()


@pytest.mark.parametrize("begin", list("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"), ids=ascii)
def test_no_cell_is_a_formula(begin):
    text = written(Csv, Finding("name.pattern", f"{begin}1+1", provider_name=f"{begin}1+1"))
    _, row = csv.reader(io.StringIO(text))
    for cell in row:
        assert not cell.startswith(begin)
        assert cell[:1] not in set("=+-@")


def test_a_cell_that_is_no_formula_is_what_it_is():
    text = written(Csv, Finding("name.pattern", 'a "quoted", one = 2', consumer="c"))
    _, row = csv.reader(io.StringIO(text))
    assert row == ["damage", "name.pattern", "", "", "", "c", 'a "quoted", one = 2']


def test_a_row_is_a_line():
    text = written(Csv, Finding("name.pattern", "a\nb\r\nc"), Finding("name.pattern", "d"))
    assert len(text.splitlines()) == 3


def test_json_without_findings():
    assert json.loads(written(Json))["findings"] == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_no_other_numbers(value):
    text = written(Json, Finding("name.pattern", "x", values={"a": value, "b": 1.5, "c": None}))
    (finding,) = json.loads(text, parse_constant=pytest.fail)["findings"]
    assert finding["values"] == {"a": str(value), "b": 1.5, "c": None}


def test_json_is_ascii():
    text = written(Json, Finding("name.pattern", EVERYTHING, provider_name=EVERYTHING))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(text)["findings"][0]["what"] == json.loads(json.dumps(EVERYTHING))


def test_a_table_names_the_provider_once():
    def table(stream):
        return Table(stream, colour=False)

    text = written(
        table,
        Finding("name.pattern", "it is bad", provider="p", provider_name="compute"),
        Finding("name.pattern", "compute is bad", consumer="c", provider_name="compute"),
        Finding("name.pattern", "it is bad"),
    )
    lines = [line.split(maxsplit=3)[2:] for line in text.splitlines()[1:4]]
    assert lines == [["p", "it is bad (compute)"], ["c", "compute is bad"], ["-", "it is bad"]]


@pytest.mark.parametrize(
    ("found", "seen", "expected"),
    [
        ({}, (0, 0, 2), "Nothing found in 0 providers and 0 consumers, with 2 requests."),
        ({"name.pattern": 1}, (1, 1, 1),
         "1 finding (1 damage) in 1 provider and 1 consumer, with 1 request."),
        ({"name.pattern": 2, "inventory.zero_ratio": 3}, (7, 8, 9),
         "5 findings (2 damage, 3 suspicious) in 7 providers and 8 consumers, with 9 requests."),
    ],
)  # fmt: skip
def test_the_summary(found, seen, expected):
    providers, consumers, requests = seen
    summary = Summary(complete=True, providers=providers, consumers=consumers, requests=requests)
    summary.found.update(found)
    assert told(summary) == expected
    summary.complete = False
    assert told(summary) == f"{expected} Not all was read: the report is partial."
