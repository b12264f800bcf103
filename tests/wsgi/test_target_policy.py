"""The target policy stage: what it answers, what it counts and logs, what it leaves alone."""

import io
import json
import logging
import sys
import threading

import pytest

from placement_guard import Settings
from placement_guard.policy import watch
from placement_guard.settings import ConfigurationError

A, C = "a0000000-0000-4000-8000-000000000000", "c0000000-0000-4000-8000-000000000000"
PUT = f"/resource_providers/{A}/inventories"
UPDATE = "resource_providers:inventories:update"
CYBORG = f'"profile:cyborg": "user_id:user"\n"cyborg:{UPDATE}": "resource_classes:CUSTOM_*"\n'


def inventories(*names):
    records = {name: {"total": 1} for name in names}
    return json.dumps({"resource_provider_generation": 0, "inventories": records}).encode()


@pytest.fixture
def policed(stand, tmp_path):
    """Sends a request through a guard with a policy of this text."""
    path = tmp_path / "policy.yaml"

    def ask(text, at=PUT, method="PUT", *, body=None, settings=None, **environ):
        path.write_text(text)
        settings = {"target_policy_file": str(path), **(settings or {})}
        body = inventories("VCPU") if body is None else body
        return stand.ask(at, method, body=body, settings=settings, **environ)

    return ask


def answered(answer):
    error = answer.json["errors"][0]
    return answer.status_int, error["code"], error["detail"]


def test_a_refusal_names_the_item_the_rule_and_the_place(stand, policed):
    answer = policed(CYBORG, body=inventories("CUSTOM_A", "VCPU"))
    assert answered(answer) == (
        403,
        "placement_guard.policy.target_forbidden",
        (
            f"Access was denied to this resource.\n\nPolicy does not allow {UPDATE} to be performed "
            "like this.\nresource class VCPU is not allowed by resource_classes:CUSTOM_*, by policy "
            f"rule cyborg:{UPDATE}: $.inventories.VCPU"
        ),
    )
    assert answer.headers["Placement-Guard"] == (
        'decision=reject, stage="target_policy", rule="policy.target_forbidden"'
    )
    assert stand.application.asked == []
    assert stand.rejections() == {"policy.target_forbidden": "enforce"}


def test_a_refusal_by_a_rule_without_a_payload_names_the_rule(policed):
    assert answered(policed('"everybody": "role:nobody"\n'))[2] == (
        f"Access was denied to this resource.\n\nPolicy does not allow {UPDATE} to be performed "
        "like this.\nnot allowed by policy rule everybody"
    )


def test_what_passes_reaches_placement_whole(stand, policed):
    answer = policed(CYBORG, body=inventories("CUSTOM_A"))
    assert answer.status_int == 204
    assert "Placement-Guard" not in answer.headers
    assert stand.application.asked == [("PUT", inventories("CUSTOM_A"))]


def test_a_rule_that_cannot_be_evaluated_refuses_and_is_counted(stand, policed):
    stand.application.error = RuntimeError("a secret of the database")
    answer = policed('"everybody": "dropped_classes:none"\n')
    assert answered(answer) == (
        403,
        "placement_guard.policy.not_evaluable",
        (
            f"Access was denied to this resource.\n\nPolicy does not allow {UPDATE} to be performed "
            "like this.\nwhat is stored could not be read (by policy rule everybody)"
        ),
    )
    assert stand.rejections() == {"policy.not_evaluable": "enforce"}
    assert stand.count("placement_guard_policy_reads_total", result="failed") == 1


READS = [
    ("200 OK", b'{"inventories": {}}', "found", 204),
    ("404 Not Found", b"", "missing", 204),
    ("200 OK", b"no JSON", "failed", 403),
    ("403 Forbidden", b"", "failed", 403),
    ("500 Internal Server Error", b"", "failed", 403),
]


@pytest.mark.parametrize("case", READS, ids=[f"{c[0]} {c[2]}" for c in READS])
def test_each_read_is_counted_by_what_came_of_it(stand, policed, monkeypatch, case):
    status, body, result, expected = case

    def application(environ, start_response):
        if environ["REQUEST_METHOD"] == "GET":
            start_response(status, [("Content-Type", "application/json")])
            return [body]
        start_response("204 No Content", [])
        return []

    monkeypatch.setattr(type(stand.application), "__call__", lambda _, *given: application(*given))
    assert policed('"everybody": "dropped_classes:none"\n').status_int == expected
    assert stand.count("placement_guard_policy_reads_total", result=result) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_are_not_judged(stand, policed, method):
    stand.application.answer = ("200 OK", [("Content-Type", "text/plain")], [])
    assert policed('"everybody": "!"\n', method=method, body=b"").status_int == 200


@pytest.mark.parametrize("path", ["/", ""], ids=["the root", "the empty path"])
def test_the_root_is_everybodys(policed, path):
    assert policed('"everybody": "!"\n', path, "POST", body=b"{}").status_int == 204


