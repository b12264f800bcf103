"""In a reshape Placement reads each provider twice; in a guarded one the second time costs nothing.

The handler reads the providers of the inventories, and checks their generations; then those of the
allocations, one by one again. ``objects.reshaper.reshape`` puts the first in the place of the
second before anything is written, so what the second has read comes to nothing, but that it is
there. A provider that vanishes in between, which its lane does not allow, is a conflict when its
inventory is written. Source: ``placement.handlers.reshaper``, ``placement.objects.reshaper``,
openstack-placement 16.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

from placement.handlers import reshaper as handler
from placement.objects import reshaper
from placement.objects.resource_provider import ResourceProvider

from placement_guard.exchange import providers_read

_FIRST: Final = "affected_providers[rp.uuid] = rp"
_IN_PLACE: Final = "alloc.resource_provider = affected_providers[rp_uuid]"


def read_once() -> None:
    """Let the reads of a guarded reshape be handed on, each once."""
    own = vars(ResourceProvider)["get_by_uuid"].__func__
    ResourceProvider.get_by_uuid = classmethod(_handing(own))


def _handing(own: Callable[[Any, Any, str], Any]) -> Callable[[Any, Any, str], Any]:
    @wraps(own)
    def get_by_uuid(cls: Any, context: Any, uuid: str) -> Any:
        read = providers_read.get()
        if read is None:
            return own(cls, context, uuid)
        if uuid in read:
            return read.pop(uuid)
        found = own(cls, context, uuid)
        # As it was read: the handler changes what it gets.
        read[uuid] = copy.copy(found)
        return found

    return get_by_uuid


def reasons() -> Iterator[str]:
    """Why this cannot be done in the installed Placement."""
    own = vars(ResourceProvider).get("get_by_uuid")
    function = own.__func__ if isinstance(own, classmethod) else None
    takes = list(inspect.signature(function).parameters) if function is not None else []
    if takes != ["cls", "context", "uuid"]:
        yield "ResourceProvider.get_by_uuid takes other arguments"
    reshape = inspect.getsource(reshaper.reshape)
    if not 0 <= reshape.find(_FIRST) < reshape.find(_IN_PLACE):
        yield "a reshape takes its providers from somewhere else"
    if "rp_obj.ResourceProvider.get_by_uuid(" not in inspect.getsource(handler):
        yield "the reshape handler reads its providers in another way"
