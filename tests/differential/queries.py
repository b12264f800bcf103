"""Query strings that are served, by operation and microversion."""

import random
from collections.abc import Iterable
from urllib.parse import quote

from placement_guard.api.operations import Operation
from tests.differential import cloud
from tests.differential.cloud import fixed

Pairs = list[tuple[str, str]]

_AMOUNTS = ("VCPU:1", "MEMORY_MB:512", "DISK_GB:10", "CUSTOM_GPU:1", "VCPU:2,MEMORY_MB:64")
_REQUIRED = ((0, cloud.TRAITS), (22, ("!CUSTOM_FAST", "HW_CPU_X86_AVX2,!STORAGE_DISK_SSD")))
_REQUIRED_ANY = (39, ("in:HW_CPU_X86_AVX2,CUSTOM_FAST", "in:CUSTOM_FAST,HW_CPU_X86_AVX2"))
_RACK, _OTHER = fixed("rack1"), fixed("rack2")
_MEMBER = ((0, (_RACK, f"in:{_RACK},{_OTHER}")), (32, (f"!{_RACK}", f"!in:{_RACK},{_OTHER}")))
_PROVIDERS = tuple(map(fixed, cloud.PROVIDERS))

Options = Iterable[tuple[int, tuple[str, ...]]]

# By path: the parameter, since which minor version, and its values by first minor version.
PARAMETERS: dict[str, tuple[tuple[str, int, Options], ...]] = {
    "/resource_providers": (
        ("name", 0, ((0, ("node1", "nope", "é")),)),
        ("uuid", 0, ((0, _PROVIDERS),)),
        ("member_of", 3, _MEMBER),
        ("resources", 4, ((0, _AMOUNTS),)),
        ("in_tree", 14, ((0, _PROVIDERS),)),
        ("required", 18, (*_REQUIRED, _REQUIRED_ANY)),
    ),
    "/allocation_candidates": (
        ("resources", 10, ((0, _AMOUNTS),)),
        ("limit", 16, ((0, ("1", "5", "1000")),)),
        ("required", 17, (*_REQUIRED, _REQUIRED_ANY)),
        ("member_of", 21, _MEMBER),
        ("in_tree", 31, ((0, _PROVIDERS),)),
        ("root_required", 35, ((0, ("HW_CPU_X86_AVX2", "!CUSTOM_FAST")),)),
    ),
    "/usages": (
        ("project_id", 9, ((0, (*cloud.PROJECTS, "nobody")),)),
        ("user_id", 9, ((0, (*cloud.USERS, "nobody")),)),
        ("consumer_type", 38, ((0, ("INSTANCE", "MIGRATION", "all", "unknown")),)),
    ),
    "/traits": (
        ("name", 6, ((0, ("startswith:CUSTOM", "in:CUSTOM_FAST,HW_CPU_X86_AVX2")),)),
        ("associated", 6, ((0, ("true", "false")),)),
    ),
}
_NEEDED = {"/allocation_candidates": "resources", "/usages": "project_id"}


def valid(row: Operation, minor: int, rng: random.Random) -> str:
    """A query string that is served; empty where the operation takes none."""
    pairs: Pairs = []
    for name, since, options in PARAMETERS.get(row.path, ()):
        if minor >= since and (name == _NEEDED.get(row.path) or rng.random() < 0.35):
            allowed = [value for first, values in options if minor >= first for value in values]
            pairs.append((name, rng.choice(allowed)))
    if row.path == "/allocation_candidates" and minor >= 25 and rng.random() < 0.4:
        pairs += _granular(minor, rng)
    return join(pairs)


def _granular(minor: int, rng: random.Random) -> Pairs:
    suffix = rng.choice(("1", "2", "17") if minor < 33 else ("1", "_NUMA0", "-x", "A" * 64))
    pairs = [(f"resources{suffix}", rng.choice(_AMOUNTS)), ("group_policy", "none")]
    if rng.random() < 0.4:
        pairs.append((f"required{suffix}", "HW_CPU_X86_AVX2"))
    if rng.random() < 0.4:
        pairs.append((f"member_of{suffix}", _RACK))
    if minor >= 36 and rng.random() < 0.4:
        pairs.append(("same_subtree", suffix))
    return pairs


def join(pairs: Pairs) -> str:
    return "&".join(f"{quote(name)}={quote(value, safe=':,!')}" for name, value in pairs)
