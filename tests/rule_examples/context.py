"""Rules of the stage ``identity``."""

from typing import Final

from tests.rule_examples.example import ADMIN, Example

_READ: Final = "GET /resource_providers HTTP/1.1"
_PIPELINE: Final = (
    "Look at the pipeline: the guard belongs right behind Placement's context and microversion "
    "middleware. One of the [ways in](../ways-in.md) puts it there. The log says it once, at ERROR."
)
_MADE: Final = "`placement.context` is a request context that names the user `nova`."

CONTEXT: Final = {
    "context.missing": Example(
        refused=_READ,
        accepted=_READ,
        bare="Placement's handlers take the context from environ. Without one they fail: 500.",
        advice=_PIPELINE,
        more="`/` and the empty path answer everybody, and are not asked about.",
        given="`placement.context` is not in environ.",
        given_right=_MADE,
        context=None,
    ),
    "context.wrong_type": Example(
        refused=_READ,
        accepted=_READ,
        bare="Placement asks the context for the user's rights. One that is no request context of "
        "`oslo.context` fails (500), or answers in a way of its own.",
        advice=_PIPELINE,
        given="`placement.context` is a string.",
        given_right=_MADE,
        context="nova",
    ),
    "context.no_user": Example(
        refused=_READ,
        accepted=_READ,
        bare="Placement serves it where the roles of the context are enough: it does not ask for a "
        "user.",
        advice="Look at the token: keystone named no user for it. A context that the client could "
        "shape is a hole in the authentication in front of Placement.",
        given="`placement.context` is a request context whose `user_id` is None.",
        given_right=_MADE,
        context={"roles": ["admin"]},
    ),
    "context.not_confirmed": Example(
        refused=f"{_READ}\nX-Identity-Status: Invalid",
        accepted=f"{_READ}\nX-Identity-Status: Confirmed",
        bare="Placement does not look at the header. It serves what the context allows.",
        advice="The token is invalid or has expired, and `[keystone_authtoken] "
        "delay_auth_decision` let the request through. Get a new token; leave that option off.",
        more="A header that is absent, as with `auth_strategy = noauth2`, breaks nothing.",
    ),
    "context.contradicts_headers": Example(
        refused=f"{_READ}\nX-User-Id: somebody-else",
        accepted=f"{_READ}\nX-User-Id: nova",
        bare="Placement goes by the context alone: the request is served with the rights of "
        "whoever the context names.",
        advice=f"{_PIPELINE} If the pipeline is right, something between authentication and the "
        "guard changes the headers or the context.",
        more="Compared are the user, the project and the set of roles. A header that is absent "
        "contradicts nothing.",
        given="The user in `placement.context` is `nova`.",
    ),
    "context.reused": Example(
        refused=_READ,
        accepted=_READ,
        bare="Placement serves it: one client acts with the identity of another.",
        advice=f"{_PIPELINE} A test with one fixed context switches the rule off, from Python with "
        '`Settings(rules={"context.reused": "off"})`.',
        given="The same `placement.context` object came with an earlier request.",
        given_right="`placement.context` was made for this request.",
        context=ADMIN,
    ),
}
