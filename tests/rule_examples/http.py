"""Rules that look at the request from outside: ``framing`` to ``body``, but for ``path``."""

from typing import Final

from tests.rule_examples.example import (
    ADMIN,
    AS_SERVICE,
    SERVICE,
    Example,
    reshape,
    with_json,
)

_PROVIDER: Final = '{"name": "compute-1"}'
_RIGHT: Final = with_json("POST /resource_providers", _PROVIDER)
_RESHAPE: Final = reshape('{"total": 64}')

HTTP: Final = {
    "http.content_length_invalid": Example(
        refused="POST /resource_providers HTTP/1.1\nContent-Type: application/json\n"
        "Content-Length: ten",
        accepted=f"POST /resource_providers HTTP/1.1\nContent-Type: application/json\n"
        f"Content-Length: {len(_PROVIDER)}\n\n{_PROVIDER}",
        bare="Placement refuses it alike.",
        advice="Repair the client, or the proxy that wrote the header. Most servers refuse it "
        "first.",
    ),
    "http.content_type_missing": Example(
        refused=f"POST /resource_providers HTTP/1.1\n\n{_PROVIDER}",
        accepted=_RIGHT,
        bare="Placement refuses it alike.",
        advice="Send `Content-Type: application/json`.",
        more="Asked wherever Content-Length is above 0. A chunked body has no Content-Length, and "
        "passes.",
    ),
    "operation.unknown": Example(
        refused=with_json("POST /reshaper/", "{}"),
        accepted=_RESHAPE,
        bare="Placement refuses it alike.",
        advice="Correct the path or the method. A trailing slash or a double slash makes another "
        "path.",
        more="Reads of unknown paths go on to Placement, which answers 404 too; so do requests "
        "below the first microversion of an operation.",
        given_right=AS_SERVICE,
        context_right=SERVICE,
    ),
    "http.content_type_unsupported": Example(
        refused=f"POST /resource_providers HTTP/1.1\nContent-Type: text/plain\n\n{_PROVIDER}",
        accepted=_RIGHT,
        bare="Placement refuses it alike.",
        advice="Send `Content-Type: application/json`. Parameters such as a charset do no harm.",
        more="Asked only where a body is read.",
    ),
    "policy.forbidden": Example(
        refused=_RESHAPE,
        accepted=_RESHAPE,
        bare="Placement refuses it alike.",
        advice="Give the user the role that the [policy rule](../reference/operations.md) asks "
        "for, or change the rule in the policy file of Placement. Reshaping needs the role "
        "`service`.",
        given="The user has the role `admin` alone.",
        given_right=AS_SERVICE,
        context=ADMIN,
        context_right=SERVICE,
    ),
    "body.too_large": Example(
        refused="POST /reshaper HTTP/1.1\nOpenStack-API-Version: placement 1.39\n"
        "Content-Type: application/json\nContent-Length: 10485761",
        accepted=_RESHAPE,
        bare="Placement has no limit: it reads the whole body into memory, then parses it.",
        advice="Send less at once. If such bodies are right in your cloud, raise "
        "[`max_body_bytes`](../reference/options.md#max_body_bytes).",
        more="A body that announces its size is refused unread. Of any other at most the limit is "
        "read. Let pass, it is not judged by the stages behind.",
        given=f"`max_body_bytes` has its default. {AS_SERVICE}",
        given_right=AS_SERVICE,
        context=SERVICE,
        context_right=SERVICE,
    ),
    "body.incomplete": Example(
        refused="POST /resource_providers HTTP/1.1\nContent-Type: application/json\n"
        f"Content-Length: 100\n\n{_PROVIDER}",
        accepted="POST /resource_providers HTTP/1.1\nContent-Type: application/json\n"
        f"Content-Length: {len(_PROVIDER)}\n\n{_PROVIDER}",
        bare="Placement answers 500: webob raises an OSError while it reads.",
        advice="The client went away, or announced more than it sent. It can send the request "
        "again.",
    ),
}
