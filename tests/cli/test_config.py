"""``placement-guard config check``: every kind of problem, found in a directory that has it."""

import json
import os
import socket
import stat

import jsonschema
import pytest

from placement_guard import cli
from placement_guard.cli.config import places
from placement_guard.cli.config.kinds import KINDS, Severity

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["problems", "summary"],
    "properties": {
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["severity", "id", "where", "what", "advice"],
                "properties": {
                    "severity": {"enum": ["error", "warning", "note"]},
                    "id": {"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"},
                    "where": {"type": ["string", "null"]},
                    "what": {"type": "string"},
                    "advice": {"type": "string"},
                },
            },
        },
        "summary": {
            "type": "object",
            "required": ["directory", "error", "warning", "note"],
            "properties": {"directory": {"type": "string"}},
        },
    },
}


class Directory:
    """A configuration directory, and the command."""

    def __init__(self, path, capsys):
        self.path, self._capsys = path, capsys
        (path / "lanes").mkdir(mode=0o700)

    def write(self, text="", name="placement.conf", mode=0o600, **options):
        options = {"lane_directory": self.path / "lanes", "metrics_port": 0, **options}
        if "[placement_guard]" not in text and name == "placement.conf":
            lines = [f"{key} = {value}\n" for key, value in options.items() if value is not None]
            text += "\n[placement_guard]\n" + "".join(lines)
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return self

    def run(self, *more):
        code = cli.main(["config", "check", "--config-dir", str(self.path), *more])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def problems(self, *more):
        code, out, err = self.run("--format", "json", *more)
        told = json.loads(out)
        jsonschema.validate(told, SCHEMA)
        assert err == ""
        severities = [problem["severity"] for problem in told["problems"]]
        assert severities == sorted(severities, key=list(Severity).index)
        assert code == ("error" in severities)
        for problem in told["problems"]:
            if problem["id"] in KINDS:
                kind = KINDS[problem["id"]]
                assert (problem["severity"], problem["advice"]) == (kind.severity, kind.advice)
        return {problem["id"]: problem for problem in told["problems"]}


