"""A database server that stops, and comes back, under a guarded Placement with several workers."""

import time
import uuid

import pytest

from benchmarks.storm.calls import AWAY
from benchmarks.storm.run import contest, database
from benchmarks.storm.sides import GUARDED
from tests.database_servers import PACKAGES, found

WORKERS = 3

BACK_SECONDS = 5
"""How long after the return of the database every worker serves again."""


def claim(provider, consumer):
    body = {
        "allocations": {provider: {"resources": {"VCPU": 1}}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
    }
    return "PUT", f"/allocations/{consumer}", body, "1.36"


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_it_says_when_to_come_again_and_serves_soon_after_the_return(kind, api):
    api.require(found(kind), f"{PACKAGES[kind]}, and the extra 'fuzz'")
    with (
        database(kind, (GUARDED,), durable=False) as base,
        contest(base, (GUARDED,), WORKERS) as started,
    ):
        crew = started.crews[GUARDED.name]
        provider, consumers = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(20)]
        crew.ask("POST", "/resource_providers", {"name": "compute", "uuid": provider})
        inventories = {"VCPU": {"total": 64}}
        body = {"resource_provider_generation": 0, "inventories": inventories}
        crew.ask("PUT", f"/resource_providers/{provider}/inventories", body)
        kept = [consumers.pop() for _ in range(3)]
        for consumer in kept:
            crew.ask(*claim(provider, consumer))

        base.server.stop()
        for worker in crew.workers:
            for _ in range(8):  # more than opens the breaker
                answer = worker.ask(*claim(provider, consumers[0]))
                assert (answer.status, answer.kind) == (503, AWAY)
                assert "SQL" not in answer.detail

        base.server.start()
        back = time.monotonic()
        for worker in crew.workers:
            consumer = consumers.pop()
            while (answer := worker.ask(*claim(provider, consumer))).status == 503:
                assert answer.kind == AWAY
                assert time.monotonic() - back < BACK_SECONDS
                time.sleep(0.05)  # as long as a client would wait at least
            assert answer.status == 204
            kept.append(consumer)
        for consumer in kept:
            held = crew.ask("GET", f"/allocations/{consumer}").document["allocations"]
            assert held[provider]["resources"] == {"VCPU": 1}