def test_what_placement_does_not_have_at_this_microversion_is_left_to_it(policed):
    version = {"HTTP_OPENSTACK_API_VERSION": "placement 1.29"}
    answer = policed('"everybody": "!"\n', "/reshaper", "POST", body=b"{}", **version)
    assert answer.status_int == 204


def test_who_may_break_the_glass_is_not_judged_counted_and_logged(stand, policed, caplog):
    settings = {"break_glass_role": "Emergency"}
    context = {"placement.context": stand.context(roles=["admin", "emergency"])}
    with caplog.at_level(logging.WARNING):
        answer = policed('"everybody": "!"\n', settings=settings, **context)
    assert answer.status_int == 204
    assert stand.count("placement_guard_break_glass_total", operation=UPDATE) == 1
    assert any("Glass broken" in record.getMessage() for record in caplog.records)


def test_nobody_breaks_the_glass_without_the_role(stand, policed):
    for roles, settings in (
        (["admin"], {"break_glass_role": "emergency"}),
        (["admin", ""], {"break_glass_role": ""}),
        (["admin", "emergency"], {}),
    ):
        context = {"placement.context": stand.context(roles=roles)}
        assert policed('"everybody": "!"\n', settings=settings, **context).status_int == 403


def test_a_refusal_at_the_gate_comes_first_with_the_glass_broken_too(stand, policed):
    context = {"placement.context": stand.context(roles=["emergency"])}
    answer = policed('"everybody": "@"\n', settings={"break_glass_role": "emergency"}, **context)
    assert 'rule="policy.forbidden"' in answer.headers["Placement-Guard"]


def test_an_observed_rule_warns_and_the_next_one_is_asked(stand, policed):
    text = f'"everybody": "max_providers:0"\n{CYBORG}'
    observed = {"target_policy_observe": ("everybody",)}
    answer = policed(text, body=inventories("CUSTOM_A"), settings=observed)
    assert answer.status_int == 204
    assert answer.headers["Placement-Guard"] == (
        'decision=warn, stage="target_policy", rule="policy.target_forbidden"'
    )
    assert stand.rejections() == {"policy.target_forbidden": "warn"}
    assert policed(text, settings=observed).status_int == 403


@pytest.mark.parametrize("patterns", [("cyborg:*",), ("*",), (f"cyborg:{UPDATE}",)], ids=str)
def test_an_observed_rule_of_a_profile_warns(policed, patterns):
    answer = policed(CYBORG, settings={"target_policy_observe": patterns})
    assert (answer.status_int, "decision=warn" in answer.headers["Placement-Guard"]) == (204, True)


def test_a_rule_that_is_not_observed_refuses(policed):
    answer = policed(CYBORG, settings={"target_policy_observe": ("nova:*", "cyborg")})
    assert answer.status_int == 403


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"rules": {"policy.target_forbidden": "warn"}}, True),
        ({"rules": {"policy.target_forbidden": "off"}}, False),
        ({"observe": True}, True),
    ],
    ids=["in mode warn", "in mode off", "in observe mode"],
)
def test_a_refusal_lets_pass_where_its_mode_says_so(stand, policed, settings, header):
    answer = policed(CYBORG, settings=settings)
    assert answer.status_int == 204
    assert ("Placement-Guard" in answer.headers) is header


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_without_a_context_nothing_is_allowed_whatever_the_rule_about_it(policed, mode):
    settings = {"rules": {"context.missing": mode}}
    answer = policed('"everybody": "@"\n', settings=settings, **{"placement.context": None})
    assert answered(answer)[:2] in {
        (403, "placement_guard.policy.not_evaluable"),
        (403, "placement.undefined_code"),  # the gate knows nobody either
    }


@pytest.mark.parametrize("rule", ["json.malformed", "document.invalid", "json.too_deep"])
def test_without_a_document_a_rule_about_it_does_not_pass(policed, rule):
    body = {"json.malformed": b"{", "document.invalid": b'{"inventories": 7}'}.get(
        rule, b'{"inventories":' + b"[" * 3000 + b"]" * 3000 + b"}"
    )
    settings = {"rules": dict.fromkeys(("json.malformed", "document.invalid", "json.too_deep", "json.not_finite"), "off")}  # fmt: skip
    answer = policed(CYBORG, body=body, settings=settings)
    assert answered(answer)[:2] == (403, "placement_guard.policy.not_evaluable")


def test_a_service_token_gives_no_role_to_who_sends_it(stand, policed):
    context = {"placement.context": stand.context(roles=["admin"], service_roles=["cyborg"])}
    text = '"profile:cyborg": "role:cyborg"\n"profile_of_others": "!"\n"cyborg:default": "@"\n'
    assert policed(text, **context).status_int == 403


