"""Which operation a path and a method mean: Placement's own router, as a table of segments.

Placement compiles each route to ``^...$`` (the Routes library), and Python's ``$`` also matches
before one trailing newline: ``POST /reshaper%0a`` is served. A matcher that missed such a path
would let it pass unseen, so this one has the same rule. Double and trailing slashes do not match.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from placement_guard.api.operations import OPERATIONS, UNMATCHED, Operation

Params = Mapping[str, str]
NO_PARAMS: Final[Params] = {}


class _Route:
    """One path template with its methods."""

    __slots__ = ("fixed", "methods", "named")

    def __init__(self, template: str) -> None:
        parts = template.split("/")
        self.fixed = tuple((i, p) for i, p in enumerate(parts) if not p.startswith("{"))
        self.named = tuple((i, p[1:-1]) for i, p in enumerate(parts) if p.startswith("{"))
        self.methods: dict[str, Operation] = {}

    def match(self, parts: list[str]) -> Params | None:
        for index, text in self.fixed:
            if parts[index] != text:
                return None
        found = {name: parts[index] for index, name in self.named}
        return found if all(found.values()) else None


class Router:
    """Finds the operation of a request. Built once; safe for threads."""

    def __init__(self, operations: Iterable[Operation] = OPERATIONS) -> None:
        routes: dict[str, _Route] = {}
        for operation in operations:
            route = routes.setdefault(operation.path, _Route(operation.path))
            route.methods[operation.method] = operation
        self._static: dict[str, _Route] = {p: r for p, r in routes.items() if "{" not in p}
        # Every template with a parameter begins with a fixed segment.
        self._by_shape: dict[tuple[int, str], list[_Route]] = {}
        for path, route in routes.items():
            if "{" in path:
                parts = path.split("/")
                self._by_shape.setdefault((len(parts), parts[1]), []).append(route)

    def match(self, path: str, method: str) -> tuple[bool, Operation, Params]:
        """Look up ``path`` (PATH_INFO, as WSGI spells it) and ``method``.

        Returns whether any route matches the path; the operation, or UNMATCHED where the path or
        the method is unknown; the path parameters, as Placement would see them.
        """
        route = self._static.get(path)
        params: Params | None = NO_PARAMS
        if route is None:
            route, params = self._search(path)
        if route is None or params is None:
            return False, UNMATCHED, NO_PARAMS
        return True, route.methods.get(method, UNMATCHED), params

    def _search(self, path: str) -> tuple[_Route | None, Params | None]:
        if path.endswith("\n"):
            static = self._static.get(path[:-1])
            if static is not None:
                return static, NO_PARAMS
        parts = path.split("/")
        if len(parts) < 3:
            return None, None
        # A parameter takes as little as it can: the last newline is left to "$", unless it is all
        # that the parameter has.
        if parts[-1].endswith("\n") and len(parts[-1]) > 1:
            parts[-1] = parts[-1][:-1]
        for route in self._by_shape.get((len(parts), parts[1]), ()):
            params = route.match(parts)
            if params is not None:
                return route, params
        return None, None
