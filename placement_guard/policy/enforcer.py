"""What oslo.policy's own tools see of target policy: its rules with their defaults, an enforcer.

``oslopolicy-sample-generator --namespace placement-guard-target`` and its like read them. The guard
itself asks :mod:`~placement_guard.policy.judge`.
"""

from typing import Final

from oslo_config import cfg
from oslo_policy import opts, policy

from placement_guard.api.operations import OPERATIONS
from placement_guard.policy.judge import EVERYBODY, MUTATIONS, OTHERS, PREFIX

_DESCRIPTION: Final = "What the payload of {} may be. Without this rule, profiles decide."


def list_rules() -> list[policy.RuleDefault]:
    """New rule objects: what a policy without any rules comes to."""
    rules = [
        policy.RuleDefault(EVERYBODY, "@", "What every write must pass, whoever sends it."),
        policy.RuleDefault(OTHERS, "@", "What callers may do for whom there is no profile."),
    ]
    for name in sorted(MUTATIONS):
        rows = [o for o in OPERATIONS if o.name == name and o.mutates]
        rules.append(
            policy.DocumentedRuleDefault(
                name=PREFIX + name,
                check_str="profiles:any",
                description=_DESCRIPTION.format(name),
                operations=[{"method": o.method, "path": o.path} for o in rows],
            )
        )
    return rules


def enforcer() -> policy.Enforcer:
    """For ``oslopolicy-list-redundant`` and its like (``--namespace placement-guard``)."""
    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, policy_file="target-policy.yaml")
    found = policy.Enforcer(conf)
    found.register_defaults(list_rules())
    return found
