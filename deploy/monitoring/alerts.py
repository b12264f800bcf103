"""The alerts on what the guard refuses, promises and goes on without."""

from typing import Final

from deploy.monitoring.alert import JOB, PREFIX, Alert, increased
from deploy.monitoring.recording import BUDGET

P: Final = PREFIX
_ON: Final = f'job="{JOB}",instance="a:9778"'
_LABELS: Final = {"instance": "a:9778"}

_STILL, _RISING = "0x60", "0+1x60"
"""Values of a counter, one a minute."""

AVAILABILITY: Final = (
    Alert(
        "PlacementGuardDown",
        f'up{{job="{JOB}"}} == 0',
        "2m",
        "page",
        "No metrics from {{ $labels.instance }}",
        "Prometheus cannot scrape the listener. Either no worker of this service lives, or the "
        "listener cannot be reached.",
        (
            "`curl http://HOST:9778/healthz` on the host itself.",
            "The log of the WSGI server: does it start its workers?",
            "The log under `placement_guard`: `Metrics cannot be served` says why there is no "
            "listener, `uWSGI runs without threads` that it cannot answer.",
        ),
        "Start the service again where it is down. Where it serves and only the listener is "
        "missing, see `metrics_host`, `metrics_port` and the firewall.",
        "While a host is maintained.",
        {f"up{{{_ON}}}": _STILL},
        {f"up{{{_ON}}}": "1x60"},
        {**_LABELS, "job": JOB},
    ),
    Alert(
        "PlacementGuardAbsent",
        f'absent(up{{job="{JOB}"}})',
        "10m",
        "page",
        "Nothing is scraped as placement-guard",
        "Prometheus knows no target of the job, so that no other alert can fire.",
        ("The targets page of Prometheus.", "The scrape configuration, or the ServiceMonitor."),
        'Put the job back. The rules look for `job="placement-guard"`.',
        "Before the guard is installed.",
        {'up{job="other"}': "1x60"},
        {f"up{{{_ON}}}": "1x60"},
        {"job": JOB},
    ),
    Alert(
        "PlacementGuardBreakerOpen",
        f"sum by (instance) ({P}breaker_open) > 0",
        "1m",
        "page",
        "The database of Placement is gone for workers on {{ $labels.instance }}",
        "Requests fail since the database cannot be reached. The workers counted answer 503 with "
        "`Retry-After` at once, and let one request in from time to time to see.",
        (
            "`curl http://HOST:9778/readyz`: what does the check `database` say?",
            "The log: `Placement's database is gone`, and the error before it.",
            "The database server itself: does it live, is it full, are its connections used up?",
        ),
        "Bring the database back. Nothing has to be done about the guard: the first request that "
        "is served closes the breaker.",
        "A worker that gets no requests does not learn that the database is back. If all of them "
        "idle, send one.",
        {f"{P}breaker_open{{{_ON}}}": "1x60"},
        {f"{P}breaker_open{{{_ON}}}": _STILL},
        _LABELS,
    ),
    Alert(
        "PlacementGuardFailing",
        "placement_guard:failed:ratio_rate5m > 0.05",
        "5m",
        "page",
        "More than 5 % of the requests end with a 5xx",
        "Placement, or the guard, fails. Clients see 500 or 503.",
        (
            "The overview: which operations?",
            "The log: `Placement failed in request` has what Placement said, `The guard failed` a "
            "traceback.",
        ),
        "If it is Placement, treat it as without a guard. If it is the guard, set the rule that "
        "the traceback names to `off`, or take the guard out of the pipeline.",
        "Never for long.",
        {
            f'{P}requests_total{{{_ON},outcome="failed"}}': "0+10x60",
            f'{P}requests_total{{{_ON},outcome="served"}}': "0+90x60",
        },
        {
            f'{P}requests_total{{{_ON},outcome="failed"}}': "0+1x60",
            f'{P}requests_total{{{_ON},outcome="served"}}': "0+90x60",
        },
    ),
    Alert(
        "PlacementGuardShedding",
        f'sum by (instance, why) (rate({P}shed_total{{why!="outage"}}[5m])) > 0',
        "10m",
        "ticket",
        "Requests are not let in on {{ $labels.instance }} ({{ $labels.why }})",
        "A limit has been reached for ten minutes: `busy` is a limit on requests in work, "
        "`user_rate` and `project_rate` are those on rates.",
        (
            "The capacity dashboard: which operations, and how full are the places?",
            "The audit: `verdict` `shed` names who was not let in.",
        ),
        "Find out whether one client asks too much, or the limit is too low. See "
        "[Overload](../overload.md).",
        "While a known client makes up for an outage.",
        {f'{P}shed_total{{{_ON},why="busy"}}': _RISING},
        {
            f'{P}shed_total{{{_ON},why="outage"}}': _RISING,
            f'{P}shed_total{{{_ON},why="busy"}}': _STILL,
        },
        {**_LABELS, "why": "busy"},
    ),
    *(
        Alert(
            f"PlacementGuardBudgetBurns{speed}",
            f"placement_guard:own_over_budget:ratio_rate{short} > {factor} * {BUDGET}\n"
            f"and placement_guard:own_over_budget:ratio_rate{long} > {factor} * {BUDGET}",
            "2m",
            severity,
            f"The guard itself takes more than 5 ms for too many requests ({speed.lower()} burn)",
            "The guard promises to cost less than 5 ms for 99 % of the requests: Placement, and the "
            f"wait for lanes and limits, not counted. For {short} and for {long} it has missed that "
            f"{factor} times as often as it may.",
            (
                "The overview: is the time in a stage (`target_policy` with rules that read what is "
                "stored; `document` with large bodies), or spread?",
                "The host: does something else take the processor?",
            ),
            "Look at the stage that grew: a policy rule that reads, bodies of megabytes, a full "
            "host. Take back the last change of the policy if it came with it.",
            "A few huge reshapes among little else take more than 5 ms by right.",
            {
                f'{P}own_duration_seconds_bucket{{{_ON},le="0.005"}}': "0+50x500",
                f"{P}own_duration_seconds_count{{{_ON}}}": "0+100x500",
            },
            {
                f'{P}own_duration_seconds_bucket{{{_ON},le="0.005"}}': "0+999x500",
                f"{P}own_duration_seconds_count{{{_ON}}}": "0+1000x500",
            },
            at="8h",
        )
        for speed, factor, short, long, severity in (
            ("Fast", 14.4, "5m", "1h", "page"),
            ("Slowly", 6, "30m", "6h", "ticket"),
        )
    ),
)
"""What stops good requests."""

