"""``placement-guard completion``: the scripts, in the shells that they are for."""

import contextlib
import io
import shutil
import subprocess

import pytest

from placement_guard import cli
from placement_guard.cli import completion
from placement_guard.rules import BY_ID

SECONDS = 60

DRIVE = """\
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
compopt() { :; }  # it works only while a key is pressed
function=$(complete -p placement-guard | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" placement-guard "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The files, by shell."""
    where = tmp_path_factory.mktemp("completion")
    for shell in completion.SHELLS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert cli.main(["completion", shell]) == 0
        (where / shell).write_text(out.getvalue())
    (where / "body.json").write_text("{}")
    (where / "conf").mkdir()
    return where


def run(scripts, *command):
    done = subprocess.run(
        command, cwd=scripts, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], ["serve", "scan", "check", "explain", "policy", "replay", "rules", "config", "completion"]),
        (["che"], ["check"]),
        (["config", ""], ["check"]),
        (["policy", ""], ["list", "test"]),
        (["check", "--form"], ["--format"]),
        (["check", "--format", ""], ["table", "json"]),
        (["check", "bod"], ["body.json"]),
        (["check", "--config-dir", ""], ["conf"]),
        (["check", "--operation", "resh"], ["reshaper:reshape"]),
        (["check", "--operation", "reshaper", ":"], ["reshape"]),
        (["check", "--operation", "reshaper", ":", "re"], ["reshape"]),
        (["check", "--operation", "resource_providers", ":", "inv"],
         ["inventories:create", "inventories:update"]),
        (["check", "--operation", "resource_providers", ":", "inventories", ":", "c"], ["create"]),
        (["rules", "json.dup"], ["json.duplicate_key"]),
        (["rules", "json.malformed", "json.dup"], ["json.duplicate_key"]),
        (["rules", ""], list(BY_ID)),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["scan", "--only", "inventory.z"], ["inventory.zero_ratio"]),
    ],
    ids=lambda value: " ".join(value) if len(value) < 9 else None,
)  # fmt: skip
def test_bash_completes(scripts, words, expected):
    found = run(scripts, "bash", "-c", DRIVE, "-", str(scripts / "bash"), "placement-guard", *words)
    wanted = words[-1].startswith("-")
    assert sorted(w for w in found if w.startswith("-") == wanted) == sorted(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("config ", ["check"]),
        ("check --format ", ["json", "table"]),
        ("check --operation resh", ["reshaper:reshape"]),
        ("rules json.dup", ["json.duplicate_key"]),
    ],
)
def test_fish_completes(scripts, api, line, expected):
    api.require(shutil.which("fish"), "Debian's package fish")
    script = f"source fish; complete -C'placement-guard {line}'"
    found = run(scripts, "fish", "--no-config", "-c", script)
    assert sorted(one.partition("\t")[0] for one in found) == expected


def test_zsh_knows_whom_to_ask(scripts, api):
    api.require(shutil.which("zsh"), "Debian's package zsh")
    functions = scripts / "functions"
    functions.mkdir(exist_ok=True)
    shutil.copy(scripts / "zsh", functions / "_placement-guard")
    script = (
        "fpath=(./functions $fpath); autoload -Uz compinit; compinit -D -u;"
        "print $_comps[placement-guard]; autoload +X -Uz _placement-guard; whence -w _placement-guard"
    )
    assert run(scripts, "zsh", "-f", "-c", script) == [
        "_placement-guard", "_placement-guard: function",
    ]  # fmt: skip


def test_a_missing_extra_is_one_clear_line(monkeypatch, capsys):
    monkeypatch.setattr(completion.importlib.util, "find_spec", lambda _: None)
    assert cli.main(["completion", "bash"]) == 2
    assert capsys.readouterr() == (
        "",
        (
            "placement-guard completion: shtab is not installed; it comes with "
            "placement-guard[completion]\n"
        ),
    )
