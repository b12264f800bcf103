"""The files that are made from the source, and how.

``python -m tests.generated`` writes them; with ``--check`` it lists those that are not current,
and exits with 1. A page that says something by hand about each rule, stage or outcome takes it from
a dict below: what is missing there is a KeyError here.
"""

import argparse
import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from oslo_config import cfg
from oslo_config import generator as config_generator
from oslo_policy import generator as policy_generator
from prometheus_client import CollectorRegistry

from placement_guard.api import conflicts
from placement_guard.api.operations import LAST_VERSION, NAMES, OPERATIONS, Operation, Version
from placement_guard.api.policies import list_rules
from placement_guard.observers.metrics import Metrics
from placement_guard.opts import GROUP, OPTIONS
from placement_guard.outcome import Ending
from placement_guard.rejection import reject
from placement_guard.rules import RULES, Rule
from placement_guard.stages import ORDER

ROOT: Final = Path(__file__).resolve().parent.parent

NAMESPACE: Final = "placement-guard"

MARK: Final = (
    '<!-- Made by "make samples" (tests/generated.py) from the source. Do not edit. -->\n\n'
)

PROVIDER: Final = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"


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
    "body": StageNote(
        "Is the body whole, and within bounds?", "the consumer in the path, the body"
    ),
    "document": StageNote("Is the body sound, and what Placement's schema says?", "the body"),
}
"""By stage."""

OUTCOMES: Final = {
    Ending.REJECTED: "The guard refused it. Placement was not asked.",
    Ending.SERVED: "Placement answered a read.",
    Ending.COMMITTED: "Placement made the change.",
    Ending.CONFLICT: "Placement answered 409.",
    Ending.REFUSED: "Placement answered any other 4xx.",
    Ending.FAILED: "A 5xx or an exception, Placement's or the guard's.",
}
"""By outcome."""


class Example(NamedTuple):
    """A request that a rule refuses, and what to do about it.

    ``context`` holds the arguments of the request context, or is what stands in its place;
    ``given`` says what the request alone does not show.
    """

    request: str
    advice: str
    given: str = ""
    context: Any = {"user_id": "nova", "project_id": "service", "roles": ["admin"]}  # noqa: RUF012


def _json(line: str, body: str, version: str = "1.39") -> str:
    return (
        f"{line} HTTP/1.1\nOpenStack-API-Version: placement {version}\n"
        f"Content-Type: application/json\n\n{body}"
    )


_READ: Final = "GET /resource_providers HTTP/1.1"
_PIPELINE: Final = (
    "Look at the pipeline: the guard belongs right behind Placement's context and microversion "
    "middleware. One of the [ways in](../ways-in.md) puts it there. The log says it once, at ERROR."
)
_JSON_WRITER: Final = (
    "Repair the client. Standard JSON libraries do not write such a body unless they are told to."
)