@pytest.fixture
def conf(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.delenv("OS_PLACEMENT_CONFIG_DIR", raising=False)
    return Directory(tmp_path, capsys)


def test_nothing_found(conf):
    assert conf.write().run() == (0, f"Nothing found in {conf.path}.\n", "")
    assert conf.problems() == {}


def test_all_problems_at_once_and_the_worst_first(conf):
    conf.write("[DEFAULT]\nrules = x\n", observe="true", metrics_port=70000)
    assert conf.run() == (
        1,
        (
            "error: settings.metrics_port: [placement_guard] metrics_port: 70000 is not a port (0 to "
            "65535, 0 for none)\n"
            "    what to do: Correct the option: Placement does not start with it.\n"
            f"warning: config.misplaced_option: {conf.path}/placement.conf: rules stands in [DEFAULT]\n"
            "    what to do: Move it to [placement_guard]: where it stands nobody reads it.\n"
            "note: settings.observing: [placement_guard] observe: it is on\n"
            "    what to do: Nothing is refused. Switch it off when nothing good is warned of any "
            "more.\n"
            f"\n1 error, 1 warning, 1 note in {conf.path}.\n"
        ),
        "",
    )


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--strict"], 1)], ids=["as it is", "strict"])
def test_a_warning_is_an_error_for_the_strict(conf, more, code):
    assert conf.write("[guard]\n").run(*more)[0] == code


def test_a_note_is_none_for_the_strict(conf):
    assert conf.write(observe="true").run("--strict")[0] == 0


def test_there_is_nothing_to_look_into(conf, monkeypatch):
    told = f"placement-guard config check: there is no {conf.path}/placement.conf; "
    code, out, err = conf.run()
    assert (code, out) == (2, "")
    assert err == told + "choose another --config-dir\n"


def test_the_directory_is_the_one_that_placement_takes(conf, monkeypatch, capsys):
    conf.write()
    monkeypatch.setenv("OS_PLACEMENT_CONFIG_DIR", f" {conf.path} ")
    assert cli.main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"Nothing found in {conf.path}.\n"


# Files -----------------------------------------------------------------------------------------


def test_a_line_that_is_none(conf):
    conf.write().write("[x\npassword=secret\n", "placement.conf.d/a.conf")
    told = conf.problems()
    assert told["config.unreadable"]["where"] == f"{conf.path}/placement.conf.d/a.conf"
    assert told["config.unreadable"]["what"] == "line 1: Invalid section (must end with ])"


def test_a_broken_line_is_not_quoted(conf):
    conf.write("[database]\n" + "hunter2\n")
    assert "hunter2" not in conf.run()[1]


def test_a_file_that_is_no_text(conf):
    conf.write()
    (conf.path / "placement.conf").write_bytes(b"[a]\nb = \xff\n")
    assert conf.problems()["config.unreadable"]["what"] == "it is not UTF-8"


def test_files_of_the_directory_count(conf):
    conf.write().write("[placement_guard]\nobserve = maybe\n", "placement.conf.d/b.conf")
    assert "settings.unreadable" in conf.problems()


@pytest.mark.parametrize("name", ["placement-guard", "PLACEMENT_GUARD", "placementguard", "guard"])
def test_a_section_that_is_nearly_ours(conf, name):
    told = conf.write(f"[{name}]\n").problems()["config.unlikely_section"]
    assert told["what"] == f"there is no section [{name}]; did you mean [placement_guard]?"


def test_sections_of_others_are_none_of_our_matter(conf):
    sections = ("placement", "placement_database", "oslo_policy", "keystone_authtoken", "cors")
    assert conf.write("".join(f"[{name}]\n" for name in sections)).problems() == {}


@pytest.mark.parametrize(
    "text",
    [
        "[placement_database]\nconnection = mysql+pymysql://placement:hunter2@db/placement\n",
        "[keystone_authtoken]\npassword = hunter2\n",
    ],
    ids=["in a URL", "by itself"],
)
def test_a_password_that_all_may_read(conf, text):
    told = conf.write(text, mode=0o644).problems()
    assert "hunter2" not in str(told)
    assert list(told) == ["config.secret_exposed"]
    assert conf.write(text, mode=0o640).problems() == {}


def test_all_may_read_a_file_without_one(conf):
    text = "[placement_database]\nconnection = sqlite:////var/lib/placement.db\n"
    assert conf.write(text, mode=0o644).problems() == {}


# Options ---------------------------------------------------------------------------------------


def test_every_problem_of_an_option_is_an_error(conf):
    told = conf.write(max_body_bytes="many", metrics_prt=1, rules="x:off").problems()
    assert set(told) == {
        "settings.unreadable", "settings.unknown_option", "settings.unknown_rule",
    }  # fmt: skip
    assert {problem["severity"] for problem in told.values()} == {"error"}


@pytest.mark.parametrize(
    ("resend", "count", "found"),
    [
        ("true", None, []),
        ("true", 3, ["placement.retry_ignored"]),
        ("false", None, ["placement.retry_inside"]),
        ("false", 3, ["placement.retry_inside"]),
        ("false", 1, []),
    ],
)
def test_who_tries_again(conf, resend, count, found):
    text = f"[placement]\nallocation_conflict_retry_count = {count}\n" if count else ""
    assert list(conf.write(text, resend=resend).problems()) == found


# Policy ----------------------------------------------------------------------------------------


def policy(conf, text, name="policy.yaml"):
    conf.write().write(text, name)
    return conf.problems()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        '"placement:usages": "role:reader"\n',
        '"mine": "role:a"\n"placement:usages": "rule:mine and not rule:admin_api"\n',
        '"placement:usages": "!"\n',
        '"placement:usages": ""\n',
        '"placement:usages": "@"\n',
        '"placement:usages": [["role:admin"], ["role:reader"]]\n',
    ],
    ids=["empty", "a remark", "a rule", "rules", "nobody", "nothing asked", "everybody", "lists"],
)
def test_a_policy_that_says_what_it_seems_to(conf, text):
    assert policy(conf, text) == {}


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("a: [\n", "policy_file.unreadable", "while parsing"),
        ("- a\n", "policy_file.unreadable", "it holds no rules by name"),
        ("a: 1\n", "policy_file.unreadable", "what a asks is no text"),
        ('"a": "role:admin and"\n', "policy_file.unparsable_rule", "'role:admin and'"),
        ('"a": "("\n', "policy_file.unparsable_rule", "'('"),
        ('"a": "rule:b"\n', "policy_file.undefined_rule", "there is no rule b"),
        ('"a": "not rule:b or @"\n', "policy_file.undefined_rule", "there is no rule b"),
        (
            '"a": "rule:b"\n"b": "role:x or rule:a"\n',
            "policy_file.undefined_rule",
            "it refers to itself: ",
        ),
        ('"a": "rule:a"\n', "policy_file.undefined_rule", "it refers to itself: a -> a"),
        (
            '"placement:reshaper:reshap": "@"\n',
            "policy_file.unknown_rule",
            "there is no such rule; did you mean placement:reshaper:reshape?",
        ),
    ],
    ids=lambda value: value.strip() if isinstance(value, str) else None,
)
def test_a_policy_that_does_not(conf, text, kind, what):
    told = policy(conf, text)
    assert list(told) == [kind]
    assert told[kind]["what"].startswith(what)


