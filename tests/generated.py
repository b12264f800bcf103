"""The files that are made from the source, and how.

``python -m tests.generated`` writes them; with ``--check`` it lists those that are not current,
and exits with 1. A page that says something by hand about each stage or outcome takes it from a dict
below, about each rule from tests/rule_examples: what is missing there is a KeyError here.
"""

import argparse
import contextlib
import io
import logging
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from oslo_config import cfg
from oslo_config import generator as config_generator
from oslo_policy import generator as policy_generator
from prometheus_client import CollectorRegistry

from deploy.monitoring import runbooks
from deploy.monitoring.files import files as monitoring_files
from placement_guard.admission.places import LIMITS
from placement_guard.admission.shed import WHYS
from placement_guard.api import conflicts, resends
from placement_guard.api.operations import LAST_VERSION, NAMES, OPERATIONS, Operation, Version
from placement_guard.api.policies import list_rules
from placement_guard.cli.config.kinds import KINDS
from placement_guard.observers.audit.metrics import SINKS
from placement_guard.observers.metrics import Metrics
from placement_guard.observers.metrics.clients import NEWER, NONE
from placement_guard.observers.metrics.condition import COMPONENTS
from placement_guard.observers.metrics.durations import SLOW
from placement_guard.observers.writing.sink import REASONS
from placement_guard.opts import GROUP, OPTIONS
from placement_guard.outcome import Ending
from placement_guard.rules import RULES
from placement_guard.stages import ORDER
from tests import cli_page, rule_pages
from tests.markdown import MARK, literals, table
from tests.policy_page import callers_list, checks_table

ROOT: Final = Path(__file__).resolve().parent.parent

NAMESPACE: Final = "placement-guard"

TARGET_NAMESPACE: Final = f"{NAMESPACE}-target"


RESULTS: Final = {
    "attempts": "given up: it was sent as often as allowed.",
    "budget": "given up: the process had no resends left.",
    "cured": "sent again until no resend could do more: served, as a rule.",
    "deadline": "given up: its time was over.",
    "broken": "the files could not be used; the last good policy stays.",
    "failed": "it could not be read; the rule cannot be evaluated.",
    "found": "it was read.",
    "loaded": "the files were read, and are in force.",
    "missing": "Placement says that there is no such thing.",
    "full": "too many waited before it; it went on without.",
    "held": "it had all its lanes.",
    "timeout": "it waited as long as allowed, and went on without.",
    "unavailable": "there were no lanes; it went on without.",
}
"""By the label ``result``."""


FOUND: Final = {
    "lost_claim": "a claim that was acknowledged is stored otherwise, or not at all.",
    "not_read": "it could not be looked at: the caller may not read it, or Placement failed.",
    "overcommitted": "more of a class is used than its capacity; also where an inventory was made "
    "smaller.",
    "reshape_differs": "what is stored is not what a reshape wrote.",
}
"""By the label ``found``."""


class StageNote(NamedTuple):
    """What the journey tells of a stage."""

    question: str
    reads: str


STAGES: Final = {
    "identity": StageNote("Who asks?", "`placement.context`, keystone's headers"),
    "framing": StageNote("Is the body announced properly?", "Content-Length, Content-Type"),
    "operation": StageNote("What is asked?", "method, path, microversion"),
    "content_type": StageNote("Is the body declared as JSON?", "Content-Type"),
    "gate_policy": StageNote("May this user do it at all?", "the context, the policy"),
    "query": StageNote("Can Placement take the query of a read?", "the query string"),
    "path": StageNote("Does the path name what can be named?", "the names in the path"),
    "body": StageNote("Is the body whole, and within bounds?", "the body"),
    "document": StageNote("Is the body sound, and what Placement's schema says?", "the body"),
    "invariants": StageNote("Does the inventory make sense?", "the document"),
    "target_policy": StageNote(
        "May this user do just this?", "the document, the policy files, what is stored"
    ),
}
"""By stage."""

OUTCOMES: Final = {
    Ending.REJECTED: "The guard refused it. Placement was not asked.",
    Ending.SERVED: "Placement answered a read.",
    Ending.COMMITTED: "Placement made the change.",
    Ending.CONFLICT: "Placement answered 409.",
    Ending.REFUSED: "Placement answered any other 4xx.",
    Ending.SHED: "The guard did not let it in now: a limit, or Placement's database is gone.",
    Ending.FAILED: "A 5xx or an exception, Placement's or the guard's.",
}
"""By outcome."""


