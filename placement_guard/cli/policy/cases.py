"""Files of cases: requests, and what a policy must say of them."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from placement_guard.policy.stored import Stored

MAX_CASES: Final = 10_000
"""How many cases a file has."""

Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class Who(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who asks: what keystone's middleware tells of a token.

    Of ids and names one is enough. ``domain`` is that of the user.
    """

    user_name: Text | None = None
    user_id: Text | None = None
    user_domain_id: Text | None = None
    project_name: Text | None = None
    project_id: Text | None = None
    system_scope: Text | None = None
    roles: list[Text] = []

    def context(self) -> dict[str, Any]:
        """The arguments of a request context."""
        return {
            "user_id": self.user_id or self.user_name,
            "user_name": self.user_name,
            "user_domain_id": self.user_domain_id or "default",
            "project_id": self.project_id or self.project_name,
            "project_name": self.project_name,
            "system_scope": self.system_scope,
            "roles": list(self.roles),
        }


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One request, and what is expected.

    ``who`` is a name of the file's, or a caller. ``request`` is ``METHOD /path``, or an operation.
    ``body`` is data, or text that is sent as it is. ``stored`` is what there is, instead of that of
    the file. ``rule`` is the policy rule that must decide.
    """

    case: Text
    who: Text | Who
    request: Text
    expect: Literal["allowed", "refused"]
    microversion: Annotated[str, Meta(pattern=r"^1\.[0-9]{1,3}$")] | None = None
    body: Any | UnsetType = UNSET
    stored: Stored | None = None
    rule: Text | None = None


class CaseFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file: who asks, by name; what is stored; the policy that it is about; the cases.

    ``policy`` names files or directories, from where the file is; the command may name others.
    """

    cases: Annotated[list[Case], Meta(min_length=1, max_length=MAX_CASES)]
    who: dict[str, Who] = field(default_factory=dict)
    stored: Stored | None = None
    policy: list[Text] = []

    def policies(self, path: Path) -> list[Path]:
        """Where the policy is, for a file at ``path``."""
        return [path.parent / name for name in self.policy]
