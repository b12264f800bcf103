"""The generated files are current, and the examples in them are what the guard refuses."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard
from placement_guard.outcome import Ending
from placement_guard.rules import RULES
from placement_guard.stages import ORDER


def _load():
    """tests/generated.py, wherever the tests run from."""
    path = Path(__file__).resolve().parent.parent / "generated.py"
    spec = importlib.util.spec_from_file_location("placement_guard_generated", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated = _load()


@pytest.mark.parametrize("path", generated.FILES)
def test_is_current(path):
    assert generated.is_current(path), f"{path} is not current: make samples"


@pytest.mark.parametrize("path", generated.FILES)
def test_names_no_place_on_this_machine(path):
    text = (generated.ROOT / path).read_text(encoding="utf-8")
    places = (str(generated.ROOT), sys.prefix, str(Path.home()) + "/")
    assert [place for place in places if place in text] == []


def test_check_lists_stale_files_and_changes_none(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "FILES", {"page.md": lambda: "new"})
    assert generated.main(["--check"]) == 1
    assert capsys.readouterr().out == "page.md\n"
    assert page.read_text(encoding="utf-8") == "old"
    assert generated.main([]) == 0
    assert page.read_text(encoding="utf-8") == "new"
    assert generated.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("noted", "known"),
    [
        pytest.param(generated.EXAMPLES, [rule.id for rule in RULES], id="rules"),
        pytest.param(generated.STAGES, ORDER, id="stages"),
        pytest.param(generated.OUTCOMES, list(Ending), id="outcomes"),
    ],
)
def test_what_is_noted_by_hand_is_about_what_there_is(noted, known):
    assert set(noted) == set(known)


def _environ(example):
    """The example as a server would hand it on."""
    text = example.request.replace("[[ ... ]]", "[" * 501 + "]" * 501)
    head, _, body = text.partition("\n\n")
    line, *headers = head.splitlines()
    method, path, _ = line.split()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body.encode()),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body.encode()))
    for header in headers:
        name, _, value = header.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    context = example.context
    if context is not None:
        environ["placement.context"] = (
            RequestContext(**context) if isinstance(context, dict) else context
        )
    return environ


def _served(_environ, start_response):
    start_response("204 No Content", [])
    return []


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_the_example_of_a_rule_is_refused_by_it(rule):
    guard = Guard(_served, registry=CollectorRegistry())
    environ = _environ(generated.EXAMPLES[rule.id])
    answers = []

    def start_response(status, headers, exc_info=None):
        answers.append((int(status[:3]), dict(headers).get("Placement-Guard")))

    if rule.id == "context.reused":
        guard({**environ}, start_response)
        assert answers.pop() == (204, None)
    guard(environ, start_response)
    assert answers == [
        (rule.status, f'decision=reject, stage="{rule.stage}", rule="{rule.id}"'),
    ]
