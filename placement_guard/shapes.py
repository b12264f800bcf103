"""The shapes of documents, for who reads one that may have any shape."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

_Found = TypeVar("_Found")

ODD: Final = (TypeError, AttributeError, LookupError, ValueError)
"""What an expression over an odd document raises."""


class UnreadableTargetError(Exception):
    """What a write is about cannot be told; the message says why, and quotes nothing of it."""


def same_uuid(uuid: str) -> str:
    """One spelling for all spellings of a UUID: a database may not tell them apart."""
    return uuid.replace("-", "").lower()


def held(body: Mapping[str, Any]) -> Mapping[str, Mapping[str, int]]:
    """Amounts by resource class by provider, of one consumer's body; a list below 1.12. ValueError
    where a provider stands there twice: one of the two would go unseen."""
    allocations = body["allocations"]
    if isinstance(allocations, list):
        named = [(item["resource_provider"]["uuid"], item["resources"]) for item in allocations]
    else:
        named = [(provider, item["resources"]) for provider, item in allocations.items()]
    if len(named) > 1 and len({same_uuid(provider) for provider, _ in named}) < len(named):
        raise ValueError("a provider stands there twice")
    return dict(named)


def of_mappings(found: Any) -> bool:
    """Whether it is a mapping of mappings. One of ODD where it is none at all."""
    for inner in found.values():  # noqa: SIM110  # a generator costs more than most documents
        if not isinstance(inner, dict):
            return False
    return True


def sound(find: Callable[[], Any], judge: Callable[[Any], bool]) -> Any:
    """What is found in a document, where it has the shape that it must have."""
    try:
        found = find()
        if judge(found):
            return found
    except ODD:
        pass
    raise UnreadableTargetError("the document is not as Placement's schema says")


class Once(Generic[_Found]):
    """A property that is found once and kept; ``functools.cached_property`` without its lock, which
    costs as much as what most of these find."""

    def __init__(self, find: Callable[[Any], _Found]) -> None:
        self._find, self._name = find, find.__name__
        self.__doc__ = find.__doc__

    def __get__(self, owner: Any, _class: Any = None) -> _Found:
        found = owner.__dict__[self._name] = self._find(owner)
        return found
