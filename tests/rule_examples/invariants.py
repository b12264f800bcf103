"""Rules of the stage ``invariants``."""

from typing import Final

from tests.rule_examples.example import (
    AS_SERVICE,
    CONSUMER,
    SERVICE,
    Example,
    held,
    inventories,
    reshape,
)

_RESHAPED: Final = reshape('{"total": 64, "reserved": 8}')
_PUT: Final = inventories('{"VCPU": {"total": 64, "reserved": 8, "allocation_ratio": 1.5}}')

INVARIANTS: Final = {
    "inventory.negative_capacity": Example(
        refused=reshape('{"total": 64, "reserved": 72}'),
        accepted=_RESHAPED,
        bare="Placement refuses a negative capacity wherever one provider's inventory is written, "
        "but not in a reshape: it stores the inventory (204).",
        advice="Correct `reserved` or `total`. The capacity is "
        "`(total - reserved) * allocation_ratio`.",
        more="Looks at reshapes; everywhere else Placement's own refusal stands.",
        given=AS_SERVICE,
        given_right=AS_SERVICE,
        context=SERVICE,
        context_right=SERVICE,
    ),
    "inventory.negative_ratio": Example(
        refused=inventories('{"VCPU": {"total": 64, "reserved": 72, "allocation_ratio": -1.5}}'),
        accepted=_PUT,
        bare="The schema has no lower bound for a ratio. With `reserved` above `total` two "
        "negatives make a capacity above zero, and Placement stores it: here there would be 12 VCPU. "
        "A reshape stores any negative ratio (204).",
        advice="Correct `allocation_ratio`. It is 1.0 where resources are not over-committed.",
        more="Where one provider's inventory is written and the capacity is negative, Placement's "
        "own refusal stands.",
    ),
    "inventory.capacity_overflow": Example(
        refused=inventories('{"VCPU": {"total": 64, "allocation_ratio": -1e308}}'),
        accepted=_PUT,
        bare="Placement answers 500: the capacity is infinite, and no integer can be made of it.",
        advice="Correct `allocation_ratio`.",
        more="Looks at one provider's inventory. In a reshape such a ratio is refused by "
        "[inventory.negative_ratio](inventory.negative_ratio.md). Large positive ratios are the "
        "schema's matter.",
    ),
    "inventory.zero_ratio": Example(
        refused=inventories('{"VCPU": {"total": 64, "allocation_ratio": 0}}'),
        accepted=_PUT,
        bare="Placement serves it. The inventory is there, and nothing of it can be claimed.",
        advice="If nothing shall be claimed, say so with `reserved`, or with a trait. If the ratio "
        "is a mistake, correct it.",
    ),
    "inventory.min_above_max": Example(
        refused=inventories('{"VCPU": {"total": 64, "min_unit": 8, "max_unit": 4}}'),
        accepted=inventories('{"VCPU": {"total": 64, "min_unit": 4, "max_unit": 8}}'),
        bare="Placement serves it. Every claim is then below `min_unit` or above `max_unit`, and "
        "is refused.",
        advice="Correct `min_unit` or `max_unit`.",
    ),
    "inventory.step_above_total": Example(
        refused=inventories('{"VCPU": {"total": 64, "step_size": 128}}'),
        accepted=inventories('{"VCPU": {"total": 64, "step_size": 16}}'),
        bare="Placement serves it. A claim must be a multiple of `step_size`; with an allocation "
        "ratio of 1.0 the smallest one does not fit.",
        advice="Correct `step_size`. With an allocation ratio well above 1.0 a step above the total "
        "can be meant: leave the rule at `warn` then, or switch it off.",
    ),
    "reshape.exceeds_inventory": Example(
        refused=reshape('{"total": 4}', f'{{"{CONSUMER}": {held()}}}'),
        accepted=reshape('{"total": 64}', f'{{"{CONSUMER}": {held()}}}'),
        bare="Placement decides. It answers 409 where the reshape makes usage larger than the "
        "capacity, and serves the reshape where the provider was that full before.",
        advice="Look at both sides of the reshape: the inventory that it leaves and the allocations "
        "that it moves there.",
        more="Compares the allocations of a reshape with the inventory of the same reshape, by "
        "provider and resource class.",
        given=AS_SERVICE,
        given_right=AS_SERVICE,
        context=SERVICE,
        context_right=SERVICE,
    ),
}
