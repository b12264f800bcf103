"""The same traffic twice, live, by two configurations; and by a replay of the first recording.

What the replay says must be what the second live run shows, exchange by exchange. Each request
meets the same cloud: the database is put back after each. A configuration is the sections of a
``placement.conf``, and files beside it by name, so that any policy is just another one.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from placement_guard.api.operations import READING_METHODS
from placement_guard.cli.replaying import judge_of
from placement_guard.recording.lines import Record
from placement_guard.replay.differences import Change, changes, same_blame
from placement_guard.replay.judge import Decision, Verdict, recorded
from placement_guard.replay.reading import Reader
from tests.conftest import placement_of_its_own, read_conf, write_conf
from tests.differential import cloud, database
from tests.differential.cloud import Cloud, fixed
from tests.differential.generate import Generator
from tests.differential.requests import Request, environ

USERS = (
    ("admin", "admin,service,member,reader"),
    ("nova:service", "service"),
    ("cyborg:service", "service,reader"),
    ("demo:demo", "member,reader"),
    ("nobody:demo", ""),
)
"""Tokens of noauth2 and roles, by turns."""

STRICTER_POLICY = """\
"placement:resource_providers:inventories:update": "role:admin or user_id:nova"
"placement:allocations:update": "role:service and project_id:%(project_id)s and not user_id:cyborg"
"placement:traits:update": "!"
"placement:usages": "role:admin"
"placement:resource_classes:create": "role:member"
"""


class Configuration(NamedTuple):
    """Sections of a placement.conf, and the texts of files beside it; {here} is where they are."""

    sections: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    files: Mapping[str, str] = MappingProxyType({})

    def write(self, directory: Path, **more: Any) -> Path:
        directory.mkdir(exist_ok=True)
        for name, text in self.files.items():
            (directory / name).write_text(text)
        told: dict[str, dict[str, Any]] = {
            section: {k: v.replace("{here}", str(directory)) for k, v in options.items()}
            for section, options in self.sections.items()
        }
        told["placement_guard"] = {**told.get("placement_guard", {}), **more}
        return write_conf(directory, **told)


BASE = Configuration()

STRICTER = Configuration(
    {
        "placement_guard": {
            "max_body_bytes": "1024",
            "policy_on_reads": "true",
            "rules": "inventory.min_above_max:enforce,inventory.zero_ratio:enforce,"
            "inventory.step_above_total:off,json.duplicate_key:warn,reshape.exceeds_inventory:enforce",
        },
        "oslo_policy": {"policy_file": "{here}/policy.yaml"},
    },
    {"policy.yaml": STRICTER_POLICY},
)


TARGET_POLICY = """\
"profile:cyborg": "user_id:cyborg"
"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_*"
"cyborg:resource_providers:traits:update": "traits:CUSTOM_*"
"cyborg:resource_providers:create": "@"
"cyborg:default": "!"
"profile:nova": "user_id:nova"
"nova:allocations:update": "max_providers:1 and projects:project1,%(project_id)s"
"nova:allocations:manage": "max_consumers:1 and consumer_types:INSTANCE"
"nova:resource_providers:inventories:update": "max_total:*=16 or max_shrink:50%"
"nova:resource_providers:delete": "owner:NOVA"
"nova:default": "max_providers:1"
"profile_of_others": "role:admin"
"everybody:traits:delete": "traits:!CUSTOM_FAST,*"
"""

TARGETED = Configuration(
    {
        "placement_guard": {
            "target_policy_file": "{here}/target.yaml",
            "target_policy_observe": "nova:allocations:manage,cyborg:resource_providers:traits:update",
        },
    },
    {"target.yaml": TARGET_POLICY},
)
"""The same, with a policy that sees the payload: some rules ask for what is stored."""

CONFIGURATIONS = {"stricter": STRICTER, "targeted": TARGETED}


def odd_requests() -> Iterator[Request]:
    """What the stream of requests has little of: opinions, large bodies, providers that are not."""
    node, nowhere = fixed("node1"), fixed("nowhere")
    for change in ({"min_unit": 9, "max_unit": 8}, {"step_size": 99}, {"allocation_ratio": 0.0}):
        record = {"total": 16, **change}
        yield _put(
            node,
            "inventories",
            {"resource_provider_generation": 3, "inventories": {"VCPU": record}},
        )
    many = {f"CUSTOM_C{number}": {"total": number + 1} for number in range(60)}
    yield _put(node, "inventories", {"resource_provider_generation": 3, "inventories": many})
    for provider in (node, nowhere):
        yield _put(
            provider, "aggregates", {"aggregates": "none", "resource_provider_generation": 3}
        )
        yield _put(provider, "aggregates", {"aggregates": [], "resource_provider_generation": 3})
    claim = {
        "allocations": {
            node: {"resources": {"VCPU": 1}},
            fixed("shared"): {"resources": {"DISK_GB": 10}},
        },
        "project_id": "project1",
        "user_id": "user1",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }
    small = {**claim, "allocations": {node: {"resources": {"VCPU": 1}}}}
    for body in (claim, small, {**small, "project_id": "project2"}):
        yield _sent("PUT", f"/allocations/{fixed('new1')}", body)
    yield _sent("POST", "/allocations", {fixed("new1"): small, fixed("new2"): small})
    for traits in (["CUSTOM_FAST"], ["HW_CPU_X86_AVX2"]):
        yield _put(node, "traits", {"traits": traits, "resource_provider_generation": 3})
    twice = b'{"name": "a", "name": "b"}'
    yield Request(method="POST", path="/resource_providers", body=twice)
    yield Request(method="POST", path="/resource_providers", body=twice, content_type="text/plain")
    yield Request(method="GET", path="/usages", query="project_id=%ff")
    yield Request(
        method="GET", path="/allocation_candidates", query="resources=VCPU:1&limit=0&limit=1"
    )
    yield Request(method="POST", path="/reshaper", body=b"{}", minor=12)
    yield Request(method="PUT", path="/", body=b"{}")


def _put(provider: str, what: str, body: Any) -> Request:
    return _sent("PUT", f"/resource_providers/{provider}/{what}", body)


def _sent(method: str, path: str, body: Any) -> Request:
    return Request(method=method, path=path, body=json.dumps(body).encode())


class Live:
    """A guarded Placement in this process; ``send`` one request, after which all is as before."""

    def __init__(self, path: Path) -> None:
        from placement import db_api

        from placement_guard.guard import Guard
        from placement_guard.placement import _find, loadapp

        conf = read_conf(path)
        conf.set_override("sqlite_synchronous", False, "placement_database")
        db_api.configure(conf)
        self._app = loadapp(conf, registry=CollectorRegistry())
        self.recorder = _find(self._app, Guard).recorder
        for step in cloud.steps():
            self._call({**environ(step)})
        self._state = database.State(db_api.get_placement_engine())
        self.world = Cloud(self._state.lines)

    def send(self, number: int, request: Request) -> None:
        token, roles = USERS[number % len(USERS)]
        self._call({**environ(request), "HTTP_X_AUTH_TOKEN": token, "HTTP_X_ROLES": roles})
        if request.method not in READING_METHODS:
            self._state.settle()

    def _call(self, given: dict[str, Any]) -> None:
        answer = self._app(given, lambda *_: lambda _: None)
        with contextlib.closing(answer) if hasattr(answer, "close") else contextlib.nullcontext():
            b"".join(answer)


def live(
    directory: Path,
    configuration: Configuration,
    number: int,
    *,
    seed: int = 1,
    told: Callable[[int], None] = lambda _number: None,
    **capture: Any,
) -> Path:
    """Send ``number`` requests; returns the recording. The cloud itself is made before."""
    recording = directory / "capture.jsonl"
    path = configuration.write(directory, capture_file=recording, **capture)
    with placement_of_its_own():
        side = Live(path)
        side.recorder.flush(60)
        recording.unlink()
        make, odd = Generator(side.world, seed), list(odd_requests())
        for at in range(number):
            rows = len(odd) * len(USERS)
            side.send(at, odd[at // len(USERS)] if at < rows else make(at))
            if at % 200 == 0:
                told(at)
                side.recorder.flush(60)
        side.recorder.close()
    return recording


class Compared(NamedTuple):
    """One exchange: what was recorded, what the replay says, what the second live run said."""

    first: Record
    judged: Verdict
    lived: Verdict
    replay_changes: list[Change]
    live_changes: list[Change]

    @property
    def agrees(self) -> bool:
        if Decision.UNDECIDED in (self.judged.decision, self.lived.decision):
            return True
        return self.judged == self.lived and self.replay_changes == self.live_changes


def compared(first: Path, second: Path, configuration: Path) -> Iterator[Compared]:
    """Both recordings side by side, and what a replay of the first by ``configuration`` says."""
    judge = judge_of(configuration.parent)
    reader, other = Reader(), Reader()
    with first.open("rb") as one, second.open("rb") as two:
        pairs = zip(reader.records(one, "first"), other.records(two, "second"), strict=True)
        for record, after in pairs:
            header = reader.headers[record.by]
            judged, lived = judge(record, header), recorded(after)
            same = same_blame(header.modes, judge.modes)
            before = recorded(record)
            yield Compared(
                record,
                judged,
                lived,
                changes(record, before, judged, same=same),
                changes(record, before, lived, same=same),
            )