def test_a_policy_that_is_no_text(conf):
    conf.write()
    (conf.path / "policy.yaml").write_bytes(b"\xff")
    assert conf.problems()["policy_file.unreadable"]["what"] == "it is not UTF-8"


def test_a_policy_without_end(conf):
    told = policy(conf, "# " + "x" * 2**20)
    assert told["policy_file.unreadable"]["what"] == "it is larger than 1048576 bytes"


def test_the_files_of_a_directory_are_looked_at_too(conf):
    told = policy(conf, '"a": "("\n', "policy.d/10-a.yaml")
    assert told["policy_file.unparsable_rule"]["where"] == f"{conf.path}/policy.d/10-a.yaml: a"


def test_what_is_named_and_not_there(conf):
    conf.write("[oslo_policy]\npolicy_file = gone.yaml\npolicy_dirs = away\n")
    _, out, _ = conf.run()
    assert "policy_file.missing: [oslo_policy] policy_file: gone.yaml is not there" in out
    assert "policy_file.missing: [oslo_policy] policy_dirs: away is not there" in out


def test_target_policy_that_cannot_be_used(conf):
    conf.write(target_policy_file=conf.path / "t.yaml").write('"a": "no_such:x"\n', "t.yaml")
    told = conf.problems()["policy.unusable"]
    assert told["where"] == f"{conf.path}/t.yaml:1:7"
    (conf.path / "t.yaml").unlink()
    assert conf.problems()["policy.unusable"]["what"].startswith("cannot be read")


def test_what_of_target_policy_has_no_effect_or_is_worth_knowing(conf):
    options = {"target_policy_observe": "a*,b*", "break_glass_role": "fire"}
    conf.write(target_policy_file=conf.path / "t.yaml", **options).write('"a": "@"\n', "t.yaml")
    told = conf.problems()
    assert told["policy.observes_nothing"]["what"] == "no policy rule is like b*"
    assert told["policy.glass_can_be_broken"]["what"] == "fire"
    assert conf.write(**options).problems() == {}


# Places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (lambda path: path.chmod(0o777), "others may write to it; it needs mode 0700"),
        (lambda path: path.rmdir() or path.write_text(""), "it is a link or something else"),
        (lambda path: (path / "lanes").mkdir(), "Is a directory"),
        (
            lambda path: (path / "lanes").write_text("") or (path / "lanes").chmod(0o666),
            "others may",
        ),
    ],
    ids=["open to all", "a file", "a directory for the file", "a file that is open to all"],
)
def test_a_directory_of_lanes_that_cannot_be_used(conf, made, what):
    conf.write()
    made(conf.path / "lanes")
    told = conf.problems()["lanes.directory_unusable"]["what"]
    assert told.startswith(f"{conf.path}/lanes: ")
    assert what in told