PROMISES: Final = (
    Alert(
        "PlacementGuardOverCommit",
        increased(f"{P}verifications_total", "instance", where='found="overcommitted"'),
        "0m",
        "page",
        "More is promised than there is, behind {{ $labels.instance }}",
        "After a claim was acknowledged, the usage of a class was above its capacity.",
        (
            "The log: `overcommitted after ...` has the request; the audit has its providers.",
            "`placement-guard scan` lists every provider that is over-committed, and by how much.",
            "Was an inventory made smaller, or a ratio lowered, meanwhile? Then claims from before "
            "are above the capacity by right.",
        ),
        "Find what writes past the guard: another Placement without one, or with `lanes` and "
        "`resend` off, on the same database. Move or release what is too much.",
        "After an operator has made an inventory smaller than what is used.",
        {f'{P}verifications_total{{{_ON},found="overcommitted"}}': _RISING},
        {
            f'{P}verifications_total{{{_ON},found="not_read"}}': _RISING,
            f'{P}verifications_total{{{_ON},found="overcommitted"}}': _STILL,
        },
        _LABELS,
    ),
    Alert(
        "PlacementGuardWriteLost",
        increased(
            f"{P}verifications_total",
            "instance, found",
            where='found=~"lost_claim|reshape_differs"',
        ),
        "0m",
        "page",
        "What was acknowledged is not stored, behind {{ $labels.instance }} ({{ $labels.found }})",
        "A claim or a reshape was acknowledged, and a read right after it found something else.",
        (
            "The log has the request; the audit has the consumers and the providers.",
            "`placement-guard scan` compares what is stored with itself.",
        ),
        "Look in the audit for another write to the same consumer at the same time: if there is "
        "one, it has come in between. If not, the database has lost a write: look at its own log.",
        "Where a consumer is released right after it was claimed.",
        {f'{P}verifications_total{{{_ON},found="lost_claim"}}': _RISING},
        {f'{P}verifications_total{{{_ON},found="lost_claim"}}': _STILL},
        {**_LABELS, "found": "lost_claim"},
    ),
    Alert(
        "PlacementGuardConflictStorm",
        f"sum by (instance) (rate({P}conflicts_total[5m]))\n"
        f'  > 0.2 * sum by (instance) (rate({P}requests_total{{outcome=~"committed|conflict"}}[5m]))\n'
        f"and sum by (instance) (rate({P}conflicts_total[5m])) > 1",
        "5m",
        "ticket",
        "A fifth of the writes conflict on {{ $labels.instance }}",
        "Clients get 409 and try again, which makes more conflicts.",
        (
            "The conflict dashboard: which operation, and which kind? `capacity` is a full cloud, "
            "`consumer_generation` and `provider_generation` are clients with old knowledge.",
            "`curl http://HOST:9778/hot` or the status page: which providers?",
        ),
        "With `capacity`: nothing is wrong with Placement. With generations of one provider: find "
        "the two clients that write to it, by the audit. With `lost_race`: see whether the lanes "
        "work ([Concurrent writes](../concurrency.md)).",
        "While many instances are started at once on few hosts.",
        {
            f'{P}conflicts_total{{{_ON},kind="lost_race"}}': "0+300x60",
            f'{P}requests_total{{{_ON},outcome="committed"}}': "0+300x60",
        },
        {
            f'{P}conflicts_total{{{_ON},kind="lost_race"}}': "0+70x60",
            f'{P}requests_total{{{_ON},outcome="committed"}}': "0+3000x60",
        },
        _LABELS,
    ),
    Alert(
        "PlacementGuardResendsGivenUp",
        f'sum by (instance) (increase({P}resent_requests_total{{result!="cured"}}[15m])) > 10',
        "5m",
        "info",
        "Lost races are handed to the clients on {{ $labels.instance }}",
        "Requests that lost a race were sent again as often as allowed, and lost again.",
        ("The conflict dashboard: by which result?", "`/hot`: which providers?"),
        "`budget`: more `resend_attempts` would not help, less concurrency would: see "
        "`lane_width` and `limit_claims`. `deadline`: Placement is slow.",
        "In a short storm: clients try again as well.",
        {f'{P}resent_requests_total{{{_ON},result="attempts"}}': "0+2x60"},
        {
            f'{P}resent_requests_total{{{_ON},result="cured"}}': "0+100x60",
            f'{P}resent_requests_total{{{_ON},result="attempts"}}': _STILL,
        },
        _LABELS,
    ),
    Alert(
        "PlacementGuardLanesTimeOut",
        f'sum by (instance) (rate({P}lanes_total{{result=~"timeout|full"}}[5m]))\n'
        f"  > 0.05 * sum by (instance) (rate({P}lanes_total[5m]))",
        "10m",
        "info",
        "Writes give up waiting for their turn on {{ $labels.instance }}",
        "More than 5 % of the writes went on without their lanes: the queue was too long.",
        ("The conflict dashboard: how long do they wait?", "`/hot`: is it one provider?"),
        "If conflicts rise too, see `lane_wait_seconds` and `lane_width`.",
        "Nothing is wrong by it: such a write may only conflict.",
        {
            f'{P}lanes_total{{{_ON},result="timeout"}}': "0+10x60",
            f'{P}lanes_total{{{_ON},result="held"}}': "0+90x60",
        },
        {f'{P}lanes_total{{{_ON},result="held"}}': "0+90x60"},
        _LABELS,
    ),
)
"""What is promised, and what collides."""
