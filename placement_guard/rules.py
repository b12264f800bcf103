"""The catalogue of rules: every reason for which the guard refuses a request, or warns of it.

``placement`` says that Placement refuses such a request too, with the same status and wording;
the other rules are the guard's own, and their code is ``placement_guard.<rule>``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Mode(StrEnum):
    """What a broken rule leads to; a value of the ``mode`` metric label."""

    ENFORCE = "enforce"
    """The request is refused."""
    WARN = "warn"
    """The request goes on; it is counted, logged, and marked in the answer."""
    OFF = "off"
    """The rule is not asked."""


class Rule(Struct, frozen=True):
    """One named check.

    ``summary`` completes "refused, because ..."; ``message`` is for the client, where it is always
    the same. ``sound`` says that it never refuses what Placement would serve correctly; any other
    rule is an opinion. ``chosen`` says that an operator has written down what it refuses: it is
    enforced although it is none of the sound ones. ``wrong_pipeline`` says that only a wrong
    pipeline around the guard can break it. ``blamed`` says that it is asked after Placement has
    failed, and names the cause: what Placement leaves behind then is left. ``since`` is the
    version of the guard that brought it.
    """

    id: str
    stage: str
    status: int
    summary: str
    message: str = ""
    placement: bool = False
    sound: bool = True
    chosen: bool = False
    wrong_pipeline: bool = False
    blamed: bool = False
    since: str = "0.1.0"

    @property
    def default_mode(self) -> Mode:
        """What it leads to unless the operator says otherwise."""
        return Mode.ENFORCE if self.sound or self.chosen else Mode.WARN


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "context.missing",
        "identity",
        401,
        "no request context was made for it",
        message="The request has no context: nobody has been authenticated.",
        wrong_pipeline=True,
    ),
    Rule(
        "context.wrong_type",
        "identity",
        401,
        "its request context is none of oslo.context's",
        message="The context of the request is not one that can be trusted.",
        wrong_pipeline=True,
    ),
    Rule(
        "context.no_user",
        "identity",
        401,
        "its request context names no user",
        message="The context of the request names no user.",
    ),
    Rule(
        "context.not_confirmed",
        "identity",
        401,
        "keystone's middleware did not confirm the identity",
        message="The identity of the user is not confirmed.",
    ),
    Rule(
        "context.contradicts_headers",
        "identity",
        401,
        "its request context and keystone's headers name different identities",
        message="The context of the request and its identity headers disagree.",
        wrong_pipeline=True,
    ),
    Rule(
        "context.reused",
        "identity",
        401,
        "its request context has served another request",
        message="The context of the request has served another request.",
        wrong_pipeline=True,
    ),
    Rule(
        "http.content_length_invalid",
        "framing",
        400,
        "Content-Length is not an integer",
        placement=True,
    ),
    Rule(
        "http.content_type_missing",
        "framing",
        400,
        "there is a body without a Content-Type",
        placement=True,
    ),
    Rule("operation.unknown", "operation", 404, "no route of Placement matches it", placement=True),
    Rule(
        "http.content_type_unsupported",
        "content_type",
        415,
        "the body is not declared as application/json",
        placement=True,
    ),
    Rule("policy.forbidden", "gate_policy", 403, "the policy does not allow it", placement=True),
    Rule("query.undecodable", "query", 400, "the query string is not UTF-8"),
    Rule("query.unreadable_limit", "query", 400, "the first limit is not a positive integer"),
    Rule(
        "query.amount_too_large",
        "query",
        400,
        "the database cannot count up to an amount",
        blamed=True,
    ),
    Rule(
        "query.nul_character",
        "query",
        400,
        "the database takes no NUL character in a query",
        blamed=True,
    ),
    Rule(
        "path.nul_character",
        "query",
        400,
        "the database takes no NUL character in a path",
        blamed=True,
    ),
    Rule(
        "query.character_unsupported",
        "query",
        400,
        "the database cannot look for a character",
        blamed=True,
    ),
    Rule(
        "query.too_many_conditions",
        "query",
        400,
        "the database cannot join so many conditions",
        blamed=True,
    ),
    Rule(
        "query.prefix_too_long",
        "query",
        400,
        "the database cannot compare so long a prefix",
        blamed=True,
    ),
    Rule(
        "allocations.malformed_consumer",
        "path",
        400,
        "the consumer in the path is not a UUID",
        placement=True,
    ),
    Rule("path.trailing_newline", "path", 400, "the name of a trait ends in a line break"),
    Rule(
        "path.quoted_name",
        "path",
        400,
        "what is checked of the name of a resource class is not what is stored",
    ),
    Rule("body.too_large", "body", 413, "the body is larger than the limit"),
    Rule(
        "body.incomplete",
        "body",
        400,
        "the body ended too early",
        message="The body ended before it was complete.",
    ),
    Rule("json.malformed", "document", 400, "the body is not JSON", placement=True),
    Rule("document.invalid", "document", 400, "the body breaks its schema", placement=True),
    Rule("json.too_deep", "document", 400, "the body is nested too deeply"),
    Rule("json.duplicate_key", "document", 400, "a key stands twice in one object"),
    Rule("json.not_finite", "document", 400, "a number is not finite"),
    Rule("json.nul_character", "document", 400, "a string holds a NUL character"),
    Rule("json.lone_surrogate", "document", 400, "a string holds half a surrogate pair"),
    Rule(
        "inventory.unmatched_class",
        "document",
        400,
        "a key is no resource class, and escapes the schema with what it stands for",
    ),
    Rule("allocations.consumer_not_uuid", "document", 400, "a consumer in the body is not a UUID"),
    Rule(
        "allocations.fractional_amount",
        "document",
        400,
        "the database cannot add an amount that is written as a fraction",
        blamed=True,
    ),
    Rule(
        "allocations.consumer_in_other_case",
        "document",
        400,
        "the database knows the consumer in another spelling",
        blamed=True,
    ),
    Rule("document.trailing_newline", "document", 400, "a name ends in a line break"),
    Rule("document.too_long", "document", 400, "a string is longer than its column"),
    Rule("inventory.negative_capacity", "invariants", 400, "a reshape reserves more than there is"),
    Rule("inventory.negative_ratio", "invariants", 400, "an allocation ratio is negative"),
    Rule("inventory.capacity_overflow", "invariants", 400, "a capacity is not finite"),
    Rule(
        "inventory.zero_ratio",
        "invariants",
        400,
        "an allocation ratio of zero leaves nothing to be used",
        sound=False,
    ),
    Rule(
        "inventory.min_above_max",
        "invariants",
        400,
        "min_unit is above max_unit, so that no amount can be claimed",
        sound=False,
    ),
    Rule(
        "inventory.step_above_total",
        "invariants",
        400,
        "step_size is above total, so that no amount can be claimed",
        sound=False,
    ),
    Rule(
        "reshape.exceeds_inventory",
        "invariants",
        400,
        "the allocations of a reshape exceed its own inventory",
        sound=False,
    ),
    Rule(
        "policy.target_forbidden",
        "target_policy",
        403,
        "the operator's policy does not allow it with this payload",
        sound=False,
        chosen=True,
    ),
    Rule(
        "policy.not_evaluable",
        "target_policy",
        403,
        "a rule of the operator's policy cannot be evaluated",
        sound=False,
        chosen=True,
    ),
)

BY_ID: Final = {rule.id: rule for rule in RULES}
"""The rules by id."""

Modes = Mapping[str, Mode]
"""The mode of every rule, by id."""


def modes(changed: Mapping[str, Mode], *, observe: bool = False) -> Modes:
    """The mode of every rule, where ``changed`` holds those that are not the default."""
    found = {rule.id: changed.get(rule.id, rule.default_mode) for rule in RULES}
    if observe:
        return {i: Mode.WARN if m is Mode.ENFORCE else m for i, m in found.items()}
    return found
