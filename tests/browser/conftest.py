"""A real Chromium before the status page of a real guarded Placement of two uWSGI workers."""

import contextlib

import pytest

from tests.browser.chromium import CHROMIUM, DRIVER, PACKAGE, browser
from tests.monitoring.load import BREAKER, POLICY, Load
from tests.uwsgi_workers import Workers


@pytest.fixture(scope="session")
def workers(tmp_path_factory, api):
    directory = tmp_path_factory.mktemp("status")
    with contextlib.closing(started(directory, api)) as workers:
        yield workers


def started(directory, api):
    """Workers that have seen a mixed load."""
    policy = directory / "target-policy.yaml"
    policy.write_text(POLICY)
    (directory / "lanes").mkdir(mode=0o700)
    guard = {
        "target_policy_file": policy,
        "break_glass_role": BREAKER.rpartition(",")[2],
        "limit_claims": 4,
        "lane_directory": directory / "lanes",
        "rules": "inventory.min_above_max:enforce",
    }
    workers = Workers(directory, api, guard)
    workers.until_ready()
    workers.until_all_have_loaded()
    workers.load = Load(workers)
    workers.load.begin()
    for _ in range(4):
        workers.load.round()
    return workers


@pytest.fixture
def chromium(api):
    api.require(CHROMIUM and DRIVER, PACKAGE)
    with browser() as made:
        yield made
