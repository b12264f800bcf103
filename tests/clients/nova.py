"""What nova asks of Placement, and how it reads the answers, in our own words.

Facts: openstack/nova, nova/scheduler/client/report.py (SchedulerReportClient) at 33.0.0 and on
master in August 2026. nova sends through openstacksdk's adapter: a JSON body where there is one,
``Accept: application/json``, a microversion only where it names one, its own request id, and no
exception for a status.
"""

import copy

CLAIM, CONSUMERS, FLUSH, RESHAPE = "1.36", "1.28", "1.26", "1.30"
ATTEMPTS = 4
SHARING = "MISC_SHARES_VIA_AGGREGATE"
OUT_OF_BAND = "req-11111111-2222-4333-8444-555555555555"


def error(answer):
    """nova indexes without looking: an answer of another shape is an exception there."""
    return answer.json()["errors"][0]


def read_claim(answer):
    """Of a claim and of a move: claimed, again (a retry), stale (raised), refused (next host)."""
    if answer.status_code == 204:
        return "claimed"
    said = error(answer)
    if said["code"] != "placement.concurrent_update":
        return "refused"
    return "stale" if "consumer generation conflict" in said["detail"] else "again"


def read_inventory(answer):
    """Of PUT inventories: a 409 is in use, or stale and driven again; the rest fails this time."""
    if answer.status_code == 200:
        return "updated"
    if answer.status_code == 409:
        return "in use" if error(answer)["code"] == "placement.inventory.inuse" else "stale"
    return "refused"


def read_association(answer):
    """Of PUT traits and PUT aggregates, whose microversions have no code."""
    if answer.status_code == 200:
        return "updated"
    return "stale" if answer.status_code == 409 else "refused"


def read_new_provider(answer):
    """Of POST resource_providers, where a conflict that is not of names means: it exists."""
    if answer.ok:
        return "created"
    conflict = answer.status_code == 409
    if conflict and "Conflicting resource provider name:" not in answer.text:
        return "exists"
    return "refused"


def read_reshape(answer):
    """Of POST /reshaper: whatever is not driven again stops nova-compute when it starts."""
    if answer.ok:
        return "reshaped"
    if answer.status_code == 409 and error(answer)["code"] == "placement.concurrent_update":
        return "again"
    return "stop"


def read_release(answer):
    """Of DELETE allocations and PUT of none: a refusal is logged, and the allocation leaks."""
    if answer.ok:
        return "released"
    return "nothing there" if answer.status_code == 404 else "leaked"


def read_ensured(answer):
    """Of PUT traits/NAME and PUT resource_classes/NAME, sent without a body."""
    return "ensured" if answer.ok else "refused"


class Nova:
    """The requests. ``meanwhile`` is called between a read and the write that rests on it."""

    def __init__(self, adapter):
        self.adapter = adapter

    def send(self, method, path, body=None, version=None):
        given = {} if body is None else {"json": body}
        return self.adapter.request(
            path, method, microversion=version, global_request_id=OUT_OF_BAND, **given
        )

    def get(self, path, version=None):
        return self.send("GET", path, version=version)

    # The scheduler and the conductor.

    def candidates(self, query):
        found = self.get(f"/allocation_candidates?{query}", CLAIM).json()
        return found["allocation_requests"]

    def allocations(self, consumer):
        return self.get(f"/allocations/{consumer}", CONSUMERS).json()

    def claim(self, consumer, request, meanwhile=None):
        """Claim for an instance; where it has something already, the two are held together."""
        for _ in range(ATTEMPTS):
            body = copy.deepcopy(request)
            before = self.allocations(consumer)
            generation = None
            if before["allocations"]:
                generation = before["consumer_generation"]
                held = {
                    provider: {"resources": allocation["resources"]}
                    for provider, allocation in before["allocations"].items()
                }
                body = {"allocations": {**request["allocations"], **held}}
            body |= {
                "project_id": "project",
                "user_id": "user",
                "consumer_generation": generation,
            }
            if meanwhile is not None:
                meanwhile()
            read = read_claim(self.send("PUT", f"/allocations/{consumer}", body, CLAIM))
            if read != "again":
                return read
        return "given up"

    def put_back(self, consumer, change, meanwhile=None):
        """Read what a consumer holds, change it, and write all of it back, generations and all."""
        body = self.allocations(consumer)
        change(body["allocations"])
        if meanwhile is not None:
            meanwhile()
        return read_claim(self.send("PUT", f"/allocations/{consumer}", body, CONSUMERS))

    def move(self, source, target, meanwhile=None):
        """Let another consumer (a migration) hold what this one does."""
        holder, taker = self.allocations(source), self.allocations(target)
        whose = {key: holder[key] for key in ("project_id", "user_id")}
        if meanwhile is not None:
            meanwhile()
        body = {
            source: {
                "allocations": {},
                "consumer_generation": holder["consumer_generation"],
                **whose,
            },
            target: {
                "allocations": holder["allocations"],
                "consumer_generation": taker.get("consumer_generation"),
                **whose,
            },
        }
        return read_claim(self.send("POST", "/allocations", body, CONSUMERS))

    def release(self, consumer, meanwhile=None):
        """Write back nothing where something was."""
        body = self.allocations(consumer)
        if not body["allocations"]:
            return "nothing there"
        if meanwhile is not None:
            meanwhile()
        body["allocations"] = {}
        return read_release(self.send("PUT", f"/allocations/{consumer}", body, CONSUMERS))

    def force_release(self, consumer):
        return read_release(self.send("DELETE", f"/allocations/{consumer}"))

    # nova-compute.

    def create(self, provider, name, parent=None):
        body = {"uuid": provider, "name": name}
        if parent is not None:
            body["parent_provider_uuid"] = parent
        return read_new_provider(self.send("POST", "/resource_providers", body, "1.20"))

    def delete(self, provider):
        return self.send("DELETE", f"/resource_providers/{provider}").status_code

    def generation(self, provider):
        """The generation of a provider, read as after a reshape: with its inventories."""
        read = self.get(f"/resource_providers/{provider}/inventories").json()
        return read["resource_provider_generation"]

    def ensure_class(self, name):
        return read_ensured(self.send("PUT", f"/resource_classes/{name}", version="1.7"))

    def ensure_traits(self, names):
        known = self.get("/traits?name=in:" + ",".join(names), "1.6").json()["traits"]
        return [
            read_ensured(self.send("PUT", f"/traits/{name}", version="1.6"))
            for name in names
            if name not in known
        ]

    def put(self, provider, what, value, generation):
        """Replace a provider's inventories, traits or aggregates."""
        version, read = {
            "inventories": (FLUSH, read_inventory),
            "traits": ("1.6", read_association),
            "aggregates": ("1.19", read_association),
        }[what]
        body = {"resource_provider_generation": generation, what: value}
        return read(self.send("PUT", f"/resource_providers/{provider}/{what}", body, version))

    def reshape(self, inventories, allocations):
        body = {"inventories": inventories, "allocations": allocations}
        return read_reshape(self.send("POST", "/reshaper", body, RESHAPE))


def resources(provider, **amounts):
    """An allocation request on one provider."""
    return {"allocations": {provider: {"resources": amounts}}}


def inventory(total, **changes):
    """An inventory with every field, as nova's drivers give it."""
    return {
        "total": total,
        "reserved": 0,
        "min_unit": 1,
        "max_unit": total,
        "step_size": 1,
        "allocation_ratio": 1.0,
        **changes,
    }
