"""The lines of a recording: headers and records, each one JSON object.

A header says how the records were made that name it: by which version, with which settings. Each
process writes its own before its first record in a file, so a file may hold several.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

VERSION: Final = 1
"""Of the format. A reader takes no newer one; fields that it does not know, it leaves."""

MAX_LINE: Final = 8 * 1024 * 1024
"""The longest line (bytes). A body in it is at most MAX_BODY, its characters may take six bytes."""

MAX_BODY: Final = 1024 * 1024
"""The longest body (bytes) that is recorded; a longer one is left out."""

HEADERS: Final = (
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "HTTP_ACCEPT",
    "HTTP_OPENSTACK_API_VERSION",
    "HTTP_X_IDENTITY_STATUS",
    "HTTP_X_PROJECT_ID",
    "HTTP_X_ROLES",
    "HTTP_X_USER_ID",
)
"""What the stages look at, by its key in environ; no other header is recorded."""

HEADER_MARK: Final = b'{"placement_guard_recording":'
"""What a header begins with."""


class Header(Struct, omit_defaults=True):
    """How records were made.

    ``id`` is what they name it by. ``settings`` is a digest of all settings, ``modes`` the mode of
    each rule that the guard knew. ``bodies`` is whole, shape or none. ``key`` tells recordings
    apart in which what is hidden has other names; it is no secret.
    """

    placement_guard_recording: int
    id: str
    guard: str
    settings: str
    bodies: str
    modes: dict[str, str]
    key: str = ""


class Record(Struct, omit_defaults=True):
    """One exchange: enough to judge it again, and what was decided.

    at
        When it ended (seconds since 1970).
    by
        The id of the header.
    version
        The microversion that Placement's middleware found; None where it had not run.
    headers
        Those of HEADERS that were there when the request came.
    terminated
        Whether the server said that the body ends by itself (``wsgi.input_terminated``).
    context, reused
        What stood for the user: sound, missing, or wrong_type; and whether it had served before.
    identity
        The policy values of the context, and names of user, project and domains.
    size
        How many bytes of the body were read; None where the guard read none.
    body, base64
        The body, as text, or in base64 where it is not UTF-8.
    left_out
        Why there is no body though one was read: shape, none, too_long, secret.
    hidden
        Whether names and UUIDs are hidden, wherever they stand.
    shape
        What is left of it, where it was reduced to its shape and could be.
    status, outcome, asked
        How it ended; and whether Placement was asked to do it.
    rule, policy, warnings
        What refused it; the policy rule that decided; the rules that only warned, in order.
    """

    at: float
    id: str
    by: str
    method: str
    path: str
    operation: str
    status: int
    outcome: str
    query: str = ""
    version: tuple[int, int] | None = None
    headers: dict[str, str] = {}
    terminated: bool = False
    context: str = "sound"
    reused: bool = False
    identity: dict[str, Any] = {}
    size: int | None = None
    body: str | None = None
    base64: bool = False
    left_out: str = ""
    hidden: bool = False
    shape: Any = None
    asked: bool = False
    rule: str = ""
    policy: str = ""
    warnings: list[str] = []


encode: Final = msgspec.json.Encoder().encode
"""The line of a header or a record, without its line break."""

decode_header: Final = msgspec.json.Decoder(Header).decode
decode_record: Final = msgspec.json.Decoder(Record).decode
