"""``placement-guard policy``: the rules of target policy, and cases that they must decide."""

from typing import Any

from placement_guard.cli.policy import listing, testing


def add_parser(commands: Any) -> None:
    """Add the subcommands to the parser."""
    policy = commands.add_parser(
        "policy",
        help="list or test the policy that sees the payload",
        description="List or test the policy that sees the payload.",
    )
    actions = policy.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing.add_parser(actions)
    testing.add_parser(actions)
