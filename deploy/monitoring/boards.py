"""What stands on each dashboard."""

from dataclasses import dataclass
from typing import Final

from deploy.monitoring.alert import PREFIX
from deploy.monitoring.panels import Shown

P: Final = PREFIX
I: Final = 'instance=~"$instance"'  # noqa: E741
O: Final = 'instance=~"$instance", operation=~"$operation"'  # noqa: E741
R: Final = "[$__rate_interval]"


@dataclass(frozen=True)
class Board:
    """A dashboard: its rows of panels, and the question that it answers."""

    name: str
    title: str
    question: str
    rows: dict[str, tuple[Shown, ...]]


def rate(metric: str, by: str, where: str) -> str:
    """How often, per second, by these labels."""
    return f"sum by ({by}) (rate({P}{metric}{{{where}}}{R}))"


def total(metric: str, where: str) -> str:
    """How often, per second."""
    return f"sum(rate({P}{metric}{{{where}}}{R}))"


def share(outcome: str) -> str:
    """The share of requests that end so."""
    ended = f'{O}, outcome="{outcome}"'
    return f"{total('requests_total', ended)} / {total('requests_total', O)}"


def quantile(of: str, metric: str, where: str, by: str = "le") -> str:
    """A quantile of a histogram (seconds or bytes)."""
    return f"histogram_quantile({of}, {rate(f'{metric}_bucket', by, where)})"


def mean(metric: str, where: str) -> str:
    """The mean of a histogram."""
    return f"{total(f'{metric}_sum', where)} / {total(f'{metric}_count', where)}"


