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
from placement_guard.policy.consumer_checks import ChangedClasses, NoGrowth, ReleasedProjects
from placement_guard.policy.own_tree import OwnTree
from placement_guard.policy.provider_checks import (
    HeldClasses,
    MaxShare,
    MaxTrees,
    Owner,
    ProviderNames,
)
from placement_guard.policy.state_checks import (
    AddedClasses,
    DroppedClasses,
    DroppedTraits,
    MaxShrink,
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
    "changed_classes": ChangedClasses,
    "no_growth": NoGrowth,
    "owner": Owner,
    "held_classes": HeldClasses,
    "provider_names": ProviderNames,
    "own_tree": OwnTree,
    "max_trees": MaxTrees,
    "max_tree_share": MaxShare,
    "max_cloud_share": MaxShare,
}

for _kind, _check in CHECKS.items():
    policy.register(_kind, _check)
