"""The requests that are measured: each can be sent to either side again and again."""

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import NamedTuple

from benchmarks.bodies import allocations, inventories, reshape_of, uuids
from benchmarks.mutations import mutations
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


@cache
def requests(both: Subject) -> list[Request]:
    """What is sent. What it needs in Placement is made here, through the bare side, once."""
    provider = _provider(both, "benchmark")
    put_inventories = _put_inventories(provider)
    put_inventories(both.bare)  # what is read has something in it
    reads = {
        "GET /": "/",
        "GET provider": f"/resource_providers/{provider}",
        "GET providers": "/resource_providers?name=benchmark",
        "GET inventories": f"/resource_providers/{provider}/inventories",
        "GET usages": f"/resource_providers/{provider}/usages",
        "GET allocation candidates": "/allocation_candidates?resources=VCPU:1&limit=10",
    }
    return [
        *(Request(name, _get(path)) for name, path in reads.items()),
        Request("PUT inventories, 3 classes", put_inventories),
        Request("PUT allocations, 3 classes", _put_allocations(both)),
        *(Request(name, send, 2) for name, send in mutations(both).items()),
        Request(f"POST reshaper, {PROVIDERS} providers", _reshape(both), 20),
        # A large one whose first provider has moved on: Placement looks no further.
        *(
            Request(f"POST reshaper, {name}, stale generation", send, weight)
            for name, (send, weight) in _stale_reshapes(both).items()
        ),
        # As a client sends it that tries again and again.
        Request("PUT inventories, refused", _put_refused(_provider(both, "never written")), row=20),
        Request("PUT allocations, refused", _put_refused_claim(provider), row=20),
        Request("GET inventories, forbidden", _get_forbidden(provider), row=20),
    ]


def _get(path: str) -> Callable[[App], Answered]:
    return lambda app: _expect(200, call(app, "GET", path))


def _get_forbidden(provider: str) -> Callable[[App], Answered]:
    path = f"/resource_providers/{provider}/inventories"
    return lambda app: _expect(403, call(app, "GET", path, token="user:project", roles="reader"))


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


STALE = {"4 kB": (4, 1), "100 kB": (101, 10), "1 MB": (1010, 100), "7 MB": (7070, 1000)}
"""How many providers such a reshape writes, and how many small requests take as long."""


def _stale_reshapes(both: Subject) -> dict[str, tuple[Callable[[App], Answered], int]]:
    first = _provider(both, "stale")
    return {name: (_stale(first, count), weight) for name, (count, weight) in STALE.items()}


def _stale(first: str, count: int) -> Callable[[App], Answered]:
    random = Random(6)
    document = reshape_of(random, [first, *uuids(random, count - 1)], 2)
    document["inventories"][first]["resource_provider_generation"] = 12345
    raw = json.dumps(document).encode()
    return lambda app: _expect(409, call(app, "POST", "/reshaper", raw))


def _put_refused_claim(provider: str) -> Callable[[App], Answered]:
    [consumer] = uuids(Random(8), 1)
    document = allocations(Random(9), [provider], None)
    document["allocations"][provider] = {"resources": {"VCPU": -1}}
    raw = json.dumps(document).encode()
    return lambda app: _expect(400, call(app, "PUT", f"/allocations/{consumer}", raw))


def _provider(both: Subject, name: str) -> str:
    made = call(both.bare, "POST", "/resource_providers", json.dumps({"name": name}).encode())
    uuid: str = made.json["uuid"]
    return uuid


def _expect(status: int, answer: Answered) -> Answered:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.body.decode()}")
    return answer
