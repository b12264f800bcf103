"""Settings: checked whole, every problem at once, each with an id that stays."""

import pytest
from oslo_config import cfg

from placement_guard import ConfigurationError, Guard, Settings, extras
from placement_guard.opts import OPTIONS, list_opts, settings_from
from placement_guard.rules import RULES, Mode


def ids(problems):
    return [problem.id for problem in problems]


def conf_of(tmp_path, text):
    file = tmp_path / "placement.conf"
    file.write_text(text)
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[str(file)], default_config_dirs=[])
    return conf


def test_the_defaults_can_be_used():
    assert Settings().problems() == []
    assert Settings().check() == Settings()


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"max_body_bytes": 0}, ["settings.max_body_bytes"]),
        ({"max_body_bytes": 2**40}, ["settings.max_body_bytes"]),
        ({"resend_attempts": 0}, ["settings.resend_attempts"]),
        ({"resend_seconds": 61.0}, ["settings.resend_seconds"]),
        (
            {"lane_width": 65, "lane_max_waiting": 0},
            ["settings.lane_width", "settings.lane_max_waiting"],
        ),
        ({"lane_directory": "lanes"}, ["settings.lane_directory"]),
        ({"coordination_url": "http://redis"}, ["settings.coordination_url"]),
        ({"coordination_url": "redis://:secret@redis:6379/0"}, []),
        ({"user_rate": "often"}, ["settings.user_rate"]),
        ({"user_rate": "100/second", "project_rate": "2000 per 5 minutes"}, []),
        ({"audit": "audit.jsonl"}, ["settings.audit"]),
        ({"audit": "log", "audit_max_bytes": 0}, []),
        ({"audit": "/var/log/placement/audit.jsonl"}, []),
        ({"audit_max_bytes": 1000}, ["settings.audit_max_bytes"]),
        ({"audit_max_bytes": -1}, ["settings.audit_max_bytes"]),
        (
            {"audit_kept_files": 0, "audit_queue": 1},
            ["settings.audit_kept_files", "settings.audit_queue"],
        ),
        ({"audit_notifications_url": "amqps:guest:s3cret@x"}, ["settings.audit_notifications_url"]),
        ({"audit_notifications_url": "rabbit://"}, ["settings.audit_notifications_url"]),
        ({"audit_notifications_url": "rabbit://guest:s3cret@host:5672/"}, []),
        ({"audit_notifications_topic": ""}, ["settings.audit_notifications_topic"]),
        ({"audit_notifications_topic": "a b"}, ["settings.audit_notifications_topic"]),
        ({"audit_notifications_driver": "log"}, ["settings.audit_notifications_driver"]),
        ({"capture_file": "capture.jsonl"}, ["settings.capture_file"]),
        ({"capture_file": "/var/log/placement/capture.jsonl", "capture_bodies": "none"}, []),
        (
            {"capture_max_bytes": 1024, "capture_kept_files": -1, "capture_bodies": "some"},
            [
                "settings.capture_max_bytes",
                "settings.capture_kept_files",
                "settings.capture_bodies",
            ],
        ),
        ({"metrics_port": 65536}, ["settings.metrics_port"]),
        ({"metrics_port": -1}, ["settings.metrics_port"]),
        ({"metrics_host": " "}, ["settings.metrics_host"]),
        ({"metrics_host": "", "metrics_port": 0}, []),
        ({"rules": {"json.duplicate_keys": "off"}}, ["settings.unknown_rule"]),
        ({"rules": {"json.duplicate_key": "maybe"}}, ["settings.unknown_mode"]),
        ({"rules": {"json.duplicate_key": "off", "reshape.exceeds_inventory": "enforce"}}, []),
        (
            {"max_body_bytes": -1, "metrics_port": -1, "metrics_host": ""},
            ["settings.max_body_bytes", "settings.metrics_port", "settings.metrics_host"],
        ),
    ],
)
def test_each_problem_is_found(changes, problems):
    assert ids(Settings(**changes).problems()) == problems


def test_a_guard_does_not_start_with_wrong_settings():
    with pytest.raises(ConfigurationError) as raised:
        Guard(lambda *_: [], Settings(max_body_bytes=1))
    assert ids(raised.value.problems) == ["settings.max_body_bytes"]
    assert "settings.max_body_bytes: [placement_guard] max_body_bytes: 1 is not" in str(
        raised.value
    )


