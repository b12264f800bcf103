"""Rules of target policy: ``target_policy``."""

from typing import Final

from tests.rule_examples.example import Example, inventories

_FILE: Final = """\
"profile:cyborg": "user_id:cyborg"
"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_ACCELERATOR_*"
"""

_STATEFUL: Final = """\
"placement_guard:resource_providers:inventories:update": "dropped_classes:none"
"""

_CYBORG: Final = {"user_id": "cyborg", "project_id": "service", "roles": ["admin"]}

POLICY: Final = {
    "policy.target_forbidden": Example(
        refused=inventories('{"VCPU": {"total": 64}}'),
        accepted=inventories('{"CUSTOM_ACCELERATOR_FPGA": {"total": 2}}'),
        bare="Placement knows no policy that sees the payload: who may write inventories may write "
        "all of them.",
        advice="Ask whether this service is to do this. If it is, change the "
        "[policy](../policy.md) rule that the refusal names; `placement-guard policy list` tells "
        "where it stands. If it is not, its credentials may be in wrong hands.",
        more="Asked only where the operator has written [a policy](../policy.md). The answer names "
        "the policy rule that decided, and the first item that did not pass. Releases are under it "
        "like everything else: write policies that let them pass.",
        given="`target_policy_file` names a file with\n\n```yaml\n"
        + _FILE
        + "```\n\nand the user is "
        "`cyborg`.",
        given_right="The same policy, and the same user.",
        context=_CYBORG,
        context_right=_CYBORG,
        policy=_FILE,
    ),
    "policy.not_evaluable": Example(
        refused=inventories('{"VCPU": {"total": 64}}'),
        accepted=inventories('{"VCPU": {"total": 64}}'),
        bare="Placement knows no policy that sees the payload.",
        advice="The detail says what could not be told. What is stored cannot be read where Placement "
        "is overloaded, where the caller may not read it, or where it would take more than 16 reads (of a reshape: 256). "
        "Some rules need a microversion that says enough.",
        more="A policy that cannot be evaluated refuses: it fails closed. Asked only where the "
        "operator has written [a policy](../policy.md).",
        given="`target_policy_file` names a file with\n\n```yaml\n"
        + _STATEFUL
        + "```\n\nand what is "
        "stored cannot be read.",
        given_right="Without this policy.",
        policy=_STATEFUL,
        unread=True,
    ),
}
