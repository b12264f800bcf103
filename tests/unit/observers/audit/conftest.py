"""Records of exchanges that never were."""

import types

import pytest
from oslo_context.context import RequestContext

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.observers.audit.ended import Ended
from placement_guard.outcome import Ending, Outcome

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
INVENTORY = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 4}}}


def exchange(
    path=f"/resource_providers/{PROVIDER}/inventories",
    method="PUT",
    *,
    document=None,
    context=None,
    environ=(),
    version=(1, 39),
    **changes,
):
    """An exchange that has passed the document stage."""
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "REMOTE_ADDR": "192.0.2.7",
        "openstack.request_id": "req-7",
        **dict(environ),
    }
    return begin(given, Router()).extended(
        context=context or RequestContext(user_id="user", roles=["admin"], overwrite=False),
        version=version,
        document=document,
        **changes,
    )


def record_of(exchange, outcome, rejection):
    """The record of an exchange that ends now."""
    return Ended(exchange, outcome, rejection).record()


COMMITTED = Outcome(Ending.COMMITTED, 200, seconds=0.1)


@pytest.fixture
def made():
    """``made.exchange``, and ``made.records``: so many, each with its number as the request id."""

    def records(number, first=0):
        return [
            record_of(
                exchange(document=INVENTORY, environ={"openstack.request_id": f"req-{count}"}),
                COMMITTED,
                None,
            )
            for count in range(first, first + number)
        ]

    return types.SimpleNamespace(exchange=exchange, records=records, committed=COMMITTED)
