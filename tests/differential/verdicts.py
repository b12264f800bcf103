"""What two answers to one request say about the guard."""

import json
import re
from typing import Any

from msgspec import Struct

from placement_guard.api.wording import MAX_WORDING
from placement_guard.rules import BY_ID
from tests.differential import cloud
from tests.differential.answers import Answer
from tests.differential.cloud import fixed
from tests.differential.damage import ROWS, damage, justified
from tests.differential.requests import Request

VERDICTS = {
    "V1": "5xx behind the guard",
    "V2": "served bare, refused by a sound rule, and no damage shown",
    "V3": "not served bare, served guarded",
    "V4": "refused by both, told in other words",
    "V5": "refused by the guard, and something was stored",
    "V6": "served by both, with another answer or another state",
}

_ANY_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BODY_JUDGED = ("JSON does not validate", "Malformed JSON", "Invalid query string parameters")
_KNOWN = " ".join(map(fixed, (*cloud.PROVIDERS, *cloud.CONSUMERS, *cloud.AGGREGATES)))
_UNEQUAL_HEADERS = {"x-openstack-request-id", "placement-guard", "last-modified", "content-length"}


class Finding(Struct, frozen=True):
    """One verdict with its reason. ``signature`` is the same for findings that are the same."""

    verdict: str
    why: str
    signature: str


def rule_of(answer: Answer) -> str | None:
    """The id of the rule by which the guard refused, or None where it did not."""
    header = answer.headers.get("placement-guard", "")
    if not header.startswith("decision=reject"):
        return None
    found = re.search(r'rule="([^"]+)"', header)
    return found[1] if found else None


