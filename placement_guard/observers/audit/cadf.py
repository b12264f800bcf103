"""A record as an event of the Cloud Auditing Data Federation (DMTF DSP0262), made by pycadf.

Needs the extra ``placement-guard[notifications]``.
"""

import uuid
import warnings
from typing import Any, Final

from pycadf import attachment, cadftaxonomy, event, host, reason, resource

from placement_guard.observers.audit.record import HOST, Record, fields_of, line_of
from placement_guard.outcome import Ending

# Keystone chooses the ids of users, and not all of them are UUIDs.
warnings.filterwarnings("ignore", "Invalid uuid", UserWarning)

OBSERVER: Final = "service/placement-guard"
TARGET: Final = "service/compute/placement"
RECORD: Final = "placement-guard/audit"
"""The type of the attachment that holds the whole record."""

_ACTIONS: Final = {
    "GET": cadftaxonomy.ACTION_READ,
    "HEAD": cadftaxonomy.ACTION_READ,
    "POST": cadftaxonomy.ACTION_CREATE,
    "PUT": cadftaxonomy.ACTION_UPDATE,
    "DELETE": cadftaxonomy.ACTION_DELETE,
}
_UPDATING_POSTS: Final = frozenset({"allocations:manage", "reshaper:reshape"})
_GOOD: Final = frozenset({Ending.COMMITTED.value, Ending.SERVED.value})
_NOBODY: Final = "unknown"


def event_of(record: Record) -> dict[str, Any]:
    """The event, as it is sent. Its id is the same each time that it is made of this record."""
    found = event.Event(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, line_of(record))),
        eventTime=fields_of(record)["time"],
        action=_action(record),
        outcome=(
            cadftaxonomy.OUTCOME_SUCCESS
            if record.outcome in _GOOD
            else cadftaxonomy.OUTCOME_FAILURE
        ),
        initiator=_initiator(record),
        target=_target(record),
        observer=resource.Resource(id=HOST, typeURI=OBSERVER, name="placement-guard"),
        reason=_reason(record),
        name=record.operation,
    )
    found.add_attachment(attachment.Attachment(RECORD, fields_of(record), "record"))
    return found.as_dict()


def _action(record: Record) -> str:
    if record.operation in _UPDATING_POSTS:
        return cadftaxonomy.ACTION_UPDATE
    return _ACTIONS.get(record.method, cadftaxonomy.UNKNOWN)


def _initiator(record: Record) -> resource.Resource:
    user = record.user
    return resource.Resource(
        id=user.id or _NOBODY,
        typeURI=cadftaxonomy.ACCOUNT_USER,
        name=user.name,
        domain=user.domain_id,
        host=host.Host(address=record.address) if record.address else None,
    )


def _target(record: Record) -> resource.Resource:
    """The provider or the consumer, where there is one only; else the service."""
    for kind in ("providers", "consumers"):
        named = record.target.get(kind)
        if named is not None and named.count == 1 and named.values:
            return resource.Resource(id=named.values[0], typeURI=f"{TARGET}/{kind}")
    return resource.Resource(id="placement", typeURI=TARGET, name="placement")


def _reason(record: Record) -> reason.Reason:
    return reason.Reason(
        reasonType="HTTP",
        reasonCode=str(record.status),
        policyType="placement-guard rule" if record.rule else None,
        policyId=record.rule,
    )
