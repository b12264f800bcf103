"""``jsonschema`` as Placement's modules see it in a guarded request: it compiles a schema once."""

from collections.abc import Container
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

from placement_guard.exchange import current


class Validating:
    """All of ``jsonschema`` as it is, but for ``validate``.

    schemas
        The identities of those whose validators are kept; whoever has them keeps the schemas.
    """

    def __init__(self, schemas: Container[int]) -> None:
        self._schemas = schemas
        self._validators: dict[int, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(jsonschema, name)

    def validate(self, instance: Any, schema: Any, *args: Any, **kwargs: Any) -> None:
        """Like :func:`jsonschema.validate`, with a validator that is kept."""
        validator = None
        if current.get() is not None and id(schema) in self._schemas and not args:
            validator = self._validator(schema, **kwargs)
        if validator is None:
            jsonschema.validate(instance, schema, *args, **kwargs)
            return
        error = best_match(validator.iter_errors(instance))
        if error is not None:
            raise error

    def _validator(self, schema: Any, format_checker: Any = None, **other: Any) -> Any:
        """None where it is asked for something else than what is kept."""
        if other:
            return None
        kept = self._validators.get(id(schema))
        if kept is None:
            kind = validator_for(schema)
            kind.check_schema(schema)
            kept = kind(schema, format_checker=format_checker)
            self._validators[id(schema)] = kept
        return kept if _formats(kept.format_checker) == _formats(format_checker) else None


def _formats(checker: Any) -> Any:
    return None if checker is None else checker.checkers