def told(answer: Answer) -> tuple[str | None, str]:
    """Code and detail of a refusal."""
    try:
        error = json.loads(answer.body)["errors"][0]
        return error.get("code"), str(error.get("detail", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None, answer.body.decode("utf-8", "replace")


def kept(detail: str) -> tuple[str, str, str]:
    """The parts of a wording that survive any cut: the sentence, what failed, and where."""
    sentence, failed, rest = detail.partition("  Failed validating ")
    if not failed:
        return sentence, "", ""
    place = rest.partition("On instance")[2].partition(":     ")[0]
    return sentence, rest.partition(":     ")[0], place


def same_words(detail: str, ours: str) -> bool:
    """Whether a guard said the same; of what is longer than a detail may be, the middle may go."""
    return all(
        theirs == part or (len(detail) > MAX_WORDING and _is_cut(part, theirs))
        for theirs, part in zip(kept(detail), kept(ours), strict=True)
    )


def _is_cut(short: str, whole: str) -> bool:
    start, dots, end = short.partition(" ... ")
    return bool(dots) and whole.startswith(start) and whole.rstrip().endswith(end.rstrip())


def judge(request: Request, bare: Answer, guarded: Answer) -> list[Finding]:
    """All that is wrong with the guarded answer, gravest first."""
    found = []
    rule = rule_of(guarded)
    if guarded.status >= 500:
        cause = guarded.raised or bare.raised or told(bare)[1][:120]
        found.append(_finding("V1", request, f"{guarded.status}: {cause}", _gist(cause)))
    if rule is not None and guarded.changed and not _left_by_placement(rule, bare, guarded):
        found.append(_finding("V5", request, f"{rule} refused it; added {guarded.added}", rule))
    if bare.served and 400 <= guarded.status < 500:
        found += _refused_what_was_served(request, bare, guarded, rule)
    elif guarded.served and not bare.served:
        why = f"{bare.status} bare ({told(bare)[1][:200]}), {guarded.status} guarded"
        found.append(_finding("V3", request, why, str(bare.status)))
    elif bare.served and guarded.served:
        found += _other_answer(request, bare, guarded)
    elif bare.status < 500 and guarded.status < 500:
        found += _other_words(request, bare, guarded, rule)
    return found


def _left_by_placement(rule: str, bare: Answer, guarded: Answer) -> bool:
    """Whether what is stored after a refusal is what a failing Placement leaves, bare or not."""
    left = (bare.added, bare.removed) == (guarded.added, guarded.removed)
    return BY_ID[rule].blamed and bare.status >= 500 and left


def _finding(verdict: str, request: Request, why: str, gist: str) -> Finding:
    return Finding(verdict, why, f"{verdict} {request.label} {gist}")


def _gist(cause: str) -> str:
    """A cause without what differs from case to case: its type, its place, its first words."""
    place, _, text = cause.partition(": ")
    words = re.sub(r"""'[^']*'|"[^"]*"|\b0x\w+|\d+|\(.*?\)""", "_", text)
    return f"{place}: {' '.join(words.split()[:5])}"


def _refused_what_was_served(
    request: Request, bare: Answer, guarded: Answer, rule: str | None
) -> list[Finding]:
    if rule is not None and not getattr(BY_ID.get(rule), "sound", True):
        return []
    shown = damage(request, bare)
    if rule is not None and not BY_ID[rule].placement and justified(rule, shown):
        return []
    why = (
        f"{rule or 'Placement'}: {told(guarded)[1][-300:]}; damage shown: {sorted(shown) or 'none'}"
    )
    return [_finding("V2", request, why, rule or "-")]


def _other_answer(request: Request, bare: Answer, guarded: Answer) -> list[Finding]:
    parts: dict[str, tuple[Any, Any]] = {
        "status": (bare.status, guarded.status),
        "headers": (_headers(bare, request), _headers(guarded, request)),
        "body": (_content(bare, request), _content(guarded, request)),
        "added": (_anonymous(bare.added, request), _anonymous(guarded.added, request)),
        "removed": (bare.removed, guarded.removed),
    }
    unequal = [name for name, (left, right) in parts.items() if left != right]
    if not unequal:
        return []
    left, right = parts[unequal[0]]
    why = f"{unequal}: {str(left)[:300]} bare, {str(right)[:300]} guarded"
    return [_finding("V6", request, why, "+".join(unequal))]


def _headers(answer: Answer, request: Request) -> Any:
    left = {k: v for k, v in answer.headers.items() if k not in _UNEQUAL_HEADERS}
    return _anonymous(json.dumps(left, sort_keys=True), request)


def _content(answer: Answer, request: Request) -> str:
    # Placement gives many lists in the order in which the database happens to hold the rows.
    try:
        told = json.dumps(_ordered(json.loads(answer.body)))
    except ValueError:
        return _anonymous(answer.body, request)
    return _anonymous(told, request)


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=json.dumps)
    return value


def _anonymous(value: Any, request: Request) -> str:
    """Identifiers that Placement made up are equal; those that were sent or known are not."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if request.method != "POST":  # only there is one made up
        return text
    sent = request.text.lower() + _KNOWN
    return _ANY_UUID.sub(lambda m: m[0] if m[0] in sent else "GENERATED", text)


def _other_words(
    request: Request, bare: Answer, guarded: Answer, rule: str | None
) -> list[Finding]:
    (code, detail), (our_code, our_detail) = told(bare), told(guarded)
    own = rule is not None and not BY_ID[rule].placement
    if own and not _judged_early(bare, detail):
        return []  # Placement refused it for what it had stored: nobody else can know
    if rule is not None and _provider_first(request, bare):
        return []
    if own:
        why = f"{our_code} where Placement says {detail[:300]!r}"
        return [Finding("V4", why, f"V4 {rule} in place of Placement's words")]
    unequal = []
    if bare.status != guarded.status:
        unequal.append(f"status {bare.status} bare, {guarded.status} guarded")
    if (code if request.minor >= 23 else our_code) != our_code:
        unequal.append(f"code {code} bare, {our_code} guarded")
    if not same_words(_anonymous(detail, request), _anonymous(our_detail, request)):
        unequal.append(f"wording {detail[:300]!r} bare, {our_detail[:300]!r} guarded")
    if not unequal:
        return []
    gist = f"{rule} {bare.status}/{guarded.status} {unequal[0].split()[0]}"
    return [_finding("V4", request, "; ".join(unequal), gist)]


def _judged_early(bare: Answer, detail: str) -> bool:
    """Whether Placement refused a request for what it was, before it looked at what it holds."""
    early = bare.status in (401, 403, 405, 406, 413, 415)
    return early or any(words in detail for words in _BODY_JUDGED)


def _provider_first(request: Request, bare: Answer) -> bool:
    row = ROWS.get((request.method, request.route))
    return row is not None and row.provider_first and not row.provider_asked and bare.status == 404
