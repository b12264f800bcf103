"""What all commands write in the same way."""

import io
import os
import pty

import pytest

from placement_guard.cli.output import Table, as_json, counted

COLOURS = {"warn": "\x1b[33m"}


def test_a_table_is_aligned_and_fit_for_a_terminal():
    out = io.StringIO()
    Table(out, COLOURS).write(("A", "BB", "C"), [("warn", "x", "y\x1b[2J"), ("w", "\u202e", "")])
    assert out.getvalue() == ("A     BB      C\nwarn  x       y\\x1b[2J\nw     \\u202e\n")


def test_a_table_without_rows_has_no_head():
    out = io.StringIO()
    Table(out).write(("A",), [])
    assert out.getvalue() == ""


@pytest.mark.parametrize("plain", ["", "1"], ids=["a terminal", "NO_COLOR"])
def test_only_a_whole_cell_is_coloured_and_only_on_a_terminal(monkeypatch, plain):
    outer, inner = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", plain)
    with os.fdopen(inner, "w") as terminal:
        Table(terminal, COLOURS).write(("MODE", "X"), [("warn", "a"), ("warned", "warn!")])
        terminal.flush()
        out = ""
        while out.count("\n") < 3:  # a terminal hands on what it has
            out += os.read(outer, 65536).decode()
    os.close(outer)
    shown = "warn" if plain else "\x1b[33mwarn\x1b[0m"
    assert out.splitlines() == ["MODE    X", f"{shown}    a", "warned  warn!"]


def test_json_is_ascii_and_has_no_nan():
    assert as_json({"ü": 1}) == '{"\\u00fc": 1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(float("nan"))


def test_numbers_have_their_noun():
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
