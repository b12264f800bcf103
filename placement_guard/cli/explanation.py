"""How ``placement-guard explain`` tells of a journey: an object, and a text made from it."""

from collections.abc import Mapping
from typing import Any, Final, TextIO

from placement_guard.api.operations import told
from placement_guard.cli.gate import GateRule, shown
from placement_guard.cli.output import Table
from placement_guard.policy.judge import Judgement
from placement_guard.policy.parsing import PolicyRule
from placement_guard.rehearsal import Rehearsed, Request, Says
from placement_guard.rejection import Rejection
from placement_guard.terminal import RED, YELLOW, escaped

_PASSES: Final = "passes"
_FAILS: Final = "does not pass"
_CANNOT_TELL: Final = "cannot tell"
"""What is said of a policy rule."""

_COLOURS: Final = {Says.REFUSES: RED, Says.WARNS: YELLOW, _CANNOT_TELL: RED}


def as_object(
    request: Request,
    rehearsed: Rehearsed,
    rules: Mapping[str, PolicyRule],
    gate: Mapping[str, GateRule],
) -> dict[str, Any]:
    """Everything that is known of a journey, for programs."""
    exchange, rejection = rehearsed.exchange, rehearsed.rejection
    decided = gate.get(exchange.operation.rule or "")
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "operation": exchange.operation.name,
            "microversion": told(request.version),
            **{name: value for name, value in request.who.items() if value},
        },
        "stages": [
            {"stage": s.stage, "says": s.says, "rules": [_rule(r, rules) for r in s.rejections]}
            for s in rehearsed.steps
        ],
        "gate_policy": None if decided is None else _gate(decided),
        "target_policy": _judgement(rehearsed.judgement, rules),
        "break_glass": exchange.break_glass,
        "provider_first": exchange.operation.provider_asked and exchange.body is not None,
        "verdict": "refused" if rejection else "allowed",
        "status": rejection.rule.status if rejection else None,
        "refused_by": _rule(rejection, rules) if rejection else None,
    }


def _gate(rule: GateRule) -> dict[str, Any]:
    return {"rule": rule.name, "check": rule.text, "where": rule.where or None}


def _rule(rejection: Rejection, rules: Mapping[str, PolicyRule]) -> dict[str, Any]:
    return {
        "rule": rejection.rule.id,
        "path": rejection.path or None,
        "detail": rejection.detail,
        "policy_rule": rejection.policy or None,
        "where": where(rejection.policy, rules),
    }


def where(name: str, rules: Mapping[str, PolicyRule]) -> str | None:
    """File, line and column of a policy rule."""
    return shown(str(rules[name].place)) if name in rules else None


def _judgement(
    judgement: Judgement | None, rules: Mapping[str, PolicyRule]
) -> dict[str, Any] | None:
    if judgement is None:
        return None
    asked = [
        {
            "rule": one.rule,
            "says": _CANNOT_TELL if one.error else _PASSES if one.passed else _FAILS,
            "where": where(one.rule, rules),
            "check": rules[one.rule].text,
            "why": one.error or None,
        }
        for one in judgement.asked
    ]
    return {
        "allowed": judgement.allowed,
        "decided_by": judgement.rule or None,
        "where": where(judgement.rule, rules),
        "asked": asked,
    }


# For people ------------------------------------------------------------------------------------


def write_text(stream: TextIO, explained: Mapping[str, Any]) -> None:
    """The same for people."""
    asked = explained["request"]
    who = asked.get("user_name") or asked["user_id"]
    assumed = " (the names in the path are assumed)" if asked["path_assumed"] else ""
    stream.write(
        escaped(
            f"{asked['method']} {asked['path']}, microversion {asked['microversion']}: "
            f"{asked['operation']}{assumed}"
        )
        + "\n"
        + escaped(f"sent by {who}, roles: {', '.join(asked.get('roles', ())) or 'none'}")
        + "\n\n"
    )
    rows = [(s["stage"], s["says"], _why(s, explained)) for s in explained["stages"]]
    Table(stream, _COLOURS).write(("STAGE", "SAYS", "WHY"), rows)
    target = explained["target_policy"]
    if target and target["asked"]:
        stream.write("\n")
        asked_rules = [
            (a["rule"], a["says"], a["where"] or "", a["why"] or a["check"])
            for a in target["asked"]
        ]
        Table(stream, _COLOURS).write(("POLICY RULE", "SAYS", "WHERE", "CHECK"), asked_rules)
    stream.write(f"\n{escaped(_verdict(explained))}\n")


def _why(stage: Mapping[str, Any], explained: Mapping[str, Any]) -> str:
    if stage["rules"]:
        return "; ".join(f"{r['rule']}: {_last_line(r['detail'])}" for r in stage["rules"])
    if stage["says"] == Says.NOT_ASKED:
        by_placement = stage["stage"] == "gate_policy" and not explained["refused_by"]
        gate = explained["gate_policy"] if by_placement else None
        return f"Placement asks it: {_decided(gate)}" if gate else ""
    if stage["stage"] == "gate_policy" and explained["gate_policy"]:
        return _decided(explained["gate_policy"])
    if stage["stage"] == "target_policy":
        target = explained["target_policy"]
        if explained["break_glass"]:
            return "not judged: the user has the role that breaks the glass"
        if target and target["decided_by"]:
            return f"{target['decided_by']} in {target['where']}"
        return "no rule is about it"
    return ""


def _decided(gate: Mapping[str, Any]) -> str:
    return f"{gate['rule']}: {gate['check'] or '(everybody)'} in {gate['where'] or 'the defaults'}"


def _last_line(detail: str) -> str:
    return (detail.strip().splitlines() or [""])[-1]


def _verdict(explained: Mapping[str, Any]) -> str:
    refused = explained["refused_by"]
    if refused is None:
        return "It goes on to Placement."
    by = ""
    if refused["policy_rule"]:
        by = f", by policy rule {refused['policy_rule']}"
        by += f" in {refused['where']}" if refused["where"] else ""
    elif refused["rule"] == "policy.forbidden" and explained["gate_policy"]:
        by = f", by policy rule {_decided(explained['gate_policy'])}"
    first = " Where there is no such provider, Placement's 404 is the answer."
    return (
        f"It is refused with {explained['status']}: {refused['rule']}{by}."
        f"{first if explained['provider_first'] else ''}"
    )
