"""Rules of the stage ``path``."""

from typing import Final

from tests.rule_examples.example import CONSUMER, Example, held, with_json

_VERSION: Final = "HTTP/1.1\nOpenStack-API-Version: placement 1.39"

PATH: Final = {
    "allocations.malformed_consumer": Example(
        refused=with_json("PUT /allocations/instance-1", held()),
        accepted=with_json(f"PUT /allocations/{CONSUMER}", held()),
        bare="Placement refuses it alike.",
        advice="Use the UUID of the consumer.",
        more="A consumer in a body is the matter of "
        "[allocations.consumer_not_uuid](allocations.consumer_not_uuid.md).",
    ),
    "path.trailing_newline": Example(
        refused=f"PUT /traits/CUSTOM_A%0A%0A {_VERSION}",
        accepted=f"PUT /traits/CUSTOM_A {_VERSION}",
        bare="Placement stores the trait, line break and all, and answers 500: the name does not "
        "fit into the Location header.",
        advice="Repair the client: it sends a line of a file, most likely, as it read it.",
        more="One line break at the very end of a path belongs to the path, not to the name: "
        "Placement's router drops it, and so does the guard.",
    ),
    "path.quoted_name": Example(
        refused=f"PUT /resource_classes/CUSTOM_A%22,%22name%22:%22CUSTOM_B {_VERSION}",
        accepted=f"PUT /resource_classes/CUSTOM_B {_VERSION}",
        bare="Placement pastes the name into a JSON text, and checks what that text says: here "
        "the name `CUSTOM_B`. It stores the name in the path, which no check has seen (201).",
        advice="Repair the client. A name has upper case letters, digits and underscores.",
        more="Asked from microversion 1.7 on, of names with a quote or a backslash. Where what "
        "the text says is refused by Placement, it is left to it.",
    ),
}