OVERVIEW: Final = Board(
    "overview",
    "placement-guard / Overview",
    "Is it well? What is asked, what is refused, what collides, and what does the guard cost?",
    {
        "Now": (
            Shown(
                "number",
                "Requests",
                "reqps",
                "All requests, per second.",
                [(total("requests_total", O), "requests")],
                "reference/metrics.html",
                4,
            ),
            Shown(
                "number",
                "Refused by the guard",
                "percentunit",
                "The share of requests that the guard refuses.",
                [(share("rejected"), "refused")],
                "rules/index.html",
                4,
                (0.05, 0.2),
            ),
            Shown(
                "number",
                "Failed",
                "percentunit",
                "The share of requests that end with a 5xx.",
                [(share("failed"), "failed")],
                "runbooks/failing.html",
                4,
                (0.01, 0.05),
            ),
            Shown(
                "number",
                "p99 of a request",
                "s",
                "99 of 100 requests are answered within this time.",
                [(quantile("0.99", "request_duration_seconds", I), "p99")],
                "runbooks/budget-burns-fast.html",
                4,
                (1.0, 2.5),
            ),
            Shown(
                "number",
                "Workers",
                "short",
                "Processes that serve.",
                [(f"sum({P}workers{{{I}}})", "workers")],
                "runbooks/down.html",
                4,
            ),
            Shown(
                "number",
                "Open breakers",
                "short",
                "Workers that answer 503 since the database is gone.",
                [(f"sum({P}breaker_open{{{I}}})", "open")],
                "runbooks/breaker-open.html",
                4,
                (1.0, 1.0),
            ),
        ),
        "Traffic": (
            Shown(
                "stacked",
                "Requests by outcome",
                "reqps",
                "How requests end.",
                [(rate("requests_total", "outcome", O), "{{outcome}}")],
                "reference/metrics.html#label-outcome",
            ),
            Shown(
                "bars",
                "Top operations",
                "reqps",
                "The ten operations that are asked most.",
                [(f"topk(10, {rate('requests_total', 'operation', O)})", "{{operation}}")],
                "reference/operations.html",
            ),
        ),
        "Refusals and conflicts": (
            Shown(
                "stacked",
                "Refusals by rule",
                "reqps",
                "What the guard refuses, by the rule.",
                [
                    (
                        f'topk(10, sum by (rule) (rate({P}rejections_total{{{O}, mode="enforce"}}{R})))',
                        "{{rule}}",
                    )
                ],
                "rules/index.html",
            ),
            Shown(
                "stacked",
                "Conflicts by kind",
                "reqps",
                "Answers 409 of Placement, by what collided.",
                [(rate("conflicts_total", "kind", O), "{{kind}}")],
                "runbooks/conflict-storm.html",
            ),
        ),
        "Latency": (
            Shown(
                "lines",
                "With and without the guard's share",
                "s",
                "The mean of a whole request, of Placement's part, and of the guard's own. What is "
                "missing to the whole is the wait for lanes and limits.",
                [
                    (mean("request_duration_seconds", I), "the whole"),
                    (mean("placement_duration_seconds", I), "Placement"),
                    (mean("own_duration_seconds", I), "the guard"),
                ],
                "performance.html",
            ),
            Shown(
                "lines",
                "Quantiles of a request",
                "s",
                "How long clients wait.",
                [
                    (quantile(q, "request_duration_seconds", I), f"p{float(q) * 100:.0f}")
                    for q in ("0.5", "0.9", "0.99")
                ],
                "runbooks/budget-burns-slowly.html",
            ),
            Shown(
                "lines",
                "p99 of Placement by operation",
                "s",
                "99 of 100 requests take no longer in Placement itself.",
                [
                    (
                        quantile("0.99", "placement_duration_seconds", O, "le, operation"),
                        "{{operation}}",
                    )
                ],
                "reference/operations.html",
            ),
            Shown(
                "lines",
                "Stages of the guard",
                "s",
                "The mean time in each stage.",
                [
                    (
                        f"sum by (stage) (rate({P}stage_duration_seconds_sum{{{I}}}{R})) / "
                        f"sum by (stage) (rate({P}stage_duration_seconds_count{{{I}}}{R}))",
                        "{{stage}}",
                    )
                ],
                "journey.html",
            ),
        ),
        "Who speaks, and what runs": (
            Shown(
                "bars",
                "Microversions",
                "reqps",
                "Which microversions are spoken. Below 1.28 a claim knows no generation of its "
                "consumer; the status page names who speaks so.",
                [
                    (
                        f"topk(12, {rate('requests_by_microversion_total', 'microversion', I)})",
                        "{{microversion}}",
                    )
                ],
                "status-page.html",
            ),
            Shown(
                "table",
                "Builds",
                "short",
                "The versions that are installed.",
                [
                    (
                        f"sum by (instance, version, placement_version, python_version) ({P}build_info{{{I}}})",
                        "{{instance}}",
                    )
                ],
                "reference/metrics.html",
            ),
        ),
    },
)

CONFLICTS: Final = Board(
    "conflicts",
    "placement-guard / Conflicts",
    "Where do writes collide, and does sending them again cure it?",
    {
        "Conflicts": (
            Shown(
                "stacked",
                "By kind",
                "reqps",
                "Answers 409, by what collided.",
                [(rate("conflicts_total", "kind", O), "{{kind}}")],
                "reference/conflicts.html",
            ),
            Shown(
                "stacked",
                "By operation",
                "reqps",
                "Answers 409, by what was asked.",
                [(rate("conflicts_total", "operation", O), "{{operation}}")],
                "runbooks/conflict-storm.html",
            ),
            Shown(
                "table",
                "Operation and kind",
                "reqps",
                "The pairs that conflict most.",
                [
                    (
                        f"topk(20, {rate('conflicts_total', 'operation, kind', O)})",
                        "{{operation}} {{kind}}",
                    )
                ],
                "reference/conflicts.html",
            ),
            Shown(
                "lines",
                "Share of writes that conflict",
                "percentunit",
                "Of all writes that came to Placement.",
                [
                    (
                        f'{total("conflicts_total", O)} / sum(rate({P}requests_total{{{O}, outcome=~"committed|conflict"}}{R}))',
                        "conflicts",
                    )
                ],
                "runbooks/conflict-storm.html",
                thresholds=(0.1, 0.2),
            ),
        ),
        "Sent again": (
            Shown(
                "lines",
                "Resends",
                "reqps",
                "Times that the guard sent a request again.",
                [(rate("resends_total", "operation", O), "{{operation}}")],
                "concurrency.html",
            ),
            Shown(
                "stacked",
                "What came of it",
                "reqps",
                "Requests that lost a race: cured, or why the guard gave up.",
                [(rate("resent_requests_total", "result", O), "{{result}}")],
                "runbooks/resends-given-up.html",
            ),
        ),
        "Lanes": (
            Shown(
                "stacked",
                "How writes left the queue",
                "reqps",
                "With their lanes, or without.",
                [(rate("lanes_total", "result", O), "{{result}}")],
                "runbooks/lanes-time-out.html",
            ),
            Shown(
                "lines",
                "Wait for lanes",
                "s",
                "How long writes wait for their turn.",
                [
                    (quantile(q, "lane_wait_seconds", O), f"p{float(q) * 100:.0f}")
                    for q in ("0.5", "0.99")
                ],
                "concurrency.html",
            ),
        ),
    },
)

