"""``docs/rules/``: a page for each rule, and their index."""

from typing import Final

from placement_guard.opts import GROUP
from placement_guard.rejection import reject
from placement_guard.rules import RULES, Mode, Rule
from tests.markdown import MARK, table
from tests.rule_examples import EXAMPLES, Example
from tests.rule_requests import Answer, refused

FOLDER: Final = "docs/rules"


def page_of(rule: Rule) -> str:
    """The name of the page of a rule, in FOLDER."""
    return f"{rule.id}.md"


def kind(rule: Rule) -> str:
    """Whether a rule is sound, or who holds the opinion."""
    if rule.sound:
        return "sound"
    return "chosen" if rule.chosen else "opinion"


def index() -> str:
    """docs/rules/index.md"""
    rows = [
        (
            f"[{rule.id}]({page_of(rule)})",
            f"`{rule.stage}`",
            str(rule.status),
            kind(rule),
            f"`{rule.default_mode}`",
            rule.since,
            rule.summary,
        )
        for rule in RULES
    ]
    pages = "\n".join(rule.id for rule in RULES)
    return (
        f"{MARK}# Rules\n\n"
        "Every reason for which the guard refuses a request, or warns of it, in the order of the "
        "[journey](../journey.md). [The wire](../reference/wire.md) tells how a refusal and a "
        "warning look.\n\n"
        "A rule is *sound* if it never refuses what Placement would serve correctly. Any other rule "
        "is an *opinion*: what it finds is likely to be a mistake, and Placement would serve it. A "
        "*chosen* rule refuses what an operator has written down, in a [policy](../policy.md).\n\n"
        "## Modes\n\n"
        + table(
            ("Mode", "What a broken rule leads to", "Default for"),
            [
                ("`enforce`", "The request is refused.", "sound and chosen rules"),
                (
                    "`warn`",
                    "The request goes on. It is counted, logged, and marked in the answer.",
                    "opinions",
                ),
                ("`off`", "Nothing: the request goes on as if there were no such rule.", ""),
            ],
        )
        + "\nThe option [`rules`](../reference/options.md#rules) sets the modes that are not to be "
        "the default; [`observe`](../reference/options.md#observe) turns `enforce` into `warn` for "
        "all of them. A rule that lets a request pass does not make Placement serve it.\n\n"
        "## All rules\n\n"
        + table(("Rule", "Stage", "Status", "Kind", "Default", "Since", "Broken, because"), rows)
        + "\nThe examples on the pages are sent through a guard by a test, with a request context "
        "whose user is `nova`, with the role `admin`, unless the page says otherwise.\n\n"
        f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    )


def page(rule: Rule) -> str:
    """docs/rules/<id>.md"""
    example = EXAMPLES[rule.id]
    whose = (
        "Placement refuses such a request too, with the same status and wording"
        if rule.placement
        else "the guard's only"
    )
    rows = [
        ("Stage", f"[`{rule.stage}`](../journey.md#{rule.stage})"),
        ("Status", str(rule.status)),
        ("Code", f"`{reject(rule.id).code}`"),
        ("Whose", whose),
        ("Kind", f"[{kind(rule)}](index.md)"),
        ("Default mode", f"[`{rule.default_mode}`](index.md#modes)"),
        ("Since", rule.since),
    ]
    verb = "Refused" if rule.default_mode is Mode.ENFORCE else "Warned of"
    more = f"\n{example.more}\n" if example.more else ""
    return (
        f"{MARK}# {rule.id}\n\n{verb}, because {rule.summary}.\n{more}\n{table(('', ''), rows)}\n"
        f"## What a bare Placement does\n\n{example.bare}\n\n"
        f"{_broken(rule, example)}\n"
        f"## Accepted\n\n{_request(example.accepted, example.given_right)}\n"
        f"## What to do\n\n{example.advice}\n\n"
        f"{_modes(rule)}"
    )


def _broken(rule: Rule, example: Example) -> str:
    request = _request(example.refused, example.given)
    enforced = _rejected(rule)
    if rule.default_mode is Mode.ENFORCE:
        return f"## Refused\n\n{request}\nThe answer, and its detail:\n\n{_answer(enforced)}"
    return (
        f"## Warned of\n\n{request}\nPlacement answers, and the answer has the header:\n\n"
        f"```text\nPlacement-Guard: {refused(rule).decision}\n```\n\n"
        f"In mode `enforce` the guard answers, with this detail:\n\n{_answer(enforced)}"
    )


def _rejected(rule: Rule) -> Answer:
    """The answer of a guard that enforces the rule. ValueError if another one refuses."""
    answer = refused(rule, {rule.id: Mode.ENFORCE})
    if f'rule="{rule.id}"' not in (answer.decision or ""):
        raise ValueError(f"the example of {rule.id} is not refused by it: {answer}")
    return answer


def _request(text: str, given: str) -> str:
    return f"```text\n{text}\n```\n" + (f"\n{given}\n" if given else "")


def _answer(answer: Answer) -> str:
    detail = "\n".join(line.rstrip() for line in answer.detail.strip().splitlines())
    return (
        f"```text\nHTTP/1.1 {answer.status}\nPlacement-Guard: {answer.decision}\n```\n\n"
        f"```text\n{detail}\n```\n"
    )


def _modes(rule: Rule) -> str:
    other = Mode.WARN if rule.default_mode is Mode.ENFORCE else Mode.ENFORCE
    leads = "warn of such a request" if other is Mode.WARN else "refuse it"
    left = (
        "Where the guard lets such a request pass, Placement refuses it.\n\n"
        if rule.placement
        else ""
    )
    return (
        f"## Another mode\n\nIn `placement.conf`, to {leads}:\n\n"
        f"```ini\n[{GROUP.name}]\nrules = {rule.id}:{other}\n```\n\n"
        f"To switch the rule off: `{rule.id}:off`. Several rules stand on one line, with commas "
        f"between them: see [`rules`](../reference/options.md#rules).\n\n{left}"
    ).rstrip("\n") + "\n"