_TYPES: Final[dict[type[cfg.Opt], str]] = {
    cfg.BoolOpt: "boolean",
    cfg.IntOpt: "integer",
    cfg.FloatOpt: "number",
    cfg.StrOpt: "string",
    cfg.ListOpt: "list",
    cfg.DictOpt: "dictionary",
    cfg.HostAddressOpt: "host address",
}


# etc/ ------------------------------------------------------------------------------------------


def config_sample() -> str:
    """What ``oslo-config-generator`` writes; wide enough to keep the lines of the help texts."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "sample")
        args = ["--namespace", NAMESPACE, "--wrap-width", "110", "--output-file", str(path)]
        config_generator.main(args)
        return _clean(path.read_text(encoding="utf-8"))


def policy_sample(namespace: str = NAMESPACE) -> str:
    """What ``oslopolicy-sample-generator`` writes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "sample")
        args = ["--namespace", namespace, "--output-file", str(path)]
        with contextlib.redirect_stdout(io.StringIO()):
            policy_generator.generate_sample(args=args, conf=cfg.ConfigOpts())
        return _clean(path.read_text(encoding="utf-8"))


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"


# docs/ -----------------------------------------------------------------------------------------


def options_page() -> str:
    """docs/reference/options.md"""
    sections = [
        f"## {option.name}\n\n"
        + table(("Type", "Default"), [(_TYPES[type(option)], f"`{_written(option.default)}`")])
        + f"\n{literals(option.help.strip())}\n"
        for option in OPTIONS
    ]
    return (
        f"{MARK}# Options\n\nThey stand in `placement.conf`, group `[{GROUP.name}]`. "
        "They are read once, at start-up; a change needs a restart. How they are checked is told in "
        "[Configuration problems](problems.md). `etc/placement-guard/placement-guard.conf.sample` "
        "holds them all.\n\n" + "\n".join(sections)
    )


VERSIONS: Final = ("version", "placement_version", "python_version")
"""Labels whose values are those of the installation, not of a table."""


def metrics_page() -> str:
    """docs/reference/metrics.md"""
    registry = CollectorRegistry()
    Metrics(registry)
    families = sorted(registry.collect(), key=lambda family: family.name)
    values: dict[str, dict[str, None]] = {}
    sections = []
    for family in families:
        samples = [s for s in family.samples if not s.name.endswith("_created")]
        labels = [name for name in samples[0].labels if name not in {"le", *VERSIONS}]
        for label in labels:
            values.setdefault(label, {}).update(dict.fromkeys(s.labels[label] for s in samples))
        rows = [
            ("Type", family.type),
            ("Labels", ", ".join(f"[`{n}`](#label-{n})" for n in labels)),
            *([("Of the build", ", ".join(VERSIONS))] if VERSIONS[0] in samples[0].labels else []),
            ("Series at start", str(len(samples))),
        ]
        bounds = dict.fromkeys(s.labels["le"] for s in samples if "le" in s.labels)
        if bounds:
            rows.append(("Buckets", ", ".join(bounds)))
        name = family.name + ("_total" if family.type == "counter" else "")
        sections.append(f"## {name}\n\n{family.documentation}\n\n{table(('', ''), rows)}")
    series = sum(1 for f in families for s in f.samples if not s.name.endswith("_created"))
    sections += [_label_section(name, list(values[name])) for name in sorted(values)]
    return (
        f"{MARK}# Metrics\n\nAll names begin with `placement_guard_`. Times are in seconds, sizes in "
        f"bytes. Every label value comes from a table, so no client can add a series: there are "
        f"{series} from the start, at 0, and there are never more. In a single process each counter "
        "and histogram also has a `_created` series of the Prometheus client, and in the OpenMetrics "
        "format the buckets of `placement_guard_request_duration_seconds` carry the id of a request "
        f"as an exemplar: of each that took {SLOW} seconds or more, of others of one a second. "
        "Several workers count in files, which have room for neither. Histograms "
        "have the buckets that are named: the Prometheus client for Python has no native "
        "ones.\n\n" + "\n".join(sections)
    )