POLICY: Final = Board(
    "policy",
    "placement-guard / Policy and audit",
    "Who is refused by which rule, is the policy in force the one that was written, and is "
    "everything recorded?",
    {
        "Refusals": (
            Shown(
                "stacked",
                "Refused by policy",
                "reqps",
                "By the gate, and by target policy.",
                [
                    (
                        f'sum by (stage, rule) (rate({P}rejections_total{{{O}, mode="enforce", stage=~"gate_policy|target_policy"}}{R}))',
                        "{{stage}}: {{rule}}",
                    )
                ],
                "policy.html",
            ),
            Shown(
                "stacked",
                "Services that are refused",
                "reqps",
                "Requests of services that broke a sound rule.",
                [(f"topk(10, {rate('service_rejections_total', 'rule', I)})", "{{rule}}")],
                "runbooks/service-rejected.html",
            ),
            Shown(
                "stacked",
                "Warnings",
                "reqps",
                "What was let through, and would be refused if the rule were enforced.",
                [
                    (
                        f'topk(10, sum by (rule) (rate({P}rejections_total{{{O}, mode="warn"}}{R})))',
                        "{{rule}}",
                    )
                ],
                "rules/index.html",
            ),
            Shown(
                "table",
                "Refusals by rule and operation",
                "reqps",
                "The pairs that are refused most.",
                [
                    (
                        f'topk(20, sum by (rule, operation) (rate({P}rejections_total{{{O}, mode="enforce"}}{R})))',
                        "{{rule}} {{operation}}",
                    )
                ],
                "rules/index.html",
            ),
        ),
        "Target policy": (
            Shown(
                "number",
                "Broken",
                "short",
                "1: its files cannot be used; the last good one is in force.",
                [(f"max({P}policy_broken{{{I}}})", "broken")],
                "runbooks/policy-broken.html",
                4,
                (1.0, 1.0),
            ),
            Shown(
                "number",
                "Age of the policy",
                "s",
                "Time since the policy in force was read again; none: since the start.",
                [
                    (
                        f"time() - (max({P}policy_loaded_timestamp_seconds{{{I}}}) > 0) or vector(0)",
                        "age",
                    )
                ],
                "policy.html",
                4,
            ),
            Shown(
                "lines",
                "Reloads",
                "short",
                "Each process counts its own.",
                [(f"sum by (result) (increase({P}policy_reloads_total{{{I}}}{R}))", "{{result}}")],
                "runbooks/policy-reload-failed.html",
                8,
            ),
            Shown(
                "lines",
                "Reads of what is stored",
                "reqps",
                "For rules that ask for it.",
                [(rate("policy_reads_total", "result", I), "{{result}}")],
                "runbooks/policy-reads-fail.html",
                8,
            ),
            Shown(
                "lines",
                "Broken glass",
                "short",
                "Writes that target policy did not judge.",
                [
                    (
                        f"topk(5, sum by (operation) (increase({P}break_glass_total{{{O}}}{R})))",
                        "{{operation}}",
                    )
                ],
                "runbooks/glass-broken.html",
            ),
        ),
        "Records": (
            Shown(
                "lines",
                "Records of the audit",
                "reqps",
                "By where to.",
                [(rate("audit_records_total", "sink", I), "{{sink}}")],
                "audit.html",
            ),
            Shown(
                "lines",
                "Records dropped",
                "short",
                "By where to, and why.",
                [
                    (
                        f"topk(8, sum by (sink, reason) (increase({P}audit_records_dropped_total{{{I}}}{R})))",
                        "{{sink}}: {{reason}}",
                    )
                ],
                "runbooks/audit-dropped.html",
            ),
            Shown(
                "lines",
                "Recording",
                "reqps",
                "Exchanges that are recorded.",
                [(rate("capture_records_total", "sink", I), "{{sink}}")],
                "capture.html",
            ),
            Shown(
                "lines",
                "Recording, dropped",
                "short",
                "Exchanges that were not recorded, by why.",
                [
                    (
                        f"sum by (reason) (increase({P}capture_records_dropped_total{{{I}}}{R}))",
                        "{{reason}}",
                    )
                ],
                "runbooks/capture-dropped.html",
            ),
        ),
    },
)

