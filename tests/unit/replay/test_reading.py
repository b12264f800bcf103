"""Reading a recording: what is no line of one is counted, and stops nothing."""

import io

import pytest

from placement_guard.recording.lines import Header, encode
from placement_guard.replay import reading
from placement_guard.replay.errors import CannotReplayError
from placement_guard.replay.reading import Reader

HEADER = encode(Header(1, "a", "0.1.0", "", "whole", {}))


@pytest.fixture
def read(stand):
    """Reads lines, joined; returns the ids of the records and what was skipped."""

    def reading_of(*lines, end=b"\n"):
        told = []
        reader = Reader(told.append)
        text = b"\n".join(lines) + end
        ids = [record.id for record in reader.records(io.BytesIO(text), "capture")]
        assert sum(told) == len(text)
        return ids, dict(reader.skipped)

    return reading_of


@pytest.fixture
def line(stand):
    return lambda name: encode(stand.record(id=name))


def test_a_whole_recording(read, line):
    assert read(HEADER, line("1"), HEADER, line("2")) == (["1", "2"], {})


def test_a_last_line_without_its_end_is_torn(read, line):
    assert read(HEADER, line("1"), line("2")[:50], end=b"") == (["1"], {"torn": 1})


def test_a_last_line_that_only_lacks_its_line_break_is_read(read, line):
    assert read(HEADER, line("1"), end=b"") == (["1"], {})


def test_a_line_that_a_process_left_unfinished_is_torn(read, line):
    assert read(HEADER, line("1")[:50], line("2"), HEADER[:60]) == (["2"], {"torn": 2})


@pytest.mark.parametrize("foreign", [b"hello", b"{}", b'{"a": 1}', b"\xff\xfe", b"[1]", b"\0" * 99])
def test_a_line_of_something_else_is_foreign(read, line, foreign):
    assert read(HEADER, foreign, line("1")) == (["1"], {"foreign": 1})


def test_a_line_that_is_too_long_is_passed_over(read, line, monkeypatch):
    monkeypatch.setattr(reading, "MAX_LINE", 1000)
    assert read(HEADER, b"x" * 5500, line("1")) == (["1"], {"foreign": 1})


def test_empty_lines_are_nothing(read, line):
    assert read(HEADER, b"", line("1"), b"") == (["1"], {})


def test_fields_that_are_not_known_are_left(read, line):
    assert read(HEADER, line("1")[:-1] + b',"new":[1]}') == (["1"], {})


@pytest.mark.parametrize("lines", [[], [b"hello"], [b'{"at":1}'], [b'{"findings": []}']])
def test_what_does_not_begin_as_a_recording_is_none(read, lines):
    with pytest.raises(CannotReplayError, match="capture is no recording"):
        read(*lines)


def test_a_newer_version_is_refused_in_so_many_words(read):
    newer = HEADER.replace(b'recording":1', b'recording":2')
    with pytest.raises(CannotReplayError, match=r"a recording of version 2; this .* reads up to 1"):
        read(newer)
