"""``placement-guard replay``: options, exit codes, reports."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from placement_guard import cli
from placement_guard.recording.lines import Header, Record, encode
from placement_guard.rules import RULES
from placement_guard.version import __version__

PATH = "/resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c/inventories"
ODD = (
    '{"resource_provider_generation": 1,'
    ' "inventories": {"VCPU": {"total": 8, "min_unit": 9, "max_unit": 8}}}'
)
OPINION = "inventory.min_above_max"
MODES = {rule.id: rule.default_mode.value for rule in RULES}
HEADER = Header(1, "a", __version__, "", "whole", MODES)


def record(name, **changes):
    values = {
        "at": 0.0,
        "id": name,
        "by": "a",
        "method": "PUT",
        "path": PATH,
        "operation": "resource_providers:inventories:update",
        "status": 200,
        "outcome": "committed",
        "version": (1, 39),
        "headers": {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(ODD))},
        "identity": {"user_id": "nova", "project_id": "service", "roles": ["admin"]},
        "size": len(ODD),
        "body": ODD,
        "asked": True,
        "warnings": [OPINION],
    }
    return Record(**{**values, **changes})


@pytest.fixture
def recording(tmp_path):
    """A recording of some records; two of nova's without more said."""

    def write(*records, header=HEADER, name="capture.jsonl"):
        chosen = records or (record("req-1"), record("req-2"))
        path = tmp_path / name
        path.write_bytes(b"".join(encode(line) + b"\n" for line in (header, *chosen)))
        return str(path)

    return write