EXAMPLES: Final = {
    "context.missing": Example(
        _READ, _PIPELINE, "`placement.context` is not in environ.", context=None
    ),
    "context.wrong_type": Example(
        _READ,
        _PIPELINE,
        "`placement.context` is a string.",
        context="nova",
    ),
    "context.no_user": Example(
        _READ,
        "Look at the token: keystone named no user for it. A context that the client could shape "
        "is a hole in the authentication in front of Placement.",
        "`placement.context` is a request context whose `user_id` is None.",
        context={"roles": ["admin"]},
    ),
    "context.not_confirmed": Example(
        f"{_READ}\nX-Identity-Status: Invalid",
        "The token is invalid or has expired, and `[keystone_authtoken] delay_auth_decision` let "
        "the request through. Get a new token; leave that option off.",
    ),
    "context.contradicts_headers": Example(
        f"{_READ}\nX-User-Id: somebody-else",
        f"{_PIPELINE} If the pipeline is right, something between authentication and the guard "
        "changes the headers or the context.",
        "The user in `placement.context` is `nova`.",
    ),
    "context.reused": Example(
        _READ,
        f"{_PIPELINE} Tests with one fixed context set `allow_reused_context`.",
        "The same `placement.context` object came with an earlier request.",
    ),
    "http.content_length_invalid": Example(
        "POST /resource_providers HTTP/1.1\nContent-Length: ten",
        "Repair the client, or the proxy that wrote the header. Most servers refuse it first.",
    ),
    "http.content_type_missing": Example(
        'POST /resource_providers HTTP/1.1\n\n{"name": "compute-1"}',
        "Send `Content-Type: application/json`.",
    ),
    "operation.unknown": Example(
        _json("POST /reshaper/", "{}"),
        "Correct the path or the method. A trailing slash or a double slash makes another path. "
        "Reads of unknown paths go on to Placement, which answers 404 too; so do requests below "
        "the first microversion of an operation.",
    ),
    "http.content_type_unsupported": Example(
        'POST /resource_providers HTTP/1.1\nContent-Type: text/plain\n\n{"name": "compute-1"}',
        "Send `Content-Type: application/json`. Parameters such as a charset do no harm.",
    ),
    "policy.forbidden": Example(
        _json("POST /reshaper", "{}"),
        "Give the user the role that the [policy rule](operations.md) asks for, or change the rule "
        "in the policy file of Placement. Reshaping needs the role `service`.",
        "The user has the role `admin` alone.",
    ),
    "allocations.malformed_consumer": Example(
        _json("PUT /allocations/instance-1", "{}"),
        "Use the UUID of the consumer.",
    ),
    "body.too_large": Example(
        "POST /reshaper HTTP/1.1\nOpenStack-API-Version: placement 1.39\n"
        "Content-Type: application/json\nContent-Length: 10485761",
        "Send less at once. If such bodies are right in your cloud, raise `max_body_bytes`.",
        "`max_body_bytes` has its default; the user has the role `service`.",
        context={"user_id": "nova", "roles": ["service"]},
    ),
    "body.incomplete": Example(
        "POST /resource_providers HTTP/1.1\nContent-Type: application/json\n"
        'Content-Length: 100\n\n{"name": "compute-1"}',
        "The client went away, or announced more than it sent. It can send the request again.",
    ),
    "json.malformed": Example(
        _json("POST /resource_providers", '{"name": "compute-1",}'),
        "Repair the client. The detail says where the parser stopped. UTF-16, UTF-32 and a byte "
        "order mark are no JSON for Placement either.",
    ),
    "document.invalid": Example(
        _json("POST /resource_providers", '{"name": 1}'),
        "Repair the client. The detail is Placement's: what is wrong, the part of the schema, and "
        "where it is in the body.",
    ),
    "json.too_deep": Example(
        _json("POST /resource_providers", '{"name": [[ ... ]]}'),
        "Repair the client. No body that Placement takes is deeper than ten levels.",
        "The lists are nested in 501 levels.",
    ),
    "json.duplicate_key": Example(
        _json(
            f"PUT /resource_providers/{PROVIDER}/inventories",
            '{"resource_provider_generation": 0,\n'
            ' "inventories": {"VCPU": {"total": 64, "total": 6400}}}',
        ),
        "Repair the client: decide which of the values is meant. Placement would take the last "
        "one. Every place is reported, each on a line of its own.",
    ),
    "json.not_finite": Example(
        _json(
            f"PUT /resource_providers/{PROVIDER}/inventories",
            '{"resource_provider_generation": 0,\n'
            ' "inventories": {"VCPU": {"total": 64, "allocation_ratio": NaN}}}',
        ),
        "Repair the client: NaN is no JSON. A number too large for a float, such as 1e400, is not "
        "finite either; where the schema has an upper bound for it, `document.invalid` comes first.",
    ),
    "json.nul_character": Example(
        _json("POST /resource_providers", r'{"name": "compute\u0000-1"}'),
        f"{_JSON_WRITER} PostgreSQL cannot store the character; other databases store it.",
    ),
    "json.lone_surrogate": Example(
        _json("POST /resource_providers", r'{"name": "compute\ud800-1"}'),
        f"{_JSON_WRITER} It is half of a character, and cannot be stored.",
    ),
}
"""By rule."""

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


