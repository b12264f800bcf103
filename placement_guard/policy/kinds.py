"""Every check of the guard's own, by the word before the colon.

They are entry points of ``oslo.policy.rule_checks`` too, for oslo.policy's own tools; the guard
does not depend on how it was installed.
"""

from typing import Final

from oslo_policy import policy

from placement_guard.policy.checks import (
    Amounts,
    AtMost,
    MinMicroversion,
    Named,
    PayloadCheck,
    Profiles,
    Release,
)
from placement_guard.policy.provider_checks import MaxShare, Owner, OwnTree, ProviderNames
from placement_guard.policy.state_checks import (
    AddedClasses,
    DroppedClasses,
    DroppedTraits,
    MaxShrink,
    ReleasedProjects,
)
from placement_guard.target import KINDS

CHECKS: Final[dict[str, type[PayloadCheck]]] = {
    **dict.fromkeys(KINDS, Named),
    "max_providers": AtMost,
    "max_consumers": AtMost,
    "max_amount": Amounts,
    "max_total": Amounts,
    "release": Release,
    "min_microversion": MinMicroversion,
    "profiles": Profiles,
    "dropped_classes": DroppedClasses,
    "added_classes": AddedClasses,
    "max_shrink": MaxShrink,
    "dropped_traits": DroppedTraits,
    "released_projects": ReleasedProjects,
    "owner": Owner,
    "provider_names": ProviderNames,
    "own_tree": OwnTree,
    "max_tree_share": MaxShare,
    "max_cloud_share": MaxShare,
}

for _kind, _check in CHECKS.items():
    policy.register(_kind, _check)
