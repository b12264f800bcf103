"""``placement-guard scan``: its options, before any Placement is asked. The rest is in tests/scan."""

import subprocess
import sys

import pytest

from placement_guard import cli
from placement_guard.cli import scan
from placement_guard.scan.kinds import KINDS


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["scan", *arguments])
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "33", "-1", "eight", "1.5", ""])
def test_concurrency_has_bounds(capsys, number):
    told = refused(capsys, f"--concurrency={number}")
    assert f"{number!r} is no number from 1 to 32" in told


@pytest.mark.parametrize("number", ["0", "601", "-1", "nan", "inf", "soon"])
def test_a_timeout_has_bounds(capsys, number):
    told = refused(capsys, f"--timeout={number}")
    assert f"{number!r} is no number from 1 to 600" in told


@pytest.mark.parametrize("kind", ["nothing", "usage.", "usage.above", "", "Damage"])
def test_a_kind_must_be_one(capsys, kind):
    assert "invalid choice" in refused(capsys, f"--only={kind}")


@pytest.mark.parametrize("text", ["compute-1", "", "4e8e5957"])
def test_a_provider_is_named_by_its_uuid(capsys, text):
    assert f"{text!r} is no UUID" in refused(capsys, f"--provider={text}")


def test_one_token_is_enough(capsys):
    assert "not allowed with" in refused(capsys, "--token=a", "--token-file=b")


def test_help_has_every_kind_and_every_exit_code(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        cli.main(["scan", "--help"])
    told = capsys.readouterr().out
    for kind in KINDS.values():
        assert f"  {kind.id} " in told
        assert kind.summary in told
    for line in ("  0  all was read, and nothing found", "  1  all was read, and something found",
                 "  2  not all was read"):  # fmt: skip
        assert line in told
    for option in ("--os-cloud", "--endpoint", "--token", "--token-file", "--os-cacert",
                   "--provider", "--only", "--format", "--concurrency", "--timeout"):  # fmt: skip
        assert option in told


@pytest.mark.parametrize("missing", ["keystoneauth1", "openstack", "tqdm"])
def test_a_missing_extra_is_one_clear_line(missing, monkeypatch, capsys):
    find = scan.importlib.util.find_spec
    monkeypatch.setattr(
        scan.importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )
    assert cli.main(["scan"]) == 2
    assert capsys.readouterr().err == (
        f"placement-guard scan: {missing} is not installed; it comes with placement-guard[scan]\n"
    )


def test_the_other_commands_do_without_the_extra():
    script = (
        "import sys\n"
        "for name in ('keystoneauth1', 'openstack', 'tqdm', 'placement'):\n"
        "    sys.modules[name] = None\n"
        "import placement_guard.cli, placement_guard.scan\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_what_is_told_is_fit_for_a_terminal(capsys):
    scan.complain("one\x1b[2J\ntwo\u202e")
    assert capsys.readouterr().err == (
        "placement-guard scan: one\\x1b[2J\nplacement-guard scan: two\\u202e\n"
    )
