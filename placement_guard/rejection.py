"""A refusal as a value. Expected refusals are never exceptions."""

from typing import Final

from msgspec import Struct

from placement_guard.api.conflicts import UNDEFINED_CODE
from placement_guard.rules import BY_ID, Rule

PLACEMENT_CODE: Final = UNDEFINED_CODE
"""The ``code`` of Placement's own refusals by content type, policy, schema and route."""


class Rejection(Struct, frozen=True):
    """Why a request is refused.

    ``detail`` is the message for the client; for a rule that Placement has too, it is Placement's
    wording, and empty where Placement says nothing beyond the status. ``path`` is the JSON path
    of what is wrong, or empty. ``policy`` is the rule of a policy file that decided, or empty.
    """

    rule: Rule
    detail: str
    path: str = ""
    policy: str = ""

    @property
    def code(self) -> str:
        """What ``errors[0].code`` says."""
        return PLACEMENT_CODE if self.rule.placement else f"placement_guard.{self.rule.id}"


def reject(rule: str, detail: str = "", path: str = "") -> Rejection:
    """A rejection by the rule with this id; without ``detail``, with the rule's own message."""
    known = BY_ID[rule]
    return Rejection(known, detail or known.message, path)