def _label_section(name: str, values: list[str]) -> str:
    meanings: dict[str, str] = {}
    if name == "outcome":
        meanings = {ending.value: OUTCOMES[ending] for ending in Ending}
    elif name == "kind":
        meanings = {kind.name: f"{kind.meaning}." for kind in conflicts.KINDS}
        meanings[conflicts.OTHER] = "none of these."
    elif name == "result":
        meanings = RESULTS
    elif name == "why":
        meanings = {why.name: f"{why.status}: {why.message}" for why in WHYS}
    elif name == "found":
        meanings = FOUND
    elif name == "sink":
        meanings = SINKS
    elif name == "reason":
        meanings = REASONS
    elif name == "component":
        meanings = COMPONENTS
    elif name == "limit":
        meanings = {limit: f"The places of `{option}`." for limit, option in LIMITS.items()}
    elif name == "microversion":
        meanings = {NEWER: "newer than the guard knows.", NONE: "refused before it was read."}
    elif name == "mode":
        meanings = {"enforce": "refused.", "warn": "let through."}
    elif name == "stage":
        meanings = {stage: STAGES[stage].question for stage in ORDER}
    elif name == "rule":
        meanings = {r.id: f"[{r.summary}](../rules/{rule_pages.page_of(r)})." for r in RULES}
    title = f"(label-{name})=\n## Label {name}\n\n"
    if not meanings:
        return title + "\n".join(f"- `{value}`" for value in sorted(values)) + "\n"
    if name == "microversion":
        meanings = {v: meanings.get(v, f"microversion {v}.") for v in values}
    return title + table(("Value", "Meaning"), [(f"`{v}`", meanings[v]) for v in values])


def operations_page() -> str:
    """docs/reference/operations.md"""
    checks = {rule.name: f"`{rule.check_str}`" for rule in list_rules()}
    rows = [
        (
            f"`{o.name}`",
            o.method,
            _path(o),
            _version(o.since),
            _documents(o),
            checks[o.rule] if o.rule else "none",
        )
        for o in OPERATIONS
    ]
    roles = [(f"`rule:{r.name}`", f"`{r.check_str}`") for r in list_rules() if ":" not in r.name]
    return (
        f"{MARK}# Operations\n\nEach row is one method of one route of Placement, up to microversion "
        f"{_version(LAST_VERSION)}; a newer one is served by the rows of this one. The names are the "
        "values of the metric label `operation`, together with `unmatched` for every request that no "
        "row matches. *Since* is the first microversion: below, Placement answers 404 or 405. "
        "*Document* is what the body must be, from each microversion on; where none is named, no "
        "body is read. A mutation that no row matches is refused "
        "([operation.unknown](../rules/operation.unknown.md)).\n\n"
        + table(("Operation", "Method", "Path", "Since", "Document", "Default policy"), rows)
        + f"\nThere are {len(NAMES)} values of the label.\n\n## Default policy\n\nThe policy rule of an "
        "operation is its name with the prefix `placement:`. The defaults are Placement's; the "
        "policy file of Placement overrides them.\n\n" + table(("Rule", "Check"), roles)
    )


def exceptions_page() -> str:
    """docs/reference/exceptions.md"""
    first = [o for o in OPERATIONS if o.provider_first]
    ours = [_row(o) for o in first if not o.provider_asked]
    asked = [_row(o) for o in first if o.provider_asked]
    head = ("Operation", "Method", "Path")
    return (
        f"{MARK}# Exceptions to the order\n\nThe guard asks in Placement's own order, so a refused "
        "request gets the status that Placement would have given it. There is one exception. In "
        "these operations Placement looks up the provider (404) before it judges the body (400). "
        "The guard judges the body first. So a bad body gets 400 where the provider does not exist, "
        "too.\n\n"
        + table(head, ours)
        + "\nEverywhere else the status is Placement's. In these operations Placement looks up the "
        "provider first, too, and the guard lets it: before a bad body is refused, a read of the "
        "same path asks Placement for the provider. If there is none, its 404 is the answer.\n\n"
        + table(head, asked)
    )


def _row(operation: Operation) -> tuple[str, str, str]:
    return f"`{operation.name}`", operation.method, _path(operation)


def conflicts_page() -> str:
    """docs/reference/conflicts.md"""
    kinds = [(f"`{kind.name}`", f"{kind.meaning}.") for kind in conflicts.KINDS]
    kinds.append((f"`{conflicts.OTHER}`", "none of these."))
    rows = [
        (f"`{row.operation}`", f"`{row.kind}`", "yes" if row.again else "no", row.reason)
        for row in resends.TABLE
    ]
    return (
        f"{MARK}# Conflicts\n\nEvery 409 of Placement has a kind. Placement's code does not tell it: "
        "several kinds share one, and below microversion 1.23 there is none. The guard tells it by the "
        "code or by the wording, changes neither, and says it in the header of the answer, in the "
        'metrics and in the log.\n\n```text\nPlacement-Guard: conflict="lost_race"\n```\n\n'
        "## Kinds\n\n"
        + table(("Kind", "What it means"), kinds)
        + "\n## What is sent again\n\nA pair that is not in this table is not sent again: another "
        "attempt would come to the same. [Concurrent writes](../concurrency.md) tells how often and how "
        "long.\n\n" + table(("Operation", "Kind", "Sent again", "Why"), rows)
    )


