"""The alerts on the guard itself: its policy, its records, and what it goes on without."""

from typing import Final

from deploy.monitoring.alert import JOB, PREFIX, Alert, increased

P: Final = PREFIX
_ON: Final = f'job="{JOB}",instance="a:9778"'
_LABELS: Final = {"instance": "a:9778"}
_STILL, _RISING = "0x60", "0+1x60"

REFUSALS: Final = (
    Alert(
        "PlacementGuardServiceRejected",
        increased(f"{P}service_rejections_total", "instance, rule"),
        "0m",
        "ticket",
        "A service of OpenStack is refused by {{ $labels.rule }} on {{ $labels.instance }}",
        "A request of a user with the role `service`, or with a service token, broke a sound rule: "
        "one that refuses only what Placement could not serve. A service has a fault, or its "
        "password is used by somebody else.",
        (
            "The log: `Rejected ... by rule RULE` has the user, the operation and the place in the "
            "body.",
            "The status page has the last of them.",
            "The page of the rule in [Rules](../rules/index.md).",
        ),
        "Tell the owner of the service, with the line of the log. If the service cannot be changed "
        "at once and the rule is the guard's own, set it to `warn` meanwhile.",
        "`policy.forbidden`, where a service was just given other roles.",
        {f'{P}service_rejections_total{{{_ON},rule="json.nul_character"}}': _RISING},
        {f'{P}service_rejections_total{{{_ON},rule="json.nul_character"}}': _STILL},
        {**_LABELS, "rule": "json.nul_character"},
    ),
    Alert(
        "PlacementGuardGlassBroken",
        increased(f"{P}break_glass_total", "instance, operation"),
        "0m",
        "ticket",
        "A write went past target policy on {{ $labels.instance }} ({{ $labels.operation }})",
        "A user with the role that `break_glass_role` names has written what target policy did not "
        "judge.",
        ("The audit: `verdict` `break_glass`.", "The log: `Glass broken`."),
        "See that it was meant, and that the role is taken away again.",
        "During an emergency that you know of.",
        {f'{P}break_glass_total{{{_ON},operation="reshaper:reshape"}}': _RISING},
        {f'{P}break_glass_total{{{_ON},operation="reshaper:reshape"}}': _STILL},
        {**_LABELS, "operation": "reshaper:reshape"},
    ),
    Alert(
        "PlacementGuardPolicyBroken",
        f"max by (instance) ({P}policy_broken) > 0",
        "1m",
        "ticket",
        "Target policy cannot be read on {{ $labels.instance }}",
        "The files of target policy were changed, and cannot be used. The last good policy is in "
        "force; after a restart there would be none, and the service would not start.",
        (
            "The log has every problem, with file and line.",
            "`placement-guard policy validate` on the host says the same.",
        ),
        "Correct the files. They are read again by themselves.",
        "While files are being copied, for less than a minute.",
        {f"{P}policy_broken{{{_ON}}}": "1x60"},
        {f"{P}policy_broken{{{_ON}}}": _STILL},
        _LABELS,
    ),
    Alert(
        "PlacementGuardPolicyReloadFailed",
        increased(f"{P}policy_reloads_total", "instance", where='result="broken"'),
        "0m",
        "info",
        "A change of target policy was not taken on {{ $labels.instance }}",
        "A worker has found the files changed, and could not use them.",
        ("As for `PlacementGuardPolicyBroken`.",),
        "Test a policy before it is installed: `placement-guard policy test`.",
        "Where it was corrected at once.",
        {f'{P}policy_reloads_total{{{_ON},result="broken"}}': _RISING},
        {f'{P}policy_reloads_total{{{_ON},result="loaded"}}': _RISING},
        _LABELS,
    ),
    Alert(
        "PlacementGuardPolicyReadsFail",
        increased(f"{P}policy_reads_total", "instance", where='result="failed"'),
        "0m",
        "ticket",
        "Target policy cannot read what is stored on {{ $labels.instance }}",
        "A rule of target policy asked for what is stored, and Placement could not tell. Such a "
        "rule refuses: good writes may be stopped.",
        ("The log of that time.", "The refusals by `policy.not_evaluable`."),
        "Look why Placement fails: see `PlacementGuardFailing`.",
        "In the moments in which the database is gone.",
        {f'{P}policy_reads_total{{{_ON},result="failed"}}': _RISING},
        {f'{P}policy_reads_total{{{_ON},result="found"}}': _RISING},
        _LABELS,
    ),
)
"""Who is refused, and by which policy."""

