"""The options of target policy."""

from typing import Final

from oslo_config import cfg

from placement_guard.settings import Settings

_defaults = Settings()

OPTIONS: Final = (
    cfg.StrOpt(
        "target_policy_file",
        default=_defaults.target_policy_file,
        help=(
            "A file of policy rules that see the payload: which resource classes, how many "
            "providers, whose project. It is read again when it changes; while it cannot be used "
            "the last good policy stays in force. An absolute path. Default: none."
        ),
    ),
    cfg.ListOpt(
        "target_policy_dirs",
        default=list(_defaults.target_policy_dirs),
        help=(
            "Directories of such files (.yaml, .yml, .json), for example one for each profile. "
            "They are read after target_policy_file, by their names; of a rule that stands in "
            "several files the last one holds. Absolute paths."
        ),
    ),
    cfg.ListOpt(
        "target_policy_observe",
        default=list(_defaults.target_policy_observe),
        help=(
            "Patterns of the policy rules that are only observed, for example "
            "cyborg:*,everybody: what they would refuse goes on, is counted, logged and marked in "
            "the answer."
        ),
    ),
    cfg.StrOpt(
        "break_glass_role",
        default=_defaults.break_glass_role,
        help=(
            "Who has this role is not judged by target policy, for the night on which it is wrong. "
            "Every use is counted, logged and audited. Placement's own policy still holds. "
            "Default: nobody."
        ),
    ),
)
"""All of them, in ``[placement_guard]``."""
