"""The other mutating operations: what each needs is made before it is sent, and undone after."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from benchmarks.bodies import uuids
from benchmarks.subject import Answered, App, Subject, call

PROVIDER = "changed"
"""The name of the provider that is written to."""

RECORD = {"total": 1_000_000, "max_unit": 1_000_000}


class Call(NamedTuple):
    """One request: what its body is may depend on what is stored."""

    method: str
    path: str
    body: Callable[[App], Any] | None = None

    def __call__(self, app: App) -> Answered:
        raw = b"" if self.body is None else json.dumps(self.body(app)).encode()
        answer = call(app, self.method, self.path, raw)
        if answer.status >= 300:
            raise RuntimeError(f"{self.method} {self.path}: {answer.status} {answer.body.decode()}")
        return answer


def mutations(both: Subject) -> dict[str, Callable[[App], Answered]]:
    """Each by its name, to be sent to either side again and again."""
    provider, other, consumer = uuids(Random(7), 3)
    at = f"/resource_providers/{provider}"

    def generation(app: App) -> int:
        return call(app, "GET", at).json["generation"]

    def stored(**fields: Any) -> Callable[[App], Any]:
        return lambda app: {"resource_provider_generation": generation(app), **fields}

    def claim(_app: App) -> Any:
        return {
            "allocations": {provider: {"resources": {"VCPU": 1}}},
            "project_id": consumer,
            "user_id": consumer,
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }

    def fixed(value: Any) -> Callable[[App], Any]:
        return lambda _app: value

    made = Call("POST", "/resource_providers", fixed({"name": "made", "uuid": other}))
    unmade = Call("DELETE", f"/resource_providers/{other}")
    renamed = Call("PUT", at, fixed({"name": PROVIDER}))
    record = {"resource_class": "DISK_GB", **RECORD}
    added = Call("POST", f"{at}/inventories", stored(**record))
    changed = Call("PUT", f"{at}/inventories/VCPU", stored(**RECORD))
    dropped = Call("DELETE", f"{at}/inventories/DISK_GB")
    traits = Call("PUT", f"{at}/traits", stored(traits=["HW_CPU_X86_AVX", "HW_CPU_X86_AVX2"]))
    no_traits = Call("DELETE", f"{at}/traits")
    grouped = Call("PUT", f"{at}/aggregates", stored(aggregates=[other]))
    claimed = Call("PUT", f"/allocations/{consumer}", claim)
    managed = Call("POST", "/allocations", lambda app: {consumer: claim(app)})
    released = Call("DELETE", f"/allocations/{consumer}")
    new_class = Call("PUT", "/resource_classes/CUSTOM_MEASURED")
    no_class = Call("DELETE", "/resource_classes/CUSTOM_MEASURED")
    new_trait = Call("PUT", "/traits/CUSTOM_MEASURED")
    no_trait = Call("DELETE", "/traits/CUSTOM_MEASURED")

    found: dict[str, tuple[Call | None, Call, Call | None]] = {
        "POST provider": (None, made, unmade),
        "PUT provider": (None, renamed, None),
        "DELETE provider": (made, unmade, None),
        "POST inventory": (None, added, dropped),
        "PUT inventory": (None, changed, None),
        "DELETE inventory": (added, dropped, None),
        "PUT traits of a provider": (None, traits, None),
        "DELETE traits of a provider": (traits, no_traits, None),
        "PUT aggregates": (None, grouped, None),
        "POST allocations": (None, managed, released),
        "DELETE allocations": (claimed, released, None),
        "PUT resource class": (None, new_class, no_class),
        "DELETE resource class": (new_class, no_class, None),
        "PUT trait": (None, new_trait, no_trait),
        "DELETE trait": (new_trait, no_trait, None),
    }
    Call("POST", "/resource_providers", fixed({"name": PROVIDER, "uuid": provider}))(both.bare)
    Call("PUT", f"{at}/inventories", stored(inventories={"VCPU": RECORD}))(both.bare)
    return {name: _sent(*steps) for name, steps in found.items()}


def _sent(before: Call | None, measured: Call, after: Call | None) -> Callable[[App], Answered]:
    def send(app: App) -> Answered:
        if before is not None:
            before(app)
        answer = measured(app)
        if after is not None:
            after(app)
        return answer

    return send