def test_a_directory_of_lanes_is_not_made(conf):
    conf.write()
    (conf.path / "lanes").rmdir()
    assert conf.problems() == {}
    assert not (conf.path / "lanes").exists()
    conf.write(lane_directory=conf.path / "not" / "there")
    assert "cannot be made in" in conf.problems()["lanes.directory_unusable"]["what"]


def test_a_directory_of_lanes_in_use_is_fine(conf):
    conf.write()
    (conf.path / "lanes/lanes").touch(mode=0o600)
    assert conf.problems() == {}
    assert stat.S_IMODE((conf.path / "lanes/lanes").stat().st_mode) == 0o600


def test_a_directory_of_lanes_of_somebody_else(conf, monkeypatch):
    conf.write()
    monkeypatch.setattr(places.os, "geteuid", lambda: 12345)
    told = conf.problems()["lanes.directory_of_another"]
    assert told["what"] == f"{conf.path}/lanes belongs to user {os.getuid()}"


def test_without_lanes_there_need_be_no_directory(conf):
    conf.write(lanes="false")
    (conf.path / "lanes").chmod(0o777)
    assert conf.problems() == {}


def test_of_the_default_directories_one_is_enough(conf, monkeypatch):
    conf.write(lane_directory="")
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(conf.path))
    monkeypatch.setattr(places, "RUN", str(conf.path / "no" / "run"))
    assert conf.problems() == {}
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(conf.path / "no"))
    assert conf.run()[1].count("lanes.directory_unusable") == 2


def test_a_port_of_the_metrics(conf):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = conf.write(metrics_port=port).problems()
        assert told["metrics.port_taken"]["what"] == f"127.0.0.1:{port}: Address already in use"
    assert conf.problems() == {}


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_that_is_not_here(conf, host):
    told = conf.write(metrics_host=host, metrics_port=9).problems()
    assert told["metrics.address_unusable"]["what"].startswith(f"{host}:9: ")


def test_a_directory_of_the_metrics(conf, monkeypatch, tmp_path):
    conf.write()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert conf.problems() == {}
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "made"))
    assert conf.problems() == {}
    (tmp_path / "file").touch()
    for name in ("file", "no/where"):
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / name))
        told = conf.problems()["metrics.multiproc_dir"]
        assert told["what"] == f"{tmp_path}/{name}: it is no directory"


@pytest.mark.parametrize(
    ("option", "kind"),
    [("audit", "audit.file_unusable"), ("capture_file", "capture.file_unusable")],
)
def test_files_that_are_written(conf, tmp_path, option, kind):
    path = tmp_path / "written" / "lines"
    told = conf.write(**{option: path}).problems()
    assert told[kind]["what"] == f"{path}: {path.parent} is no directory"
    assert told[kind]["where"] == f"[placement_guard] {option}"
    path.parent.mkdir()
    assert conf.problems() == {}
    path.touch()
    assert conf.problems() == {}
    path.unlink()
    path.mkdir()
    assert conf.problems()[kind]["what"] == f"{path}: it is no regular file"
    assert conf.write(audit="log").problems() == {}


def test_redis_is_asked_where_it_was_said(conf):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        conf.write(coordination_url=f"redis://:hunter2@127.0.0.1:{port}/0")
        assert conf.problems() == {}
        told = conf.problems("--connect")["coordination.unreachable"]
    assert told["what"].startswith(f"redis://127.0.0.1:{port}/0: ConnectionError")
    assert "hunter2" not in str(told)


def test_what_is_wrong_is_not_looked_for(conf):
    conf.write(coordination_url="http://x", metrics_port=-1, lane_directory="here")
    assert set(conf.problems("--connect")) == {
        "settings.coordination_url", "settings.metrics_port", "settings.lane_directory",
    }  # fmt: skip


def test_the_database_is_not_touched(conf):
    conf.write(f"[placement_database]\nconnection = sqlite:///{conf.path}/placement.db\n")
    assert conf.problems() == {}
    assert not (conf.path / "placement.db").exists()
