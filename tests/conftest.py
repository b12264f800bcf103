"""A real Placement in this process, bare and guarded side by side over one database."""

import contextlib
import logging
import os
import types

import pytest
import webtest
from oslo_config import cfg
from prometheus_client import CollectorRegistry


@contextlib.contextmanager
def placement_of_its_own():
    """Placement's process-wide state (database, policy, synced names), fresh and put back."""
    from oslo_db.sqlalchemy import enginefacade
    from placement import db_api, policy
    from placement.objects import resource_class, trait

    def reset():
        db_api.configure.reset()
        policy.reset()
        trait._TRAITS_SYNCED = False
        resource_class._RESOURCE_CLASSES_SYNCED = False

    handlers = list(logging.root.handlers)
    undo = db_api.placement_context_manager.patch_factory(enginefacade.transaction_context())
    reset()
    try:
        yield
    finally:
        if db_api.placement_context_manager._factory._started:
            db_api.get_placement_engine().dispose()
        undo()
        reset()
        for handler in logging.root.handlers[:]:
            if handler not in handlers:  # made by oslo.log, from the configuration
                logging.root.removeHandler(handler)
                handler.close()


def write_conf(directory, **sections):
    """A placement.conf for a Placement without keystone, on SQLite in ``directory``."""
    defaults = {
        "DEFAULT": {"log_file": directory / "placement.log", "use_stderr": False},
        "api": {"auth_strategy": "noauth2"},
        "placement_database": {
            "connection": f"sqlite:///{directory}/placement.db",
            "sync_on_startup": True,
        },
        "placement_guard": {"metrics_port": 0},
    }
    for name, options in sections.items():
        defaults.setdefault(name, {}).update(options)
    lines = []
    for name, options in defaults.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in options.items())]
    path = directory / "placement.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def read_conf(path):
    from placement import conf as placement_conf

    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    conf([], project="placement", default_config_files=[str(path)], default_config_dirs=[])
    return conf


ADMIN = {"X-Auth-Token": "admin", "X-Roles": "admin,service,member,reader"}


def headers(version="1.39", **more):
    return {**ADMIN, "OpenStack-API-Version": f"placement {version}", **more}


@pytest.fixture(scope="session")
def api():
    """Helpers that tests share: headers of a request, configuration files, isolation."""
    return types.SimpleNamespace(
        headers=headers,
        write_conf=write_conf,
        read_conf=read_conf,
        placement_of_its_own=placement_of_its_own,
        require=require,
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """``real.bare`` and ``real.guarded``: webtest applications on one database."""
    from placement import db_api

    from placement_guard.placement import bare_loadapp, guarded, loadapp

    directory = tmp_path_factory.mktemp("placement")
    with placement_of_its_own():
        conf = read_conf(write_conf(directory))
        db_api.configure(conf)
        registry = CollectorRegistry()
        bare = bare_loadapp(conf)
        yield types.SimpleNamespace(
            conf=conf,
            registry=registry,
            bare=webtest.TestApp(bare),
            guarded=webtest.TestApp(loadapp(conf, registry=registry)),
            guard=guarded,
            count=lambda name, **labels: registry.get_sample_value(name, labels) or 0.0,
        )


def require(found, package):
    """Skip where a server is not installed, naming what brings it; under CI that is a failure."""
    if found:
        return
    text = f"not installed here; it comes with {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def pytest_collection_modifyitems(items):
    """The longest first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: "upstream" not in item.path.parts)
