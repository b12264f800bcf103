"""What the page of each rule says by hand, by the id of the rule; sent through a guard by a test."""

from typing import Final

from tests.rule_examples.context import CONTEXT
from tests.rule_examples.documents import DOCUMENTS
from tests.rule_examples.example import Example
from tests.rule_examples.http import HTTP
from tests.rule_examples.invariants import INVARIANTS
from tests.rule_examples.path import PATH
from tests.rule_examples.policy import POLICY
from tests.rule_examples.query import QUERY

EXAMPLES: Final[dict[str, Example]] = {
    **CONTEXT,
    **HTTP,
    **QUERY,
    **PATH,
    **DOCUMENTS,
    **INVARIANTS,
    **POLICY,
}