def policy_sample() -> str:
    """What ``oslopolicy-sample-generator`` writes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "sample")
        args = ["--namespace", NAMESPACE, "--output-file", str(path)]
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
        + _table(("Type", "Default"), [(_TYPES[type(option)], f"`{_written(option.default)}`")])
        + f"\n{_markdown(option.help.strip())}\n"
        for option in OPTIONS
    ]
    return (
        f"{MARK}# Options\n\nThey stand in `placement.conf`, group `[{GROUP.name}]`. "
        "They are read once, at start-up; a change needs a restart. How they are checked is told in "
        "[Configuration problems](problems.md). `etc/placement-guard/placement-guard.conf.sample` "
        "holds them all.\n\n" + "\n".join(sections)
    )


def metrics_page() -> str:
    """docs/reference/metrics.md"""
    registry = CollectorRegistry()
    Metrics(registry)
    families = sorted(registry.collect(), key=lambda family: family.name)
    values: dict[str, dict[str, None]] = {}
    sections = []
    for family in families:
        samples = [s for s in family.samples if not s.name.endswith("_created")]
        labels = [name for name in samples[0].labels if name != "le"]
        for label in labels:
            values.setdefault(label, {}).update(dict.fromkeys(s.labels[label] for s in samples))
        rows = [
            ("Type", family.type),
            ("Labels", ", ".join(f"[`{n}`](#label-{n})" for n in labels)),
            ("Series at start", str(len(samples))),
        ]
        bounds = dict.fromkeys(s.labels["le"] for s in samples if "le" in s.labels)
        if bounds:
            rows.append(("Buckets", ", ".join(bounds)))
        name = family.name + ("_total" if family.type == "counter" else "")
        sections.append(f"## {name}\n\n{family.documentation}\n\n{_table(('', ''), rows)}")
    series = sum(1 for f in families for s in f.samples if not s.name.endswith("_created"))
    sections += [_label_section(name, list(values[name])) for name in sorted(values)]
    return (
        f"{MARK}# Metrics\n\nAll names begin with `placement_guard_`. Times are in seconds, sizes in "
        f"bytes. Every label value comes from a table, so no client can add a series: there are "
        f"{series} from the start, at 0, and there are never more. In a single process each counter "
        "and histogram also has a `_created` series of the Prometheus client.\n\n"
        + "\n".join(sections)
    )


def _label_section(name: str, values: list[str]) -> str:
    meanings: dict[str, str] = {}
    if name == "outcome":
        meanings = {ending.value: OUTCOMES[ending] for ending in Ending}
    elif name == "kind":
        meanings = {kind.name: f"{kind.meaning}." for kind in conflicts.KINDS}
        meanings[conflicts.OTHER] = "none of these."
    elif name == "mode":
        meanings = {"enforce": "refused.", "warn": "let through (observe mode)."}
    elif name == "stage":
        meanings = {stage: STAGES[stage].question for stage in ORDER}
    elif name == "rule":
        meanings = {r.id: f"[{r.summary}](rules.md#{_anchor(r)})." for r in RULES}
    title = f"(label-{name})=\n## Label {name}\n\n"
    if not meanings:
        return title + "\n".join(f"- `{value}`" for value in sorted(values)) + "\n"
    return title + _table(("Value", "Meaning"), [(f"`{v}`", meanings[v]) for v in values])


def rules_page() -> str:
    """docs/reference/rules.md"""
    return (
        f"{MARK}# Rules\n\nEvery reason for which the guard refuses a request, in the order of the "
        "[journey](../journey.md). [The wire](wire.md) tells how a refusal looks. All rules are "
        "enforced; [observe mode](../operator.md#2-roll-out-in-observe-mode) turns all of them into warnings.\n\n"
        + _table(
            ("Rule", "Stage", "Status", "Refused, because"),
            [
                (f"[`{r.id}`](#{_anchor(r)})", f"`{r.stage}`", str(r.status), r.summary)
                for r in RULES
            ],
        )
        + "\n"
        + "\n".join(map(_rule_section, RULES))
    )


def _rule_section(rule: Rule) -> str:
    example = EXAMPLES[rule.id]
    whose = (
        "Placement's own: it refuses such a request with the same status and wording."
        if rule.placement
        else "The guard's only: a bare Placement serves such a request, or fails."
    )
    rows = [
        ("Stage", f"`{rule.stage}`"),
        ("Status", str(rule.status)),
        ("Code", f"`{reject(rule.id).code}`"),
        ("Whose", whose),
    ]
    if rule.message:
        rows.append(("Message", rule.message))
    given = f"{example.given}\n\n" if example.given else ""
    return (
        f"({_anchor(rule)})=\n## {rule.id}\n\nRefused, because {rule.summary}.\n\n"
        f"{_table(('', ''), rows)}\nAn example:\n\n```text\n{example.request}\n```\n\n"
        f"{given}What to do: {example.advice}\n"
    )


def _anchor(rule: Rule) -> str:
    return "rule-" + re.sub(r"[^a-z]+", "-", rule.id)


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
        "([operation.unknown](rules.md#rule-operation-unknown)).\n\n"
        + _table(("Operation", "Method", "Path", "Since", "Document", "Default policy"), rows)
        + f"\nThere are {len(NAMES)} values of the label.\n\n## Default policy\n\nThe policy rule of an "
        "operation is its name with the prefix `placement:`. The defaults are Placement's; the "
        "policy file of Placement overrides them.\n\n" + _table(("Rule", "Check"), roles)
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
        + _table(head, ours)
        + "\nEverywhere else the status is Placement's. In these operations Placement looks up the "
        "provider first, too, and the guard lets it: before a bad body is refused, a read of the "
        "same path asks Placement for the provider. If there is none, its 404 is the answer.\n\n"
        + _table(head, asked)
    )


def _row(operation: Operation) -> tuple[str, str, str]:
    return f"`{operation.name}`", operation.method, _path(operation)


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
            "<br>".join(f"{r.status} [{r.id}](reference/rules.md#{_anchor(r)})" for r in found),
        )
        for stage, found in rules.items()
    ]
    return (
        "```text\n"
        + "\n".join(boxes)
        + "\n```\n\n"
        + _table(("Stage", "Asks", "Reads", "Refuses"), rows)
    )


def journey_page() -> str:
    """docs/journey.md: written by hand, but for what stands between two marks."""
    text = (ROOT / "docs/journey.md").read_text(encoding="utf-8")
    begin, end = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError("docs/journey.md has lost its marks")
    return f"{head}{begin}\n{journey_section()}\n{end}{tail}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _markdown(text: str) -> str:
    """reStructuredText's literals as Markdown's."""
    return text.replace("``", "`")


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


# The files -------------------------------------------------------------------------------------

FILES: Final[dict[str, Callable[[], str]]] = {
    "etc/placement-guard/placement-guard.conf.sample": config_sample,
    "etc/placement-guard/policy.yaml.sample": policy_sample,
    "docs/journey.md": journey_page,
    "docs/reference/options.md": options_page,
    "docs/reference/metrics.md": metrics_page,
    "docs/reference/rules.md": rules_page,
    "docs/reference/operations.md": operations_page,
    "docs/reference/exceptions.md": exceptions_page,
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
    sys.exit(main())
