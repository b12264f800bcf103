"""A mix of good, bad and conflicting traffic, that shows something on every panel."""

import itertools
import json
import time
import uuid

ROLES = "admin,service,member,reader"
CYBORG = "admin,cyborg"
BREAKER = "admin,cyborg,breaker"

POLICY = (
    '"profile:cyborg": "role:cyborg"\n'
    '"cyborg:default": "!"\n'
    '"cyborg:resource_providers:inventories:update": "resource_classes:* and max_shrink:50%"\n'
)
"""Its rule asks for what is stored, and refuses what the load sends."""

PROVIDER = str(uuid.UUID(int=0xA0))


class Load:
    """Sends it to workers, one round after the other."""

    def __init__(self, workers):
        self.workers = workers
        self.numbers = itertools.count(1)
        self.statuses = set()

    def ask(self, path, method="GET", body=None, version="1.39", roles=ROLES):
        status = self.workers.ask(
            path, method, body, X_Roles=roles, OpenStack_API_Version=f"placement {version}"
        )
        self.statuses.add((method, path.split("/")[1], status))
        return status

    def begin(self):
        """What the rounds need."""
        self.ask("/resource_providers", "POST", {"name": "one", "uuid": PROVIDER})
        self.generation = 0
        self.inventory(100)

    def inventory(self, total, generation=None, **more):
        body = {
            "resource_provider_generation": self.generation if generation is None else generation,
            "inventories": {"VCPU": {"total": total, **more}},
        }
        return self.ask(f"/resource_providers/{PROVIDER}/inventories", "PUT", body)

    def claim(self, amount, consumer, version="1.39"):
        body = {
            "allocations": {PROVIDER: {"resources": {"VCPU": amount}}},
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        if version < "1.38":
            del body["consumer_type"]
        if version < "1.28":
            del body["consumer_generation"]
        return self.ask(f"/allocations/{consumer}", "PUT", body, version)

    def round(self):
        number = next(self.numbers)
        consumer = str(uuid.UUID(int=number + 1_000))
        shown = f"/resource_providers/{PROVIDER}"
        self.ask(shown)
        self.ask("/resource_providers?limit=x")
        self.ask("/allocation_candidates?resources=VCPU:1&limit=5")
        self.ask(shown + "/inventories", version="1.0")
        # Good, conflicting and bad writes.
        self.claim(1, consumer)
        self.claim(1, str(uuid.UUID(int=number + 900_000)), "1.12")
        self.claim(1, consumer)  # a generation that is old by now
        self.claim(1_000, str(uuid.UUID(int=number + 500_000)))  # more than there is
        self.ask(f"/allocations/{consumer}", "DELETE")
        self.inventory(100, generation=999_999)
        self.inventory(100, min_unit=50, max_unit=10)
        self.inventory(10, reserved=20)
        self.ask("/resource_providers", "POST", {"name": 5})
        self.ask("/resource_providers", "POST", {"name": "a\0b"})
        self.ask("/nowhere", "POST", {})
        self.ask("/resource_providers", "POST", {"name": "x"}, roles="nobody")
        # Target policy, and who breaks its glass.
        body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 1}}}
        self.ask(shown + "/inventories", "PUT", body, roles=CYBORG)
        self.ask("/traits/CUSTOM_GLASS", "PUT", roles=BREAKER)

    def run(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.round()
            time.sleep(0.05)

    def __repr__(self):
        return json.dumps(sorted(self.statuses))
