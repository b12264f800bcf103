"""The exact way to judge a body: Placement's own verdict, in Placement's own words.

Placement reports the error that :func:`jsonschema.exceptions.best_match` picks: the shallowest
one. So the search goes down level by level: a compiled validator (jsonschema-rs) says yes or no of
each member, in a fraction of the time, and Python's jsonschema looks at the first level at which
something is wrong, one level deep, and writes the sentence. So a large body costs a few times what
decoding it costs, not seconds, and no more memory than that.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from jsonschema.exceptions import ValidationError, best_match

from placement_guard.api import strict_json
from placement_guard.api.compiled import Compiled
from placement_guard.api.finding import Finding
from placement_guard.api.jsonpath import Path
from placement_guard.api.schemas import Schema
from placement_guard.api.wording import malformed, sentence_of, wording_of

MAX_PLACES: Final = 64
"""How many of the broken places of one level are looked at, where many are."""

MAX_WHOLE: Final = 64 * 1024
"""The largest body (bytes) that Python's jsonschema may walk as a whole, where places do not do."""

TOO_DEEP: Final = Finding(
    "json.too_deep", f"the body is nested deeper than {strict_json.MAX_DEPTH} levels", ()
)

_Node = tuple[Path, Compiled, Any, Iterable[Any]]
"""A place in the body, what the schema says of it, what stands there, and the keys of its members
in which something may be wrong."""


class Judge:
    """Judges decoded bodies by one schema. Built once; safe for threads.

    ``worded``: whether what breaks the schema is told in Placement's words; they take long.
    """

    def __init__(self, schema: Schema, *, worded: bool = True) -> None:
        self._compiled, self._worded = Compiled(schema), worded

    def judge(self, body: bytes) -> tuple[Any, list[Finding]]:
        """Decode and judge ``body``: the data, and what is wrong with it (nothing: accepted).

        The findings are one of Placement's own (``json.malformed``, ``document.invalid``), whose
        text is Placement's, or those of the strict rules.
        """
        try:
            data, plain = strict_json.load(body)
            invalid = self._error(data, len(body))
            if invalid is None:
                found = strict_json.search_plain(body, data) if plain else None
                if found is not None:
                    return data, found
                del data  # it is decoded again, and once in memory is enough
                return strict_json.search(body)
        except strict_json.MalformedError as error:
            return None, [Finding("json.malformed", malformed(error), ())]
        except (strict_json.TooDeepError, RecursionError):  # Placement gets no further either
            return None, [TOO_DEEP]
        place = tuple(invalid.absolute_path)
        return data, [
            Finding("document.invalid", wording_of(invalid) if self._worded else "", place)
        ]

    def errors(self, data: Any) -> Iterator[Finding]:
        """What breaks the schema, from the outside in: for who wants to hear of more than the one
        error that Placement names. Of at most MAX_PLACES places of one level; an error a sentence.
        """
        wrong_here, suspects = self._compiled.look_into(data)
        level: list[_Node] = [((), self._compiled, data, suspects)]
        wrong = level if wrong_here else []
        while level:
            for place, compiled, value, _ in reversed(wrong):
                for error in compiled.errors_here(value, place):
                    at = tuple(error.absolute_path)
                    yield Finding("document.invalid", sentence_of(error), at)
            wrong, deeper = _below(level)
            level = [*wrong, *deeper]

    def _error(self, data: Any, size: int) -> ValidationError | None:
        wrong_here, suspects = self._compiled.look_into(data)
        level: list[_Node] = [((), self._compiled, data, suspects)]
        wrong = level if wrong_here else []
        accepted = not wrong_here
        while level:
            # The first that Python finds wrong, too: jsonschema prefers the last in order.
            for place, compiled, value, _ in wrong:
                error = best_match(compiled.errors_here(value, place))
                if error is not None:
                    return error
            wrong, deeper = _below(level)
            level = wrong or deeper
            accepted = accepted and not level
        # The two disagree (a NaN is a null to the compiled one), or it cannot judge such data.
        if accepted or size > MAX_WHOLE:
            return None
        return best_match(self._compiled.errors(data))


def _below(level: list[_Node]) -> tuple[list[_Node], list[_Node]]:
    """The members of these nodes that are wrong themselves, and those wrong further down.

    At most MAX_PLACES of each, the last first.
    """
    wrong: list[_Node] = []
    deeper: list[_Node] = []
    for place, compiled, value, suspects in level:
        for key in suspects:
            within = compiled.within(key)
            if within is None:
                continue
            wrong_here, inside = within.look(value[key])
            node: _Node = ((*place, key), within, value[key], inside)
            if wrong_here:
                wrong.append(node)
                if len(wrong) == MAX_PLACES:
                    return wrong, deeper
            elif inside and len(deeper) < MAX_PLACES:
                deeper.append(node)
    return wrong, deeper
