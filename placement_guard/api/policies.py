"""Placement's policy rules and their defaults, for where Placement's own enforcer is not at hand.

Source: ``placement.policies``, openstack-placement 16; ``tests/placement/test_table.py`` compares
them. A Placement context answers for itself (``context.can``), and is asked first.
"""

from typing import Any, Final

from oslo_policy import policy

from placement_guard.api.operations import OPERATIONS

_PROJECT: Final = ["project"]
_REASON: Final = "Placement's policies have scope types and new default roles since 6.0.0 (Xena)."
_SINCE: Final = "W"  # Wallaby

_ADMIN_OR_SERVICE: Final = "rule:admin_or_service_api"
_DEFAULTS: Final = {
    "placement:reshaper:reshape": "rule:service_api",
    "placement:usages": "rule:admin_or_project_reader_or_service_api",
}
"""The rules whose default is not "admin or service"."""


def _base(
    name: str, check: str, scopes: list[str] | None, *, replaces_admin: bool
) -> policy.RuleDefault:
    # Each rule gets an object of its own: oslo.policy changes the defaults that it is given.
    old = policy.DeprecatedRule(
        name="rule:admin_api",
        check_str="role:admin",
        deprecated_reason=_REASON,
        deprecated_since=_SINCE,
    )
    return policy.RuleDefault(
        name,
        check,
        description=f"Placement's {name} rule.",
        scope_types=scopes,
        deprecated_rule=old if replaces_admin else None,
    )


def list_rules() -> list[policy.RuleDefault]:
    """New rule objects, as Placement would register them."""
    rules = [
        _base("admin_api", "role:admin", _PROJECT, replaces_admin=False),
        _base("service_api", "role:service", _PROJECT, replaces_admin=True),
        _base("admin_or_service_api", "role:admin or role:service", _PROJECT, replaces_admin=True),
        _base(
            "project_reader_api",
            "role:reader and project_id:%(project_id)s",
            None,
            replaces_admin=True,
        ),
        _base(
            "admin_or_project_reader_or_service_api",
            "role:admin or rule:project_reader_api or role:service",
            _PROJECT,
            replaces_admin=True,
        ),
    ]
    by_rule: dict[str, Any] = {}
    for operation in OPERATIONS:
        if operation.rule:
            by_rule.setdefault(operation.rule, []).append(
                {"method": operation.method, "path": operation.path}
            )
    rules += [
        policy.DocumentedRuleDefault(
            name=name,
            check_str=_DEFAULTS.get(name, _ADMIN_OR_SERVICE),
            description=f"Placement's {name} rule.",
            operations=operations,
            scope_types=_PROJECT,
        )
        for name, operations in by_rule.items()
    ]
    return rules