WITHOUT: Final = (
    Alert(
        "PlacementGuardFailOpen",
        increased(f"{P}fail_open_total", "instance, component"),
        "0m",
        "ticket",
        "The guard goes on without {{ $labels.component }} on {{ $labels.instance }}",
        "Something failed that the guard can go on without. Nothing was refused for it, and no check "
        "was left out; what it is for is missing.",
        (
            "The component: see [fail_open](../reference/metrics.md#placement_guard_fail_open_total).",
            "The log says once why, when it begins.",
        ),
        "`lanes`: Redis, or the directory of the lanes. `verifying`: see whether Placement fails. "
        "`observer`: the traceback is in the log; report it. `status`: the directory of "
        "`PROMETHEUS_MULTIPROC_DIR` is full or cannot be written. `traces`: the collector.",
        "While Redis or the collector is restarted.",
        {f'{P}fail_open_total{{{_ON},component="lanes"}}': _RISING},
        {f'{P}fail_open_total{{{_ON},component="lanes"}}': _STILL},
        {**_LABELS, "component": "lanes"},
    ),
    Alert(
        "PlacementGuardHandsNothingOn",
        f'max by (instance) ({P}fail_open_total{{component="hand_on"}}) > 0',
        "15m",
        "info",
        "This Placement is not as the guard knows it on {{ $labels.instance }}",
        "The guard hands nothing on to Placement, so that each body is parsed and checked twice: it "
        "is safe, and slower.",
        (
            "The log at start-up says what differs.",
            "`placement_guard_build_info` has the versions.",
        ),
        "Look for a newer guard, or report the version of Placement.",
        "Right after Placement was upgraded.",
        {f'{P}fail_open_total{{{_ON},component="hand_on"}}': "2x60"},
        {f'{P}fail_open_total{{{_ON},component="hand_on"}}': _STILL},
        _LABELS,
    ),
    Alert(
        "PlacementGuardAuditDropped",
        increased(f"{P}audit_records_dropped_total", "instance, sink, reason"),
        "0m",
        "page",
        "Records of the audit are lost on {{ $labels.instance }} "
        "({{ $labels.sink }}: {{ $labels.reason }})",
        "Writes were served, and their records were not written.",
        (
            "The reason: see [the label](../reference/metrics.md#label-reason).",
            "`no_space`, `unwritable`: the disk of the file. `unreachable`: the message bus. "
            "`queue_full`: more came than could be written.",
        ),
        "Make room, or bring the bus back: records are written again by themselves. What was dropped "
        "is not found again; the log has the number.",
        "`exit`, where a worker was killed.",
        {f'{P}audit_records_dropped_total{{{_ON},sink="file",reason="no_space"}}': _RISING},
        {f'{P}audit_records_dropped_total{{{_ON},sink="file",reason="no_space"}}': _STILL},
        {**_LABELS, "sink": "file", "reason": "no_space"},
    ),
    Alert(
        "PlacementGuardCaptureDropped",
        increased(f"{P}capture_records_dropped_total", "instance, reason"),
        "0m",
        "info",
        "A recording has gaps on {{ $labels.instance }} ({{ $labels.reason }})",
        "Exchanges were not recorded, so that a replay will not be of all that happened.",
        ("The reason: see [the label](../reference/metrics.md#label-reason).",),
        "Make room, or record less: `capture_bodies`, `capture_reads`.",
        "Where the recording is for a look only.",
        {f'{P}capture_records_dropped_total{{{_ON},sink="file",reason="queue_full"}}': _RISING},
        {f'{P}capture_records_dropped_total{{{_ON},sink="file",reason="queue_full"}}': _STILL},
        {**_LABELS, "reason": "queue_full"},
    ),
)
"""What is missing, while requests are served."""
