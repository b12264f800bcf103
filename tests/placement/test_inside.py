"""What the guard changes inside a real Placement, and that a bare one beside it keeps its ways."""

import logging
import tempfile

import pytest
from oslo_config import cfg
from placement import conf as placement_conf
from placement.objects import allocation

from placement_guard import inside
from placement_guard.inside import GuardedConf, no_retry_inside


def configured(text=""):
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"[placement_database]\nconnection = sqlite://\n{text}")
        file.flush()
        conf([], default_config_files=[file.name], default_config_dirs=[])
    return conf


class Handler:
    def __init__(self, conf):
        self.config = conf


class Context:
    def __init__(self, config):
        self.config = config


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """The module as it was, whatever a test leaves."""
    monkeypatch.setattr(allocation, "_set_allocations", allocation._set_allocations)


def test_only_the_one_option_differs():
    conf = configured()
    handler = Handler(conf)
    no_retry_inside(handler)
    assert isinstance(handler.config, GuardedConf)
    assert handler.config.placement.allocation_conflict_retry_count == 1
    assert handler.config["placement"]["allocation_conflict_retry_count"] == 1
    assert conf.placement.allocation_conflict_retry_count == 10
    for name in conf.placement:
        if name != "allocation_conflict_retry_count":
            assert handler.config.placement[name] == conf.placement[name]
    assert handler.config.placement_database is not None
    assert handler.config.api.auth_strategy == conf.api.auth_strategy


def test_doing_so_again_changes_nothing():
    handler = Handler(configured())
    no_retry_inside(handler)
    config, write = handler.config, allocation._set_allocations
    no_retry_inside(handler)
    no_retry_inside(Handler(configured()))
    assert handler.config is config
    assert allocation._set_allocations is write


@pytest.mark.parametrize(("guarded", "times"), [(True, 1), (False, 6)])
def test_a_deadlock_is_tried_again_inside_only_without_a_guard(monkeypatch, guarded, times):
    from oslo_db import api, exception

    tried = []

    @api.wrap_db_retry(max_retries=5, retry_on_deadlock=True, retry_interval=0)
    def write(context, allocs):
        tried.append(allocs)
        raise exception.DBDeadlock

    monkeypatch.setattr(allocation, "_set_allocations", write)
    handler = Handler(configured())
    no_retry_inside(handler)
    config = handler.config if guarded else configured()
    with pytest.raises(exception.DBDeadlock):
        allocation._set_allocations(Context(config), ["a"])
    assert tried == [["a"]] * times


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("", logging.INFO),
        ("[placement]\nallocation_conflict_retry_count = 1\n", logging.INFO),
        ("[placement]\nallocation_conflict_retry_count = 10\n", logging.WARNING),
        ("[placement]\nallocation_conflict_retry_count = 25\n", logging.WARNING),
    ],
)
def test_what_changes_is_said_and_warned_of_where_more_was_asked_for(tmp_path, caplog, text, level):
    with caplog.at_level(logging.INFO, logger=inside.__name__):
        no_retry_inside(Handler(configured(text)))
    [record] = caplog.records
    assert record.levelno == level


def test_a_placement_without_the_option_or_the_retry_keeps_its_ways(monkeypatch, caplog):
    class Nothing:
        placement = object()

    handler = Handler(Nothing)
    no_retry_inside(handler)
    assert handler.config is Nothing
    monkeypatch.setattr(allocation, "_set_allocations", len)
    other = Handler(configured())
    no_retry_inside(other)
    assert allocation._set_allocations is len
    assert isinstance(other.config, GuardedConf)
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 2


def test_the_guard_does_it_where_it_is_put_in_place(real):
    from placement.handler import PlacementHandler

    from placement_guard.placement import _find

    handler = _find(real.guarded.app, PlacementHandler)
    assert isinstance(handler.config, GuardedConf)
    assert not isinstance(_find(real.bare.app, PlacementHandler).config, GuardedConf)
