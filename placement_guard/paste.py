"""Factories for PasteDeploy, so that an ``api-paste.ini`` can spell out the whole pipeline.

Placement has no paste pipeline of its own; ``etc/placement-guard/api-paste.ini`` is its stack, in
its order, with the guard where it belongs. Options belong into ``placement.conf``: paste's strings
are no place for booleans. ``config_dir`` in ``[DEFAULT]`` says where that file is; without, it is
looked for as Placement does (OS_PLACEMENT_CONFIG_DIR, /etc/placement).
"""

import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import oslo_middleware
import placement.wsgi
from microversion_parse.middleware import MicroversionMiddleware
from oslo_config import cfg
from placement import auth as placement_auth
from placement import conf as placement_conf
from placement import db_api, deploy, fault_wrap, handler, policy, requestlog, util
from placement import microversion as placement_microversion

from placement_guard.guard import Guard
from placement_guard.observers import uwsgi
from placement_guard.opts import settings_from
from placement_guard.placement import listen_for, settle_in

WSGIApp = Callable[..., Iterable[bytes]]
Filter = Callable[[WSGIApp], WSGIApp]
PasteConf = dict[str, str]


@functools.lru_cache(maxsize=8)
def _load(config_dir: str) -> cfg.ConfigOpts:
    """Placement's configuration, read once for a whole pipeline."""
    files = [str(Path(config_dir) / "placement.conf")] if config_dir else None
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    placement.wsgi._set_middleware_defaults()  # noqa: SLF001  # the headers that CORS allows
    conf([], project="placement", default_config_files=files)
    placement.wsgi.setup_logging(conf)
    db_api.configure(conf)
    return conf


def _conf(global_conf: PasteConf, local_conf: PasteConf) -> cfg.ConfigOpts:
    if local_conf:
        names = ", ".join(sorted(local_conf))
        raise ValueError(
            f"{names}: such options belong into placement.conf, not into the paste file"
        )
    directory = global_conf.get("config_dir") or os.environ.get("OS_PLACEMENT_CONFIG_DIR", "")
    return _load(directory.strip())


def placement_app(global_conf: PasteConf, **local_conf: str) -> WSGIApp:
    """App factory: Placement's handler, its policy and its database ready."""
    conf = _conf(global_conf, local_conf)
    policy.init(conf)
    deploy.update_database(conf)
    return handler.PlacementHandler(config=conf)


def guard(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: the guard. It belongs between ``microversion`` and the app."""
    conf = _conf(global_conf, local_conf)
    settings = settings_from(conf)

    def guarded(app: WSGIApp) -> WSGIApp:
        made = Guard(app, settings, conf=conf)
        settle_in(made)
        uwsgi.say_if_threads_are_off()
        uwsgi.in_each_worker(lambda: listen_for(made))
        return made

    return guarded


def microversion(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: the microversion of the request."""
    _conf(global_conf, local_conf)
    return lambda app: MicroversionMiddleware(
        app,
        placement_microversion.SERVICE_TYPE,
        placement_microversion.VERSIONS,
        json_error_formatter=util.json_error_formatter,
    )


def fault_wrapper(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: unexpected exceptions become a 500."""
    _conf(global_conf, local_conf)
    return fault_wrap.FaultWrapper


def keystone_context(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: the request context, from keystone's headers."""
    _conf(global_conf, local_conf)
    return placement_auth.PlacementKeystoneContext


def auth(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: who asks, as ``[api] auth_strategy`` says."""
    conf = _conf(global_conf, local_conf)
    if conf.api.auth_strategy == "noauth2":
        return placement_auth.NoAuthMiddleware
    return placement_auth.filter_factory({}, oslo_config_config=conf)


def cors(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: CORS, where ``[cors] allowed_origin`` names an origin."""
    conf = _conf(global_conf, local_conf)
    if not conf.cors.allowed_origin:
        return lambda app: app
    factory: Filter = oslo_middleware.CORS.factory({}, **conf.cors)
    return factory


def request_log(global_conf: PasteConf, **local_conf: str) -> Filter:
    """Filter factory: the request id, the log of requests, JSON for who accepts anything."""
    _conf(global_conf, local_conf)
    return requestlog.RequestLog


def http_proxy_to_wsgi(_global_conf: PasteConf, **_local_conf: Any) -> Filter:
    """Filter factory: the client's address, as a proxy in front tells it."""
    return oslo_middleware.HTTPProxyToWSGI