CAPACITY: Final = Board(
    "capacity",
    "placement-guard / Capacity and over-commit",
    "Is anything promised twice, and is there room for what is asked?",
    {
        "Promises": (
            Shown(
                "lines",
                "What verifying found",
                "short",
                "Acknowledged writes that were looked at again, and were not as they should be.",
                [(f"sum by (found) (increase({P}verifications_total{{{I}}}{R}))", "{{found}}")],
                "runbooks/over-commit.html",
            ),
            Shown(
                "lines",
                "Claims that found no room",
                "reqps",
                "Conflicts of the kind capacity.",
                [
                    (
                        f'sum by (operation) (rate({P}conflicts_total{{{O}, kind="capacity"}}{R}))',
                        "{{operation}}",
                    )
                ],
                "reference/conflicts.html",
            ),
        ),
        "Room": (
            Shown(
                "lines",
                "In work",
                "short",
                "Requests that are being worked on.",
                [(f"sum by (instance) ({P}in_flight_requests{{{I}}})", "{{instance}}")],
                "overload.html",
            ),
            Shown(
                "lines",
                "Places in use",
                "short",
                "Of each limit, and how many places there are; 0: any number.",
                [
                    (f"sum by (limit) ({P}limit_in_use{{{I}}})", "{{limit}} in use"),
                    (f"max by (limit) ({P}limit_places{{{I}}})", "{{limit}} places"),
                ],
                "overload.html",
            ),
            Shown(
                "stacked",
                "Not let in",
                "reqps",
                "Requests that the guard did not let in, by why.",
                [(rate("shed_total", "why", O), "{{why}}")],
                "runbooks/shedding.html",
            ),
            Shown(
                "lines",
                "Breakers",
                "short",
                "Workers that answer 503 since the database is gone.",
                [(f"sum by (instance) ({P}breaker_open{{{I}}})", "{{instance}}")],
                "runbooks/breaker-open.html",
            ),
        ),
        "What the guard goes without": (
            Shown(
                "lines",
                "Fail open",
                "short",
                "Times that something failed that the guard goes on without.",
                [(f"sum by (component) (increase({P}fail_open_total{{{I}}}{R}))", "{{component}}")],
                "runbooks/fail-open.html",
            ),
            Shown(
                "number",
                "Hands on",
                "short",
                "1: Placement takes what the guard has decoded. 0: it does all of it again.",
                [(f"min({P}hands_on{{{I}}})", "hands on")],
                "runbooks/hands-nothing-on.html",
                4,
            ),
            Shown(
                "lines",
                "Sizes of bodies",
                "bytes",
                "How large the bodies are that are sent.",
                [
                    (quantile(q, "request_body_bytes", O), f"p{float(q) * 100:.0f}")
                    for q in ("0.5", "0.99")
                ],
                "reference/options.html",
                8,
            ),
        ),
    },
)
