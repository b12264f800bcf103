"""The status as HTML. Everything that is put in is escaped: in text, and in attributes."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from placement_guard.observers.board.facts import Decision, Minute, Status
from placement_guard.observers.board.markup import mark, moment, table, text
from placement_guard.rules import RULES

_SUMMARIES: Final = {rule.id: rule.summary for rule in RULES}

_VERDICTS: Final = {
    "rejected": "Refused",
    "warned": "Warned of",
    "shed": "Not let in",
    "conflict": "Conflict",
}


FIRST: Final = 12
"""How many decisions are in sight."""


def parts(status: Status) -> dict[str, str]:
    """Each part of the page, by its name in the template."""
    return {
        "about": _about(status),
        "now": _now(status.minutes),
        "charts": _charts(status.minutes),
        "decisions": _decisions(status.decisions),
        "hot": _hot(status),
        "condition": _condition(status),
        "old": _old(status),
        "modes": _modes(status),
        "workers": _workers(status),
    }


def _about(status: Status) -> str:
    whose = "all workers" if status.shared else "this process only"
    return (
        f"<p>{escape(status.host)} · version {escape(status.version)} · {whose} · "
        f"{moment(status.at, date=True)}</p>"
    )


def _now(minutes: Sequence[Minute]) -> str:
    last = minutes[-2]
    mean = last.whole / last.requests if last.requests else 0.0
    own = (last.whole - last.placement) / last.whole if last.whole else 0.0
    tiles = (
        ("Requests", f"{last.requests:,}", "/min"),
        ("Refused", f"{last.rejected:,}", "/min"),
        ("Conflicts", f"{last.conflicts:,}", "/min"),
        ("Failed", f"{last.failed:,}", "/min"),
        ("Mean time", f"{mean * 1000:,.1f}", "ms"),
        ("Not in Placement", f"{own * 100:.0f}", "% of it"),
    )
    shown = "".join(
        f'<div class="tile"><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>'
        for name, value, unit in tiles
    )
    return f'<dl class="tiles">{shown}</dl>'


def _charts(minutes: Sequence[Minute]) -> str:
    charts = (
        ("requests", "Requests", [m.requests for m in minutes], ""),
        ("rejected", "Refused", [m.rejected for m in minutes], "rejected"),
        ("conflicts", "Conflicts", [m.conflicts for m in minutes], "conflict"),
        ("failed", "Failed", [m.failed for m in minutes], "failed"),
    )
    figures = "".join(_chart(*chart) for chart in charts)
    rows = [
        [
            (moment(m.at * 60), ""),
            *((f"{n:,}", "n") for n in (m.requests, m.rejected, m.conflicts, m.failed)),
            (f"{m.whole / m.requests * 1000:.1f}" if m.requests else "", "n"),
        ]
        for m in reversed(minutes)
        if m.requests
    ]
    head = ("Minute", "Requests", "Refused", "Conflicts", "Failed", "Mean, ms")
    shown = table("Minutes of the last hour that had requests", head, rows)
    return (
        f'<div class="charts">{figures}</div>'
        f'<details id="figures"><summary>The last hour as a table</summary>{shown}</details>'
    )


def _chart(name: str, title: str, values: Sequence[int], kind: str) -> str:
    """Bars, one a minute, in units of the view box: 120 wide, 30 high."""
    most = max(values)
    bars = "".join(
        f'<rect class="{kind}" x="{index * 2}" y="{30 - height:.1f}" width="1.5" '
        f'height="{height:.1f}"/>'
        for index, value in enumerate(values)
        if value and (height := max(0.6, 29 * value / most))
    )
    told = f"{title} a minute in the last hour: {sum(values):,} in all, {most:,} at most"
    return (
        f"<figure><figcaption><b>{title}</b><span>{sum(values):,} in an hour, peak {most:,}/min"
        "</span></figcaption>"
        f'<svg viewBox="0 0 120 30" preserveAspectRatio="none" role="img" aria-label="{told}" '
        f'id="chart-{name}"><line x1="0" y1="29.8" x2="120" y2="29.8"/>{bars}</svg></figure>'
    )


def _decisions(decisions: Sequence[Decision]) -> str:
    title = '<h2 id="decisions-title">What is refused, and why</h2>'
    if not decisions:
        return f'{title}<p class="none">Nothing was refused, and nothing conflicted.</p>'
    head = ("Time", "What", "Operation", "Why", "Where", "Who", "Status", "Request")
    rows = [
        (
            (moment(d.at), "mono"),
            (f'<span class="verdict {d.verdict}">{_VERDICTS.get(d.verdict, "")}</span>', ""),
            (_operation(d.operation), ""),
            (_why(d), "why"),
            (f"<code>{text(d.json_path)}</code>" if d.json_path else "", ""),
            (_who(d), ""),
            (str(d.status), "n"),
            (f'<span class="mono">{text(d.request_id)}</span>', ""),
        )
        for d in decisions
    ]
    first = table("The latest first", head, rows[:FIRST])
    if len(rows) <= FIRST:
        return title + first
    rest = table("Those before", head, rows[FIRST:])
    return (
        f'{title}{first}<details id="before"><summary>{len(rows) - FIRST} before them</summary>'
        f"{rest}</details>"
    )


def _operation(name: str) -> str:
    """It may be broken where its parts meet."""
    return text(name).replace(":", ":<wbr>")


def _why(decision: Decision) -> str:
    more = _operation(decision.policy) if decision.policy else text(_SUMMARIES.get(decision.why))
    return f"<code>{text(decision.why)}</code>" + (f"<small>{more}</small>" if more else "")


def _who(decision: Decision) -> str:
    version = f" <small>{text(decision.microversion)}</small>" if decision.microversion else ""
    return f"{text(decision.user or 'nobody')}{version}"


def _hot(status: Status) -> str:
    title = '<h2 id="hot-title">Hot providers</h2>'
    if not status.hot:
        return f'{title}<p class="none">No write conflicted in the last hour.</p>'
    rows = [
        (
            (f'<span class="mono">{text(hot.provider)}</span>', ""),
            (f"{hot.conflicts:,}", "n"),
            (f"{hot.error:,}" if hot.error else "", "n"),
        )
        for hot in status.hot
    ]
    head = ("Provider", "Conflicts", "Of them uncertain")
    return title + table("Most conflicts in the last hour, sent again or not", head, rows)


def _condition(status: Status) -> str:
    told = status.told
    lanes, policy = told.get("lanes") or {}, told.get("policy")
    facts = [
        ("Database", mark(not told.get("breaker_open"), "reached", "gone: 503 at once")),
        ("Lanes", mark(bool(lanes.get("available")), _lanes(lanes), text(lanes.get("why")))),
        ("Handed on", mark(bool(told.get("hands_on")), "yes", "no: Placement decodes again")),
    ]
    for limit, (used, places) in (told.get("limits") or {}).items():
        of = f"{used} of {places}" if places else "no limit"
        facts.append((f"Limit: {text(limit)}", of))
    if policy is None:
        facts.append(("Target policy", "none"))
    else:
        rules = (
            f"{policy.get('rules')} rules, read {moment(policy.get('loaded_at') or 0, date=True)}"
        )
        facts.append(("Target policy", mark(not policy.get("problems"), rules, "broken: " + rules)))
        facts += [("Problem", text(problem)) for problem in policy.get("problems") or ()]
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    return (
        '<h2 id="condition-title">Condition of the worker that answers</h2>'
        f'<dl class="facts">{shown}</dl>'
    )


def _lanes(lanes: dict[str, Any]) -> str:
    return f"{text(lanes.get('driver'))} at {text(lanes.get('where'))}"


def _old(status: Status) -> str:
    title = '<h2 id="old-title">Old microversions</h2>'
    if not status.old:
        return f'{title}<p class="none">Nobody speaks one below 1.28.</p>'
    rows = [
        ((text(c.user), ""), (text(c.microversion), "n"), (f"{c.requests:,}", "n"),
         (moment(c.seen), "mono"))
        for c in status.old
    ]  # fmt: skip
    head = ("User", "Lowest", "Requests", "Last")
    return title + table("Below 1.28 a claim knows no generation of its consumer", head, rows)


def _modes(status: Status) -> str:
    title = '<h2 id="modes-title">Modes of the rules</h2>'
    changed = [((f"<code>{r}</code>", ""), (m, "")) for r, m in status.changed_modes.items()]
    every = [((f"<code>{r}</code>", ""), (m, "")) for r, m in status.modes.items()]
    head = ("Rule", "Mode")
    first = (
        table("Not the default", head, changed)
        if changed
        else '<p class="none">Every rule has its default mode.</p>'
    )
    return (
        f'{title}{first}<details id="all-modes"><summary>All {len(every)} rules</summary>'
        f"{table('Every rule', head, every)}</details>"
    )


def _workers(status: Status) -> str:
    rows = [
        (
            (text(w.slot), ""),
            (str(w.pid), "n"),
            (moment(w.started, date=True), "mono"),
            (moment(w.written), "mono"),
            (text(w.version), ""),
        )
        for w in status.workers
    ]
    head = ("Slot", "Process", "Since", "Heard of", "Version")
    return '<h2 id="workers-title">Workers</h2>' + table(f"{len(rows)} alive", head, rows)
