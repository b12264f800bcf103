"""What a page says of a rule by hand, and how a request is written down."""

from typing import Any, Final, NamedTuple

ADMIN: Final = {"user_id": "nova", "project_id": "service", "roles": ["admin"]}
SERVICE: Final = {"user_id": "nova", "project_id": "service", "roles": ["service"]}

PROVIDER: Final = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
CONSUMER: Final = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"

AS_SERVICE: Final = "The user has the role `service`."


TOO_DEEP: Final = "[[ ... ]]"
TOO_MANY: Final = "CUSTOM_T1,(...),CUSTOM_T70"
TOO_LONG: Final = "A(...)A"

WRITTEN_OUT: Final = {
    TOO_DEEP: "[" * 5000 + "]" * 5000,
    TOO_MANY: ",".join(f"CUSTOM_T{number}" for number in range(1, 71)),
    TOO_LONG: "A" * 50_000,
}
"""What is too long for a page, and what is sent in its place."""


class Example(NamedTuple):
    """A request that breaks a rule, the same request put right, and what a reader needs to know.

    ``bare`` says what a Placement without the guard does with it, ``more`` what exactly the rule
    looks at, ``given`` and ``given_right`` what the requests alone do not show. A context holds the
    arguments of the request context, or is what stands in its place. ``failure`` is what Placement
    raises for the first request, where the rule is asked after that. ``policy`` is the file of target
    policy for both requests, or for the first one only where nothing that is stored can be read
    (``unread``).
    """

    refused: str
    accepted: str
    bare: str
    advice: str
    more: str = ""
    given: str = ""
    given_right: str = ""
    context: Any = ADMIN
    context_right: Any = ADMIN
    failure: Exception | None = None
    policy: str = ""
    unread: bool = False


def with_json(line: str, body: str, version: str = "1.39") -> str:
    """A request with a body of JSON."""
    return (
        f"{line} HTTP/1.1\nOpenStack-API-Version: placement {version}\n"
        f"Content-Type: application/json\n\n{body}"
    )


def inventories(records: str) -> str:
    """PUT the inventories of a provider."""
    body = f'{{"resource_provider_generation": 1,\n "inventories": {records}}}'
    return with_json(f"PUT /resource_providers/{PROVIDER}/inventories", body)


def held(amount: int | str = 8, consumer_type: str = "INSTANCE") -> str:
    """What one consumer holds of the provider."""
    return (
        f'{{\n  "allocations": {{"{PROVIDER}": {{"resources": {{"VCPU": {amount}}}}}}},\n'
        f'  "project_id": "demo", "user_id": "demo",\n'
        f'  "consumer_generation": null, "consumer_type": "{consumer_type}"}}'
    )


def reshape(record: str, allocations: str = "{}") -> str:
    """POST a reshape of one provider."""
    body = (
        f'{{"inventories": {{"{PROVIDER}": {{\n  "resource_provider_generation": 1,\n'
        f'  "inventories": {{"VCPU": {record}}}}}}},\n "allocations": {allocations}}}'
    )
    return with_json("POST /reshaper", body)
