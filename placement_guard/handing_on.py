"""What the guard has found out about a request, handed on to Placement, so that it is paid once.

Placement parses each body and checks it with a validator that it compiles anew for each request,
and it asks its policy again. In a guarded request three functions of Placement know better:

- ``placement.util.extract_json`` returns what the document stage has accepted. Only for the very
  bytes of this request, and for the schema that the stage has judged them by; each call gets data
  of its own, for handlers change what they get.
- ``placement.policy.authorize`` knows the yes that the gate has had in this request. Where there
  is no policy file, it does not look for one again within NOT_THERE_SECONDS.
- ``jsonschema.validate``, for what Placement checks itself (names in paths, queries, bodies that
  were let through with a warning), compiles the validators of Placement's schemas once:
  :mod:`placement_guard.validators`.

And a reshape reads each provider once: :mod:`placement_guard.providers_once`.

Anything else goes Placement's own way, as does every request that is not guarded. What the guard
counts on is looked at when it is put in place: in a Placement that is otherwise, nothing changes.
Source: ``placement.util``, ``placement.policy`` and ``placement.handlers``, openstack-placement 16.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from functools import wraps
from time import monotonic
from types import ModuleType
from typing import Any, Final, NamedTuple

import jsonschema
import msgspec
import placement.handlers
import placement.schemas
from oslo_log import log
from placement import policy, util
from placement.context import RequestContext
from webob.exc import HTTPBadRequest

from placement_guard import providers_once
from placement_guard.api.operations import OPERATIONS
from placement_guard.exchange import Allowed, Exchange, current
from placement_guard.validators import Validating

LOG = log.getLogger(__name__)

_decode: Final = msgspec.json.Decoder().decode
"""What it takes, it decodes to what :func:`json.loads` does: in value, type and order."""

_NOTHING: Final = object()

NOT_THERE_SECONDS: Final = 1.0
"""How long no policy file is looked for where there was none (seconds)."""


class _Known(NamedTuple):
    """A schema of Placement's, and the names of the guard's documents that it is the schema of."""

    schema: Any
    documents: frozenset[str]


_BySchema = dict[int, _Known]
"""By the identity of the schema, which is kept with it: no other object can take its place."""


def hand_on() -> bool:
    """Let Placement take what the guard hands on; false, and said, where that cannot be done.

    Doing so again changes nothing.
    """
    if getattr(util.extract_json, "hands_on", False):
        return True
    why = unsure()
    if why is not None:
        LOG.warning("Nothing is handed on, so that Placement checks bodies again: %s", why)
        return False
    schemas = _schemas()
    util.extract_json = _handing(util.extract_json, schemas)
    policy.authorize = _remembering(policy.authorize)
    validating = Validating(schemas)
    for module in (util, *_modules(placement.handlers)):
        if getattr(module, "jsonschema", None) is jsonschema:
            module.jsonschema = validating
    providers_once.read_once()
    return True


# Bodies ----------------------------------------------------------------------------------------


def _handing(own: Callable[[Any, Any], Any], schemas: _BySchema) -> Callable[[Any, Any], Any]:
    @wraps(own)
    def extract_json(body: Any, schema: Any) -> Any:
        exchange = current.get()
        if exchange is not None and _is_accepted(exchange, body, schema, schemas):
            data = _decoded(body)
            if data is not _NOTHING:
                return data
        return own(body, schema)

    extract_json.hands_on = True  # type: ignore[attr-defined]
    return extract_json


def _is_accepted(exchange: Exchange, body: Any, schema: Any, schemas: _BySchema) -> bool:
    """Whether the document stage has found nothing in just this, judged by just that."""
    if not exchange.accepted or exchange.expected is None:
        return False
    if type(body) is not bytes or body != exchange.body:
        return False
    known = schemas.get(id(schema))
    return known is not None and exchange.expected.name in known.documents


def _decoded(body: bytes) -> Any:
    try:
        return _decode(body)
    except (ValueError, RecursionError):  # half a surrogate where nobody reads it, for example
        return _NOTHING


# The policy ------------------------------------------------------------------------------------


def _remembering(own: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(own)
    def authorize(context: Any, action: str, target: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = current.get()
        if exchange is not None:
            _Looking.in_front_of(getattr(policy, "_ENFORCER", None))
        if exchange is not None and exchange.allowed is not None:
            # The gate has asked for the target that is the caller; nobody else's method answered.
            asked_so = type(context).can is RequestContext.can
            caller = {"project_id": context.project_id, "user_id": context.user_id}
            if asked_so and target == caller and exchange.allowed == Allowed.of(context, action):
                return True
        return own(context, action, target, *args, **kwargs)

    return authorize


class _Looking:
    """``load_rules`` of an enforcer, which each question calls; a file that is there is looked at
    each time, as ever."""

    def __init__(self, enforcer: Any) -> None:
        self._enforcer = enforcer
        self._own = enforcer.load_rules
        self._until = 0.0
        self._state: Any = None

    @classmethod
    def in_front_of(cls, enforcer: Any) -> None:
        if enforcer is not None and not isinstance(enforcer.load_rules, cls):
            enforcer.load_rules = cls(enforcer)

    def __call__(self, force_reload: bool = False) -> None:  # noqa: FBT001, FBT002  # oslo.policy's
        now = monotonic()
        known = now < self._until and self._state == self._rules()
        if known and not force_reload and current.get() is not None:
            return
        self._own(force_reload)
        self._state = self._rules()
        self._until = 0.0 if self._is_there() else now + NOT_THERE_SECONDS

    def _rules(self) -> tuple[Any, int]:
        """Other rules, or more of them, and those in force have to be put together again."""
        return self._enforcer.rules, len(self._enforcer.registered_rules)

    def _is_there(self) -> bool:
        conf = self._enforcer.conf
        found = any(map(conf.find_file, conf.oslo_policy.policy_dirs))
        return found or bool(self._enforcer.policy_path) or not self._enforcer.use_conf


# Whether this Placement is as the guard knows it ------------------------------------------------


def unsure() -> str | None:
    """Why nothing can be handed on in the installed Placement; None where it can."""
    try:
        return next(_reasons(), None)
    except Exception as error:
        return f"it does not let itself be looked at ({error!r})"


def _reasons() -> Iterator[str]:
    for module, name, takes in (
        (util, "extract_json", ["body", "schema"]),
        (policy, "authorize", ["context", "action", "target", "do_raise"]),
    ):
        function = getattr(module, name, None)
        if not inspect.isfunction(function) or function.__globals__ is not vars(module):
            yield f"{module.__name__}.{name} is not Placement's own"
        elif list(inspect.signature(function).parameters) != takes:
            yield f"{module.__name__}.{name} takes other arguments"
    for module in _modules(placement.handlers):
        if getattr(module, "util", util) is not util or hasattr(module, "extract_json"):
            yield f"{module.__name__} reaches extract_json in another way"
    served = frozenset[str]().union(*(known.documents for known in _schemas().values()))
    for operation in OPERATIONS:
        for _, document in operation.bodies:
            if document is not None and document.name not in served:
                yield f"no schema of Placement's is that of {document.name}"
    yield from _odd_answers()
    yield from providers_once.reasons()


def _odd_answers() -> Iterator[str]:
    """Where ``extract_json`` does more, or less, than to parse and to validate."""
    body = b' {"b": [1, 1.0, -0.0, 1e2, "\\u00e9", true, null], "a": {"\xc3\xa9": {}}} '
    if repr(util.extract_json(body, {})) != repr(json.loads(body)):
        yield "extract_json makes something else of a body"
    for wrong, schema, words in (
        (b"{", {}, "Malformed JSON: "),
        (b"{}", {"required": ["a"]}, "JSON does not validate: "),
    ):
        try:
            util.extract_json(wrong, schema)
        except HTTPBadRequest as error:
            if str(error.detail).startswith(words):
                continue
        yield "extract_json does not refuse as it did"


def _schemas() -> _BySchema:
    """Every schema in Placement's modules. Compared as written: the order decides wordings."""
    documents: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        for _, document in operation.bodies:
            if document is not None:
                documents.setdefault(repr(document.schema), set()).add(document.name)
    return {
        id(schema): _Known(schema, frozenset(documents.get(repr(schema), ())))
        for module in _modules(placement.schemas)
        for schema in vars(module).values()
        if isinstance(schema, dict) and isinstance(schema.get("type"), str)
    }


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")
