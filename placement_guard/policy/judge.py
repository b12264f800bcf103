"""A policy as it is in force: asked about a write, it says yes or no, and by which rule.

First ``everybody:<operation>``, or else ``everybody``, must allow it, where there is one. Then
``placement_guard:<operation>`` decides, where there is one. Otherwise profiles do: a profile X is a
rule ``profile:X`` that says whom it is for, and rules ``X:<operation>`` that say what they may do,
with ``X:default`` for operations that have none. Who has profiles may do what any of them allows;
who has none is judged by ``profile_of_others``, and may do everything where there is no such rule.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from oslo_log import log

from placement_guard.api.operations import OPERATIONS
from placement_guard.policy.before import NotReadError
from placement_guard.policy.files import Place, PolicyError, PolicyProblem, Written, listed, read
from placement_guard.policy.parsing import PolicyRule, near, parsed
from placement_guard.policy.question import Question, Reason, UnevaluableError
from placement_guard.target import UnreadableTargetError

LOG = log.getLogger(__name__)

EVERYBODY: Final = "everybody"
OTHERS: Final = "profile_of_others"
PREFIX: Final = "placement_guard:"
PROFILE: Final = "profile:"
DEFAULT: Final = "default"

MUTATIONS: Final = frozenset(o.name for o in OPERATIONS if o.mutates and o.rule)
"""The operations that target policy is asked about."""

_CANNOT_TELL: Final = (UnevaluableError, NotReadError, UnreadableTargetError)


class Asked(NamedTuple):
    """A rule that was asked: whether it passed, or why it could not be evaluated."""

    rule: str
    passed: bool
    error: str = ""


class Judgement(NamedTuple):
    """What a policy says of a write.

    ``rule`` is the policy rule that decided; empty where none did. ``error`` says why it could not
    be evaluated, which refuses. ``reason`` is the first thing that did not pass. ``asked`` are all
    rules that were asked, in order. ``observed`` is what a rule for everybody refused that is only
    observed.
    """

    allowed: bool
    rule: str = ""
    reason: Reason | None = None
    error: str = ""
    asked: tuple[Asked, ...] = ()
    observed: "Judgement | None" = None


class _Steps(NamedTuple):
    """The names of the rules that are asked at one operation; empty where there is none.

    ``profiles`` has the rule that says whom each profile is for, and the one that says what it may.
    """

    everybody: str
    operation: str
    profiles: tuple[tuple[str, str], ...]


class Policy:
    """One policy, whole: it never changes. Made of rules that were read together."""

    def __init__(self, rules: Mapping[str, PolicyRule]) -> None:
        self.rules = rules
        names = [name.removeprefix(PROFILE) for name in rules if name.startswith(PROFILE)]
        self.profiles: tuple[str, ...] = tuple(names)
        self._others = self._first(OTHERS)
        self._steps = {operation: self._steps_at(operation) for operation in MUTATIONS}

    def _steps_at(self, operation: str) -> _Steps:
        return _Steps(
            self._first(f"{EVERYBODY}:{operation}", EVERYBODY),
            self._first(PREFIX + operation),
            tuple(
                (PROFILE + name, self._first(f"{name}:{operation}", f"{name}:{DEFAULT}"))
                for name in self.profiles
            ),
        )

    def _first(self, *names: str) -> str:
        return next((name for name in names if name in self.rules), "")

    def judge(self, question: Question, observed: Callable[[str], bool] | None = None) -> Judgement:
        """Whether this write may go on.

        What ``everybody`` refuses by a rule that is only ``observed`` is asked further; it is in
        ``observed`` of the judgement then.
        """
        asking = _Asking(self.rules, question)
        rule = self._steps[question.target.operation].everybody
        if rule and not asking.passes(rule):
            refused = asking.refused(rule)
            if observed is None or not observed(rule):
                return refused
            asking.forget()
            return self._after_everybody(asking)._replace(observed=refused)
        return self._after_everybody(asking)

    def _after_everybody(self, asking: "_Asking") -> Judgement:
        rule = self._steps[asking.question.target.operation].operation
        if not rule:
            return self._by_profile(asking)
        asking.question.in_profile = lambda: self._in_profile(asking.question)
        return asking.allowed(rule) if asking.passes(rule) else asking.refused(rule)

    def _in_profile(self, question: Question) -> bool:
        judgement = self._by_profile(_Asking(self.rules, question))
        if judgement.error:
            raise UnevaluableError(judgement.error)
        return judgement.allowed

    def _by_profile(self, asking: "_Asking") -> Judgement:
        operation = asking.question.target.operation
        own = [step for step in self._steps[operation].profiles if asking.passes(step[0])]
        if asking.error:  # a profile that cannot be told may be the one that says no
            return asking.refused(next(asked.rule for asked in asking.asked if asked.error))
        if not own:
            if not self._others or asking.passes(self._others):
                return asking.allowed(self._others)
            return asking.refused(self._others)
        for _, rule in own:
            if rule and asking.passes(rule):
                return asking.allowed(rule)
        missing = f"{own[0][0].removeprefix(PROFILE)}:{operation}"
        return asking.refused(next((rule for _, rule in own if rule), missing))


class _Asking:
    """The rules that are asked about one write."""

    def __init__(self, rules: Mapping[str, PolicyRule], question: Question) -> None:
        self._rules, self.question = rules, question
        self.asked: list[Asked] = []
        self.error = ""

    def passes(self, rule: str) -> bool:
        try:
            passed = self._rules[rule].ask(self.question)
        except _CANNOT_TELL as told:
            return self._failed(rule, str(told))
        except Exception:
            LOG.exception("Policy rule %s failed", rule)
            return self._failed(rule, "it failed; the log has more")
        self.asked.append(Asked(rule, passed))
        return passed

    def _failed(self, rule: str, error: str) -> bool:
        self.error = self.error or error
        self.asked.append(Asked(rule, False, error))
        return False

    def forget(self) -> None:
        """What did not pass so far is no reason for what comes."""
        self.error = ""
        self.question.refused.clear()

    def allowed(self, rule: str) -> Judgement:
        return Judgement(True, rule, asked=tuple(self.asked))

    def refused(self, rule: str) -> Judgement:
        reason = next(iter(self.question.refused), None)
        return Judgement(False, rule, reason, self.error, tuple(self.asked))


def load(file: str, directories: list[str]) -> Policy:
    """The policy that these files make. PolicyError with all that is wrong."""
    written = read(listed(file, directories))
    problems = list(_name_problems(written))
    try:
        rules = parsed(written)
    except PolicyError as error:
        raise PolicyError([*problems, *error.problems]) from None
    except RecursionError:
        text = "a rule is nested too deeply"
        raise PolicyError([PolicyProblem(Place(file or directories[0]), text)]) from None
    if problems:
        raise PolicyError(problems)
    return Policy(rules)


def _name_problems(written: Mapping[str, Written]) -> Iterator[PolicyProblem]:
    """Names that would never be asked: of operations and profiles that there are not."""
    profiles = {name.removeprefix(PROFILE) for name in written if name.startswith(PROFILE)}
    for name, rule in written.items():
        text = _name_problem(name, profiles)
        if text is not None:
            yield PolicyProblem(rule.place, f"{name}: {text}")


def _name_problem(name: str, profiles: set[str]) -> str | None:
    first, _, operation = name.partition(":")
    if first == "placement":
        return "such a rule belongs into the policy file of Placement itself"
    if f"{first}:" == PROFILE:
        usable = operation and ":" not in operation and operation not in _TAKEN
        return None if usable else "this is no usable name of a profile"
    if not operation or (first in profiles and operation == DEFAULT):
        return None
    if first in {*profiles, *_TAKEN}:
        if operation in MUTATIONS:
            return None
        return f"there is no operation {operation} that writes{near(operation, MUTATIONS)}"
    if operation in MUTATIONS or operation == DEFAULT:
        return f"there is no rule {PROFILE}{first}{near(first, profiles)}"
    return None


_TAKEN: Final = frozenset({EVERYBODY, PREFIX.removesuffix(":"), PROFILE.removesuffix(":")})