@pytest.fixture
def replay(capsys):
    """Runs the command; returns the exit code and both streams."""

    def run(*arguments):
        code = cli.main(["replay", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_nothing_changes_by_the_same_configuration(replay, recording):
    assert replay(recording()) == (0, "2 exchanges judged: 2 unchanged.\n", "")


def test_a_table_says_what_changes_for_whom(replay, recording):
    code, out, err = replay(recording(), "--rules", f"{OPINION}:enforce")
    assert (code, err) == (1, "")
    head, row, empty, told = out.splitlines()
    assert head.split() == [
        "CHANGE", "COUNT", "RULE", "OPERATION", "USER", "PROJECT", "FOR", "EXAMPLE",
    ]  # fmt: skip
    assert row.split() == [
        "newly_refused", "2", OPINION, "resource_providers:inventories:update", "nova", "service",
        "req-1",
    ]  # fmt: skip
    assert (empty, told) == ("", "2 exchanges judged: 0 unchanged, 2 newly_refused.")


def test_json_says_the_same(replay, recording):
    code, out, _ = replay(recording(), f"--rules={OPINION}:enforce", "--format=json")
    assert code == 1
    told = json.loads(out)
    assert told["summary"] == {
        "complete": True,
        "judged": 2,
        "unchanged": 0,
        "newly_refused": 2,
        "newly_allowed": 0,
        "refused_otherwise": 0,
        "newly_warned": 0,
        "no_longer_warned": 0,
        "undecided": 0,
        "skipped": {},
    }
    assert told["rules"] == {"newly_refused": {OPINION: 2}}
    assert told["groups"] == [
        {
            "change": "newly_refused",
            "rule": OPINION,
            "policy": "",
            "operation": "resource_providers:inventories:update",
            "user": "nova",
            "project": "service",
            "count": 2,
            "examples": ["req-1", "req-2"],
        }
    ]


def test_a_configuration_is_read(replay, recording, tmp_path):
    file = tmp_path / "placement.conf"
    policy = tmp_path / "policy.yaml"
    policy.write_text('"placement:resource_providers:inventories:update": "role:gardener"\n')
    file.write_text(
        f"[placement_guard]\nrules = {OPINION}:enforce\n[oslo_policy]\npolicy_file = {policy}\n"
        "[placement_database]\nconnection = sqlite://\n"
    )
    code, out, _ = replay(recording(), "--config-dir", tmp_path)
    assert (code, "newly_refused" in out, "policy.forbidden" in out) == (1, True, True)


def test_a_gate_policy_can_be_given_alone(replay, recording, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text('"placement:resource_providers:inventories:update": "user_id:nova"\n')
    other = record("req-3", identity={"user_id": "cyborg", "roles": ["admin"]})
    code, out, _ = replay(recording(record("req-1"), other), "--gate-policy", policy)
    assert code == 1
    assert "1 unchanged, 1 newly_refused" in out
    assert " cyborg " in out


@pytest.mark.parametrize("named", ["a file", "a directory", "a configuration"])
def test_a_target_policy_is_judged_by(replay, recording, tmp_path, named):
    (there := tmp_path / "policy.d").mkdir()
    policy = there / "cyborg.yaml"
    policy.write_text(
        '"profile:cyborg": "user_id:cyborg"\n'
        '"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_ACCELERATOR_*"\n'
    )
    (tmp_path / "placement.conf").write_text(f"[placement_guard]\ntarget_policy_dirs = {there}\n")
    given = {"a file": ["--policy", policy], "a directory": ["--policy", there]}
    cyborg = record("req-3", identity={"user_id": "cyborg", "roles": ["service"]})
    path = recording(record("req-1"), cyborg)
    code, out, err = replay(path, *given.get(named, ["--config-dir", tmp_path]))
    assert (code, err) == (1, "")
    assert "1 unchanged, 1 newly_refused" in out
    assert "policy.target_forbidden (cyborg:resource_providers:inventories:update)" in out
    assert " cyborg " in out


def test_two_configurations_can_be_compared(replay, recording, tmp_path):
    strict = tmp_path / "strict"
    strict.mkdir()
    (strict / "placement.conf").write_text(f"[placement_guard]\nrules = {OPINION}:enforce\n")
    assert replay(recording(), "--config-dir", strict, "--against", strict)[0] == 0
    code, out, _ = replay(recording(), "--against", strict)
    assert (code, "2 newly_allowed" in out) == (1, True)


def test_several_recordings_are_read_in_turn_and_only_so_many(replay, recording):
    files = [recording(record(f"req-{n}"), name=f"capture.jsonl.{n}") for n in range(3)]
    assert "3 exchanges" in replay(*files)[1]
    code, out, _ = replay(*files, "--limit=1", f"--rules={OPINION}:enforce")
    assert (code, "1 exchange judged" in out, "req-0" in out) == (1, True, True)


def test_what_cannot_be_decided_is_no_change(replay, recording):
    one = record("req-1", body=None, left_out="none")
    header = msgspec.structs.replace(HEADER, modes={**MODES, OPINION: "off"}, bodies="none")
    code, out, _ = replay(recording(one, header=header))
    assert code == 0
    assert "0 unchanged, 1 undecided" in out
    assert "not_asked_then" in out


def test_lines_that_are_no_records_are_told_of(replay, recording, tmp_path):
    path = recording()
    more = b"hello\n" + encode(record("req-3"))[:40]
    Path(path).write_bytes(Path(path).read_bytes() + more)
    code, out, _ = replay(path)
    assert code == 0
    assert out.endswith("2 unchanged. 2 lines were no records (1 foreign, 1 torn).\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/nowhere/capture"], "/nowhere/capture cannot be read (No such file or directory)"),
        (["{here}"], "cannot be read (Is a directory)"),
        (["{recording}", "--config-dir=/nowhere"], "/nowhere/placement.conf cannot be read"),
        (["{recording}", "--against=/nowhere"], "/nowhere/placement.conf cannot be read"),
        (["{recording}", "--gate-policy=/nowhere.yaml"], "/nowhere.yaml cannot be read"),
        (["{recording}", "--gate-policy={recording}"], "the policy cannot be used"),
        (["{recording}", "--policy=/nowhere.yaml"], "/nowhere.yaml"),
        (["{recording}", "--policy={recording}"], "policy.unusable"),
        (["{recording}", "--rules=b"], "write for example"),
        (["{recording}", "--config-dir={odd}"], "placement.conf: "),
        (["{recording}", "--rules=inventory.min_above:warn"], "did you mean"),
        (["{recording}", f"--rules={OPINION}:maybe"], "cannot be maybe"),
        (["{empty}"], "is no recording: it is empty"),
        (["{newer}"], "a recording of version 7"),
    ],
)
def test_what_cannot_be_done_is_said(replay, recording, tmp_path, arguments, told):
    (odd := tmp_path / "odd").mkdir()
    (odd / "placement.conf").write_text("no section\n")
    newer = msgspec.structs.replace(HEADER, placement_guard_recording=7)
    (tmp_path / "empty").touch()
    places = {
        "here": tmp_path,
        "recording": recording(),
        "empty": tmp_path / "empty",
        "odd": odd,
        "newer": recording(header=newer, name="newer"),
    }
    code, out, err = replay(*(argument.format(**places) for argument in arguments))
    assert (code, out) == (2, "")
    assert told in err
    assert all(line.startswith("placement-guard replay: ") for line in err.splitlines())


