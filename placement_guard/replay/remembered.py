"""What a stage said of a request then, where what it looked at is not in the recording.

Such a stage hangs on nothing but the request and the modes of its rules. So what it found then it
would find now, as long as the rules were asked; their modes now say what comes of it.
"""

from typing import Final

from placement_guard.exchange import Exchange
from placement_guard.outcome import Ending
from placement_guard.recording.lines import Header, Record
from placement_guard.rejection import Rejection, reject
from placement_guard.replay.errors import UndecidedError
from placement_guard.rules import BY_ID, RULES, Mode, Modes
from placement_guard.stages import ORDER
from placement_guard.version import __version__

NOT_ASKED: Final = "not_asked_then"
OTHER_VERSION: Final = "other_version"
MODES_CHANGED: Final = "other_modes"

_RULES: Final = {
    stage: [rule.id for rule in RULES if rule.stage == stage and not rule.blamed] for stage in ORDER
}


def remembered(
    stage: str, exchange: Exchange, record: Record, header: Header | None, modes: Modes
) -> Exchange | Rejection:
    """What ``stage`` says now of what it found then. UndecidedError where that cannot be told."""
    if header is None or header.guard != __version__:
        raise UndecidedError(OTHER_VERSION)
    if not record.asked and record.outcome != Ending.SHED and not record.rule:
        # Something was refused, and nobody knows by which rule: Placement had no such provider, or
        # the guard failed.
        raise UndecidedError(NOT_ASKED)
    refused = BY_ID.get(record.rule)
    if refused is not None and not refused.blamed:
        if ORDER.index(refused.stage) < ORDER.index(stage):
            raise UndecidedError(NOT_ASKED)
        if refused.stage == stage:
            return _refused_there(stage, refused.id, header, modes)
    then = {rule: header.modes.get(rule, Mode.OFF) for rule in _RULES[stage]}
    for rule, mode in then.items():
        if mode == Mode.OFF and modes[rule] is not Mode.OFF:
            raise UndecidedError(NOT_ASKED)
    warned = [reject(rule) for rule in record.warnings if rule in then]
    for rejection in warned:
        if modes[rejection.rule.id] is Mode.ENFORCE:
            return rejection
    return exchange.warned(*(one for one in warned if modes[one.rule.id] is Mode.WARN))


def _refused_there(stage: str, rule: str, header: Header, modes: Modes) -> Rejection:
    """It was refused there then: more about it is known only if the modes are the same."""
    if any(header.modes.get(one) != modes[one] for one in _RULES[stage]):
        raise UndecidedError(MODES_CHANGED)
    return reject(rule)
