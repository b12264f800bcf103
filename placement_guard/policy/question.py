"""What a policy rule is asked about: one write, who sends it, and what is there before it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from oslo_context.context import RequestContext

from placement_guard.api.jsonpath import Path
from placement_guard.policy.before import Before
from placement_guard.shapes import Once
from placement_guard.target import Target

OF_CALLER: Final = (
    "user_id", "user_name", "user_domain_id", "user_domain_name",
    "project_id", "project_name", "project_domain_id", "project_domain_name",
    "domain_id", "domain_name", "system_scope", "roles", "is_admin_project",
    "service_user_id", "service_user_name", "service_project_id", "service_project_name",
    "service_roles",
)  # fmt: skip
"""What a rule can ask of the caller, as ``user_name:cyborg``: keystone's middleware vouches for it.
"""


class UnevaluableError(Exception):
    """A rule cannot be evaluated; the message says why, and quotes nothing that is secret."""


class Reason(NamedTuple):
    """Why a check did not pass: what is wrong, and where in the body."""

    what: str
    path: Path = ()


def _no_profiles() -> bool:
    raise UnevaluableError("profiles cannot be asked here")


def caller(context: RequestContext | None) -> dict[str, Any]:
    """What rules can ask of who sends a request."""
    return {name: getattr(context, name, None) for name in OF_CALLER}


class Question(Mapping[str, Any]):
    """One write, as rules see it.

    A mapping for ``%(name)s`` in a check, so that what the payload says can be compared with what
    the caller is, as in ``projects:%(project_id)s``.

    ``refused`` collects why checks did not pass. ``roles`` are the caller's, in lower case.
    ``in_profile`` says whether a profile of the caller's allows the write: the check ``profiles``.
    """

    def __init__(self, target: Target, creds: Mapping[str, Any], before: Before) -> None:
        self.target = target
        self.creds = creds
        self.before = before
        self.refused: list[Reason] = []
        self.roles = frozenset(map(str.lower, creds["roles"] or ()))
        self.in_profile: Callable[[], bool] = _no_profiles

    @Once
    def _names(self) -> Mapping[str, str]:
        return {
            "operation": self.target.operation,
            "microversion": self.target.microversion,
            **{name: self.creds[name] for name in OF_CALLER if isinstance(self.creds[name], str)},
        }

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