def test_options_become_settings(tmp_path):
    conf = conf_of(
        tmp_path,
        "[placement_guard]\nobserve = yes\nmax_body_bytes = 4096\n"
        "rules = json.duplicate_key:warn, inventory.zero_ratio:off\n"
        "policy_on_reads = 1\nmetrics_host = ::1\nmetrics_port = 0\n",
    )
    assert settings_from(conf) == Settings(
        observe=True,
        max_body_bytes=4096,
        rules={"json.duplicate_key": "warn", "inventory.zero_ratio": "off"},
        policy_on_reads=True,
        metrics_host="::1",
        metrics_port=0,
    )


def test_an_option_for_each_setting_with_the_same_default():
    [(group, options)] = list_opts()
    assert group.name == "placement_guard"
    defaults = {option.name: option.default for option in options}
    values = {name: getattr(Settings(), name) for name in Settings.__struct_fields__}
    assert defaults == {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}
    assert all(option.help for option in OPTIONS)


def test_without_a_file_the_defaults_hold():
    conf = cfg.ConfigOpts()
    assert settings_from(conf) == Settings()


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    conf = conf_of(
        tmp_path,
        "[placement_guard]\nobseve = true\nmax_body_bytes = many\nmetrics_port = 70000\n"
        "observe = perhaps\nnothing_like_it_at_all = 1\n",
    )
    with pytest.raises(ConfigurationError) as raised:
        settings_from(conf)
    problems = {(p.id, p.option): p.text for p in raised.value.problems}
    assert set(problems) == {
        ("settings.unknown_option", "obseve"),
        ("settings.unknown_option", "nothing_like_it_at_all"),
        ("settings.unreadable", "observe"),
        ("settings.unreadable", "max_body_bytes"),
        ("settings.metrics_port", "metrics_port"),
    }
    assert problems["settings.unknown_option", "obseve"].endswith("did you mean observe?")
    assert str(tmp_path) in problems["settings.unknown_option", "obseve"]
    assert "did you mean" not in problems["settings.unknown_option", "nothing_like_it_at_all"]
    assert len(str(raised.value).splitlines()) == 5


def test_files_of_a_configuration_directory_are_looked_through_too(tmp_path):
    (tmp_path / "10-guard.conf").write_text("[placement_guard]\nmetrics_prt = 1\n")
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[str(tmp_path)])
    with pytest.raises(ConfigurationError) as raised:
        settings_from(conf)
    assert "did you mean metrics_port?" in str(raised.value)


def test_an_unknown_rule_is_told_with_the_nearest_known_ones():
    [problem] = Settings(rules={"inventory.negativ_ratio": "off"}).problems()
    assert "did you mean inventory.negative_ratio" in problem.text
    [problem] = Settings(rules={"zzz": "off"}).problems()
    assert problem.text == "there is no rule zzz"


def test_a_mode_is_the_default_one_unless_it_is_set():
    modes = Settings(rules={"json.duplicate_key": "off", "inventory.zero_ratio": "enforce"}).modes()
    assert modes["json.duplicate_key"] is Mode.OFF
    assert modes["inventory.zero_ratio"] is Mode.ENFORCE
    assert modes["json.not_finite"] is Mode.ENFORCE
    assert modes["inventory.min_above_max"] is Mode.WARN
    assert set(modes) == {rule.id for rule in RULES}


def test_observe_turns_every_enforce_into_warn():
    modes = Settings(observe=True, rules={"json.duplicate_key": "off"}).modes()
    assert modes["json.duplicate_key"] is Mode.OFF
    assert set(modes.values()) == {Mode.WARN, Mode.OFF}


def test_no_password_is_in_what_is_logged_of_settings():
    settings = Settings(coordination_url="redis://:hunter2@redis:6379/0")
    assert "hunter2" not in str(settings)
    [problem] = Settings(coordination_url="http://:hunter2@redis").problems()
    assert "hunter2" not in str(problem)


def test_what_is_wrong_with_a_message_bus_quotes_nothing_of_its_url(monkeypatch):
    [problem] = Settings(audit_notifications_url="amq://guest:s3cret@host/").problems()
    assert problem.text == (
        "is no transport URL of oslo.messaging; it begins with one of "
        "fake://, kafka://, kombu://, rabbit://"
    )
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    [problem] = Settings(audit_notifications_url="rabbit://guest:s3cret@host/").problems()
    assert problem.text == "needs the extra placement-guard[notifications]"


def test_no_password_is_written():
    told = str(
        Settings(
            coordination_url="redis://:s3cret@host/0",
            audit_notifications_url="rabbit://guest:s3cret@host/",
        )
    )
    assert "s3cret" not in told
    assert "coordination_url='...'" in told
    assert "audit_notifications_url='...'" in told
    assert "coordination_url=''" in str(Settings())