def test_what_was_judged_before_a_file_cannot_be_read_is_reported(replay, recording):
    code, out, err = replay(recording(), "/nowhere", "--format=json")
    assert code == 2
    assert json.loads(out)["summary"]["complete"] is False
    assert "/nowhere cannot be read" in err


@pytest.mark.parametrize(
    "arguments",
    [[], ["a", "--limit=0"], ["a", "--format=csv"]],
)
def test_wrong_usage_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["replay", *arguments])
    assert end.value.code == 2
    assert capsys.readouterr().err


def test_help_has_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["replay", "--help"])
    told = capsys.readouterr().out
    for text in ("examples:", "--gate-policy gate.yaml", "exit code:", "--against"):
        assert text in told


COMMAND = (sys.executable, "-m", "placement_guard", "replay")


def test_standard_input_is_read(recording):
    lines = Path(recording()).read_bytes()
    ended = subprocess.run([*COMMAND, "-"], input=lines, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"2 exchanges judged: 2 unchanged.\n")


def test_a_reader_that_goes_away_is_no_traceback(recording):
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, recording(), f"--rules={OPINION}:enforce"]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert ended.returncode == 2
    assert ended.stderr == "placement-guard replay: the report cannot be written (Broken pipe)\n"


@pytest.mark.parametrize(("plain", "colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(recording, plain, colour):
    ours, theirs = pty.openpty()
    command = [*COMMAND, recording(), f"--rules={OPINION}:enforce"]
    environ = {**os.environ, "TERM": "xterm", **plain}
    ended = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=environ, check=False)
    os.close(theirs)
    out = os.read(ours, 65536)
    os.close(ours)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert (b"\x1b[31m" in out) is colour


def test_an_interrupt_ends_it_with_what_was_found(recording):
    """Its input goes on: it is judging, and waits for more."""
    lines = Path(recording()).read_bytes()
    with subprocess.Popen(
        [*COMMAND, "-", "--format=json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdin.write(lines * 2000)
        process.stdin.flush()  # more than a pipe holds: by now most of it is read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    told = json.loads(out)["summary"]
    assert process.returncode == 2
    assert (told["complete"], told["judged"] > 0) == (False, True)
    assert b"interrupted: the report is partial" in err


def test_what_comes_from_a_client_is_not_acted_upon_by_a_terminal(replay, recording):
    one = record("req-\x1b[2J", identity={"user_id": "\x1b]0;title\x07", "roles": ["admin"]})
    _, out, _ = replay(recording(one), f"--rules={OPINION}:enforce")
    assert "\x1b" not in out


PEAK = """
import sys
from placement_guard import cli
for path in sys.argv[1:]:
    cli.main(["replay", path])
    with open("/proc/self/status") as status:
        print(*(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_recording(tmp_path):
    """Four thousand records are judged in the memory that two hundred take."""
    paths = []
    for number in (200, 4000):
        paths.append(tmp_path / str(number))
        with paths[-1].open("wb") as file:
            file.write(encode(HEADER) + b"\n")
            file.writelines(encode(record(f"req-{n}")) + b"\n" for n in range(number))
    command = [sys.executable, "-c", PEAK, *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "4000 exchanges" in ended.stdout
    first, second = map(int, ended.stderr.split())  # kB
    assert second - first < 1024 < paths[1].stat().st_size / 1024 / 2
