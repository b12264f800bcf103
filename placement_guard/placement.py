"""The guard inside a real Placement: drop-ins for ``placement.deploy.deploy`` and ``loadapp``.

Placement builds its whole stack; the guard then takes the place between the microversion
middleware and the handler. What changes inside of Placement is in :mod:`placement_guard.inside`
and :mod:`placement_guard.handing_on`, and a bare Placement in the same process behaves as ever.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from microversion_parse.middleware import MicroversionMiddleware
from msgspec import to_builtins
from oslo_config import cfg
from oslo_log import log
from placement import db_api

# Bound now: who replaces them by ours must not make ours call itself.
from placement.deploy import deploy as bare_deploy
from placement.deploy import loadapp as bare_loadapp
from placement.handler import PlacementHandler
from prometheus_client import REGISTRY, CollectorRegistry
from sqlalchemy import text
from webob import Request

from placement_guard.guard import Guard
from placement_guard.handing_on import hand_on
from placement_guard.inside import no_retry_inside
from placement_guard.lanes import State
from placement_guard.observers.board import Page, Shelf
from placement_guard.observers.health import NOTHING_KNOWN, App, Health, Told
from placement_guard.observers.listener import listen_if_possible
from placement_guard.observers.metrics.sharing import share
from placement_guard.opts import settings_from
from placement_guard.stages import policy_files

LOG = log.getLogger(__name__)

WSGIApp = Callable[..., Iterable[bytes]]

_INWARD: Final = ("application", "_placement_app", "_app", "app")
"""The attributes under which the middlewares of Placement's stack hold the next one."""


class UnknownStackError(RuntimeError):
    """This Placement is built in a way that the guard does not know: it cannot be put in place."""


def deploy(conf: cfg.ConfigOpts, *, registry: CollectorRegistry = REGISTRY) -> WSGIApp:
    """Placement's stack with the guard in it; like ``placement.deploy.deploy``.

    Raises ConfigurationError with everything wrong in ``[placement_guard]``.
    """
    return guarded(bare_deploy(conf), conf, registry=registry)


def loadapp(
    config: cfg.ConfigOpts,
    project_name: str | None = None,
    *,
    registry: CollectorRegistry = REGISTRY,
) -> WSGIApp:
    """A guarded Placement, its policy and its database ready; like ``placement.deploy.loadapp``."""
    settings = settings_from(config)  # before the database is touched
    if settings.has_target_policy:
        policy_files(settings)
    return guarded(bare_loadapp(config, project_name), config, registry=registry)


def guarded(
    stack: WSGIApp, conf: cfg.ConfigOpts, *, registry: CollectorRegistry = REGISTRY
) -> WSGIApp:
    """Put the guard into a stack that Placement has built. Once: a guarded stack stays as it is."""
    middleware = _find(stack, MicroversionMiddleware)
    if not isinstance(middleware.application, Guard):
        settings = settings_from(conf)
        guard = Guard(middleware.application, settings, conf=conf, registry=registry)
        settle_in(guard)
        middleware.application = guard
        LOG.info("placement-guard is in place: %s", settings)
    return stack


def settle_in(guard: Guard) -> None:
    """Change inside of the Placement behind a guard what its settings ask for.

    UnknownStackError where there is none.
    """
    if guard.settings.resend:
        no_retry_inside(_find(guard.application, PlacementHandler))
    if guard.settings.hand_on:
        guard.hands_on = hand_on()
        guard.metrics.hands_on(guard.hands_on)


def conf_of(stack: WSGIApp) -> cfg.ConfigOpts:
    """The configuration that a stack was built with."""
    return _find(stack, PlacementHandler).config


def guard_of(stack: WSGIApp) -> Guard:
    """The guard in a guarded stack."""
    found: Guard = _find(stack, Guard)
    return found


def health_of(stack: WSGIApp) -> Health:
    """The health of a guarded stack: Placement answers, and its database can be reached."""
    guard = guard_of(stack)
    asking = guard.asking

    def placement() -> None:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": ""}
        environ |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http"}
        status = Request(environ).get_response(stack).status_int
        if status != 200:
            raise RuntimeError(f"GET / was answered with {status}")

    def database() -> None:
        with db_api.get_placement_engine().connect() as connection:
            connection.execute(text("SELECT 1"))

    told: dict[str, Told] = {
        "lanes": lambda: _shown(asking.lanes.state()),
        "breaker": asking.breaker.state,
    }
    if guard.policy_state() is not None:
        told["policy"] = lambda: to_builtins(guard.policy_state())
    return Health({"placement": placement, "database": database}, told)


def listen_for(guard: Guard, health: App = NOTHING_KNOWN) -> None:
    """Serve the metrics of a guard, its health and its status page, as its settings say."""
    page = page_of(guard)
    apps = (health,) if page is None else (health, page)
    listener = listen_if_possible(guard.settings, REGISTRY, *apps)
    if page is not None:
        page.shelf.begin(lambda: listener is not None and listener.serves)


def page_of(guard: Guard) -> Page | None:
    """The status page of a guard; None where it is switched off. Its shelf has to be begun."""
    if guard.board is None:
        return None
    condition = guard.metrics.condition

    def told() -> dict[str, Any]:
        return {
            "lanes": _shown(guard.asking.lanes.state()),
            "breaker_open": guard.asking.breaker.is_open,
            "limits": condition.places(),
            "policy": to_builtins(guard.policy_state()),
            "hands_on": guard.hands_on,
        }

    guard.board.told = told
    modes = guard.settings.modes()
    shelf = Shelf(guard.board, share(), modes, failed=lambda: condition.failed_open("status"))
    return Page(shelf, guard.settings.metrics_host)


def _shown(state: State) -> dict[str, Any]:
    below = _shown(state.below) if state.below is not None else None
    return {**state._asdict(), "below": below}


def _find(stack: WSGIApp, kind: type[Any]) -> Any:
    """The layer of this kind, searched from the outside in."""
    layer: Any = stack
    while layer is not None:
        if isinstance(layer, kind):
            return layer
        attributes = getattr(layer, "__dict__", {})
        layer = next((attributes[name] for name in _INWARD if name in attributes), None)
    raise UnknownStackError(f"this Placement's stack has no {kind.__name__}")
