"""The sides that are compared: the same Placement, bare, configured otherwise, or guarded."""

import re

from msgspec import Struct, structs

OWN_GROUP = "placement_guard"
"""The section of an option that names none."""

REDIS = "{redis}"
"""Stands for the URL of a Redis that is started for the run."""


class Side(Struct, frozen=True):
    """One way to run Placement.

    options
        What its placement.conf says, ``section.option`` to value.
    persistent
        Whether its clients send a claim again for as long as they are told to.
    serial
        Whether one write at a time is made of all that its workers are sent.
    readers
        How many clients ask for allocation candidates meanwhile, as fast as they can.
    hosts
        Over how many hosts its workers are spread: on each they have lanes of their own, unless
        they share a Redis.
    """

    name: str
    guarded: bool = False
    options: dict[str, str] = {}
    persistent: bool = False
    serial: bool = False
    readers: int = 0
    hosts: int = 1

    @property
    def wants_redis(self) -> bool:
        """Whether one of its options holds REDIS."""
        return any(REDIS in value for value in self.options.values())

    @property
    def audited(self) -> bool:
        """Whether it keeps an audit, or sends one."""
        return any(name.startswith(f"{OWN_GROUP}.audit") for name in self.options)

    def with_redis(self, url: str) -> "Side":
        """This side, with the URL of a Redis in its options."""
        options = {name: value.replace(REDIS, url) for name, value in self.options.items()}
        return structs.replace(self, options=options)

    @property
    def database(self) -> str:
        """The name of the database of this side: nobody else uses it."""
        return "storm_" + re.sub(r"\W+", "_", self.name.lower())


BARE = Side("bare")
"""As it is shipped."""

BARE_CORRECT = Side(
    "bare-correct",
    options={"placement.allocation_conflict_retry_count": "1"},
    persistent=True,
)
"""The only way to be correct without a guard: no retry in the transaction, clients that insist."""

SERIAL = Side("serial", serial=True)
"""Nothing can go wrong here: what is found wrong all the same is a fault of who looks."""

GUARDED = Side("guarded", guarded=True)

COMPARED = ("bare", "bare-correct", "guarded")
"""The sides of a run that names none."""

SIDES = {side.name: side for side in (BARE, BARE_CORRECT, SERIAL, GUARDED)}


def variant(text: str) -> Side:
    """``name:option=value,...``: a guarded side with these options of ``[placement_guard]``.

    An option of another section is ``section.option``. ValueError if it is not of this form.
    """
    name, colon, told = text.partition(":")
    if not re.fullmatch(r"[A-Za-z][\w-]*", name) or not colon or name in SIDES:
        raise ValueError(f"{text!r} is not name:option=value,... with a name of its own")
    options = {}
    # A value may have commas of its own.
    for setting in re.split(r",(?=[\w.]+=)", told) if told else ():
        option, equals, value = setting.partition("=")
        if not equals or not re.fullmatch(r"(\w+\.)?\w+", option):
            raise ValueError(f"{setting!r} is not option=value")
        options[option if "." in option else f"{OWN_GROUP}.{option}"] = value
    return Side(name, guarded=True, options=options)