def test_a_broken_policy_is_an_error_at_start_up_with_all_that_is_wrong(stand, tmp_path):
    (tmp_path / "a.yaml").write_text('"everybody": "resource_class:VCPU"\n')
    (tmp_path / "b.yaml").write_text('"a": 7\n"b": 7\n')
    with pytest.raises(ConfigurationError) as caught:
        stand.guard(target_policy_dirs=(str(tmp_path),))
    problems = caught.value.problems
    assert {problem.id for problem in problems} == {"policy.unusable"}
    assert [p.text.partition(": ")[0] for p in problems] == [
        f"{tmp_path}/b.yaml:1:6",
        f"{tmp_path}/b.yaml:2:6",
    ]


def test_without_a_policy_there_is_no_stage_and_no_state(stand):
    assert stand.guard().policy_state() is None
    assert Settings().has_target_policy is False


WHOLE = {n: f'"everybody": "role:whole"\n"only": "@"\n"x{n}": "resource_classes:CUSTOM_{n}"\n'
         f'"profile:c": "@"\n"c:default": "rule:x{n}"\n' for n in range(3)}  # fmt: skip
"""Whole policies that all let ``role:whole`` write a class of their own. Any piece of one of them, up
to the end of some line, is a policy too, and lets more pass."""


class Load:
    """Threads that send requests through a guard until they are told to stop."""

    def __init__(self, guard, context):
        self.guard, self.context = guard, context
        self.wrong, self.answers = [], set()
        self._stop, self._rounds = threading.Event(), threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self):
        logging.disable()  # of each refusal
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)  # more turns, and more ways to meet
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        sys.setswitchinterval(self._interval)
        logging.disable(logging.NOTSET)

    def wait(self):
        """Until another round of requests was answered."""
        assert self._rounds.acquire(timeout=10)

    def ask(self, name):
        body = inventories(name)
        environ = {
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": PUT,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
            "placement.context": self.context(roles=["admin", "whole"]),
        }
        told = []
        said = b"".join(self.guard(environ, lambda status, *_: told.append(status)))
        return int(told[0][:3]), said.decode()

    def _run(self):
        while not self._stop.is_set():
            for name in ("CUSTOM_0", "CUSTOM_1", "CUSTOM_2", "VCPU"):
                status, said = self.ask(name)
                self.answers.add((name, status))
                # Allowed by a whole policy, or refused by a whole policy that is another's.
                rules = {f"resource_classes:CUSTOM_{n}" for n in range(3)} - {
                    f"resource_classes:{name}"
                }
                by_rule = "c:default" in said and any(rule in said for rule in rules)
                if not (by_rule if status == 403 else status == 204 and name != "VCPU"):
                    self.wrong.append((name, status, said))
            self._rounds.release()


def test_a_policy_that_is_broken_mended_and_removed_under_load_is_never_half_read(stand, tmp_path):
    (path := tmp_path / "policy.yaml").write_text(WHOLE[0])
    guard = stand.guard(target_policy_file=str(path))
    # The time of the policy's watch: it passes when this test says so, the load goes on all along.
    files = dict(guard._journey)["target_policy"].files
    now = [files._clock()]
    files._clock = lambda: now[0]

    def look(load, seconds):
        now[0] += seconds
        load.ask("VCPU")
        with files._lock:  # whoever reads it now has done so
            pass

    def settle(load):
        for _ in range(3):
            look(load, max(watch.LOOK_SECONDS, watch.SETTLE_SECONDS))
        load.wait()

    with Load(guard, stand.context) as load:
        for number in range(100):
            text = WHOLE[number % 3]
            if number % 4 == 0:  # in place, and in pieces; somebody looks at each of them
                with path.open("w") as file:
                    for line in text.splitlines(keepends=True):
                        file.write(line)
                        file.flush()
                        look(load, watch.SETTLE_SECONDS / 3)
            elif number % 4 == 1:  # broken, and mended in place
                path.write_text(text + '"x": [')
                settle(load)
                path.write_text(text)
            elif number % 4 == 2:  # removed, and another moved into its place
                path.unlink()
                settle(load)
                (tmp_path / "new").write_text(text)
                (tmp_path / "new").replace(path)
            else:  # mistyped, and mended
                path.write_text(text.replace("resource_classes", "resource_class"))
                settle(load)
                path.write_text(text)
            settle(load)
            assert load.ask(f"CUSTOM_{number % 3}")[0] == 204  # the new one is in force
    assert load.wrong == []
    classes = ["CUSTOM_0", "CUSTOM_1", "CUSTOM_2"]
    assert load.answers == {("VCPU", 403), *((n, s) for n in classes for s in (204, 403))}
    assert guard.policy_state().problems == ()
    assert stand.count("placement_guard_policy_reloads_total", result="loaded") == 100
    assert stand.count("placement_guard_policy_reloads_total", result="broken") == 75
    assert stand.count("placement_guard_policy_broken") == 0
