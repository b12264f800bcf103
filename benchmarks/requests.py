"""The requests that are measured: each can be sent to either side again and again."""

import json
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from benchmarks.bodies import RESHAPES, allocations, inventories, reshape_of, uuids
from benchmarks.subject import Answered, App, Subject, call

PROVIDERS = 20
"""How many providers the reshape that is served writes."""


class Request(NamedTuple):
    """A request: its name, and how it is sent.

    weight
        How many of the small ones take as long as it.
    row
        How many go to one side before it is the other's turn.
    """

    name: str
    send: Callable[[App], Answered]
    weight: int = 1
    row: int = 1


def requests(both: Subject) -> list[Request]:
    """What is sent. What it needs in Placement is made here, through the bare side."""
    provider = _provider(both, "benchmark")
    return [
        Request("GET provider", _show(provider)),
        Request("PUT inventories, 3 classes", _put_inventories(provider)),
        # As a client sends it that tries again and again.
        Request("PUT inventories, refused", _put_refused(provider), row=20),
        Request("PUT allocations, 3 classes", _put_allocations(both)),
        Request(f"POST reshaper, {PROVIDERS} providers", _reshape(both), 20),
        Request("POST reshaper, 100 kB, stale generation", _stale_reshape(both), 10),
    ]


def _show(provider: str) -> Callable[[App], Answered]:
    return lambda app: _expect(200, call(app, "GET", f"/resource_providers/{provider}"))


def _put_inventories(provider: str) -> Callable[[App], Answered]:
    path = f"/resource_providers/{provider}/inventories"
    document = inventories(Random(1), 0)

    def send(app: App) -> Answered:
        answer = _expect(200, call(app, "PUT", path, json.dumps(document).encode()))
        # Each answer tells the generation that the next request has to name.
        document["resource_provider_generation"] = answer.json["resource_provider_generation"]
        return answer

    return send


def _put_refused(provider: str) -> Callable[[App], Answered]:
    path = f"/resource_providers/{provider}/inventories"

    def send(app: App) -> Answered:
        # At the provider's own generation: Placement would answer 409 before it saw the body.
        document = {"resource_provider_generation": generation(app)}
        document["inventories"] = {"VCPU": {"total": "4"}}
        return _expect(400, call(app, "PUT", path, json.dumps(document).encode()))

    found: list[int] = []

    def generation(app: App) -> int:
        if not found:  # what comes before may have changed it; nothing that is refused does
            found.append(call(app, "GET", path).json["resource_provider_generation"])
        return found[0]

    return send


def _put_allocations(both: Subject) -> Callable[[App], Answered]:
    provider = _provider(both, "claimed")
    document = inventories(Random(2), 0)
    document["inventories"] = {
        name: {"total": 1_000_000, "max_unit": 1_000_000} for name in document["inventories"]
    }
    path = f"/resource_providers/{provider}/inventories"
    _expect(200, call(both.bare, "PUT", path, json.dumps(document).encode()))
    [consumer] = uuids(Random(3), 1)
    body = allocations(Random(4), [provider], None)

    def send(app: App) -> Answered:
        raw = json.dumps(body).encode()
        answer = _expect(204, call(app, "PUT", f"/allocations/{consumer}", raw))
        body["consumer_generation"] = (body["consumer_generation"] or 0) + 1
        return answer

    return send


def _reshape(both: Subject) -> Callable[[App], Answered]:
    """Inventories of many providers, and what a consumer of each holds there."""
    providers = [_provider(both, f"reshaped {number}") for number in range(PROVIDERS)]
    document = reshape_of(Random(5), providers)

    def send(app: App) -> Answered:
        answer = _expect(204, call(app, "POST", "/reshaper", json.dumps(document).encode()))
        for provider, record in document["inventories"].items():
            path = f"/resource_providers/{provider}"
            record["resource_provider_generation"] = call(app, "GET", path).json["generation"]
        for consumer in document["allocations"].values():
            consumer["consumer_generation"] = (consumer["consumer_generation"] or 0) + 1
        return answer

    return send


def _stale_reshape(both: Subject) -> Callable[[App], Answered]:
    """A large one whose first provider has moved on: Placement looks no further."""
    first = _provider(both, "stale")
    random = Random(6)
    count = RESHAPES["c"][0] * 100 // 70
    document = reshape_of(random, [first, *uuids(random, count - 1)], 2)
    document["inventories"][first]["resource_provider_generation"] = 12345
    raw = json.dumps(document).encode()
    return lambda app: _expect(409, call(app, "POST", "/reshaper", raw))


def _provider(both: Subject, name: str) -> str:
    made = call(both.bare, "POST", "/resource_providers", json.dumps({"name": name}).encode())
    uuid: str = made.json["uuid"]
    return uuid


def _expect(status: int, answer: Answered) -> Answered:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.body.decode()}")
    return answer