def journey_section() -> str:
    """The picture and the table in docs/journey.md"""
    rules = {stage: [r for r in RULES if r.stage == stage] for stage in ORDER}
    statuses = {
        stage: ", ".join(map(str, sorted({r.status for r in found})))
        for stage, found in rules.items()
    }
    width = max(map(len, ORDER))
    boxes = ["request, with its context and its microversion", "   |"]
    for stage in ORDER:
        boxes += [f"   v\n {stage:<{width}}  ---->  {statuses[stage]}", "   |"]
    boxes += [f"   v\n {'Placement':<{width}}  ---->  its answer", "   |"]
    boxes += ["   v\n outcome, metrics, log"]
    rows = [
        (
            f"`{stage}`",
            STAGES[stage].question,
            STAGES[stage].reads,
            "<br>".join(f"{r.status} [{r.id}](rules/{rule_pages.page_of(r)})" for r in found),
        )
        for stage, found in rules.items()
    ]
    return (
        "```text\n"
        + "\n".join(boxes)
        + "\n```\n\n"
        + table(("Stage", "Asks", "Reads", "Rules"), rows)
    )


def journey_page() -> str:
    """docs/journey.md"""
    return _between_marks("docs/journey.md", journey_section())


def problems_section() -> str:
    """The table of what ``config check`` finds, in docs/reference/problems.md"""
    rows = [(f"`{k.id}`", k.severity, k.meaning, k.advice) for k in KINDS.values()]
    return table(("Id", "Severity", "What is wrong", "What to do"), rows)


def problems_page() -> str:
    """docs/reference/problems.md"""
    return _between_marks("docs/reference/problems.md", problems_section())


def target_policy_page() -> str:
    """docs/policy.md"""
    return _between_marks("docs/policy.md", checks_table() + "\n\n" + CALLER + callers_list())


CALLER: Final = "Of the caller a rule can ask, besides `role:NAME` and `rule:NAME`: "


def _between_marks(path: str, section: str) -> str:
    """A page that is written by hand, but for what stands between two marks."""
    text = (ROOT / path).read_text(encoding="utf-8")
    begin, end = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{path} has lost its marks")
    return f"{head}{begin}\n{section}\n{end}{tail}"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(operation: Operation) -> str:
    return f"`{operation.path}`" if operation.path else "(empty)"


def _version(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def _documents(operation: Operation) -> str:
    return "<br>".join(
        f"{_version(first)}: {document.name if document else 'ignored'}"
        for first, document in operation.bodies
    )


def _monitoring(path: str) -> str:
    return monitoring_files()[path]


def _runbook(path: str) -> str:
    return MARK + runbooks.pages()[path]


# The files -------------------------------------------------------------------------------------

FILES: Final[dict[str, Callable[[], str]]] = {
    "etc/placement-guard/placement-guard.conf.sample": config_sample,
    "etc/placement-guard/policy.yaml.sample": policy_sample,
    "etc/placement-guard/target-policy.yaml.sample": partial(policy_sample, TARGET_NAMESPACE),
    "docs/journey.md": journey_page,
    "docs/policy.md": target_policy_page,
    "docs/reference/options.md": options_page,
    "docs/reference/metrics.md": metrics_page,
    "docs/reference/operations.md": operations_page,
    "docs/reference/exceptions.md": exceptions_page,
    "docs/reference/conflicts.md": conflicts_page,
    "docs/reference/cli.md": cli_page.page,
    "docs/reference/problems.md": problems_page,
    f"{rule_pages.FOLDER}/index.md": rule_pages.index,
    **{path: partial(_monitoring, path) for path in monitoring_files()},
    **{path: partial(_runbook, path) for path in runbooks.pages()},
    **{
        f"{rule_pages.FOLDER}/{rule_pages.page_of(rule)}": partial(rule_pages.page, rule)
        for rule in RULES
    },
}
"""Path from the root of the repository, and what makes its text."""


def is_current(path: str) -> bool:
    """Whether the file holds what it would be given now."""
    file = ROOT / path
    return file.is_file() and file.read_text(encoding="utf-8") == FILES[path]()


def main(argv: list[str] | None = None) -> int:
    """Write all files, or check them; returns 1 where a check finds one that is not current."""
    parser = argparse.ArgumentParser(prog="python -m tests.generated", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale files, change none")
    arguments = parser.parse_args(argv)
    stale = [path for path in FILES if not is_current(path)]
    for path in stale:
        if not arguments.check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(FILES[path](), encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    logging.disable()  # the examples are refused, which the guard logs
    sys.exit(main())
