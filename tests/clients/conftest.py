"""Clients of Placement, each as it is, before a bare and a guarded Placement."""

import json
import types

import pytest
from prometheus_client import CollectorRegistry

from tests.clients import nova as nova_module
from tests.clients.sides import HEADER, Cloud

SMALL = 1024


@pytest.fixture(scope="module")
def cloud(real, api, tmp_path_factory):
    """The hosts ``bare``, ``guarded``, and ``small``: guarded, and taking small bodies only."""
    from placement.deploy import deploy

    directory = tmp_path_factory.mktemp("small")
    conf = api.read_conf(api.write_conf(directory, placement_guard={"max_body_bytes": SMALL}))
    small = real.guard(deploy(conf), conf, registry=CollectorRegistry())
    with Cloud(bare=real.bare.app, guarded=real.guarded.app, small=small).reached() as found:
        yield found


@pytest.fixture
def same(cloud):
    """``same(story, *steps)``: both sides answer a story alike, in these steps."""
    return cloud.same


@pytest.fixture
def guarded(cloud):
    """A guarded Placement, to be told bad requests."""
    return cloud.side("guarded")


@pytest.fixture
def small(cloud):
    """A guarded Placement that takes small bodies only."""
    return cloud.side("small")


@pytest.fixture(scope="session")
def nova():
    """nova's requests and its ways of reading; see nova.py."""
    return nova_module


@pytest.fixture(scope="session")
def refusal():
    """What every client can rely on in a refusal by the guard."""

    def check(entry, status, rule, *, code=None):
        """``entry`` is one, by this rule; returns the last line of its detail, for people."""
        assert entry.status == status
        assert f'rule="{rule}"' in entry.decision
        assert entry.decision.startswith("decision=reject")
        error = json.loads(entry.answer)["errors"][0]
        assert error["status"] == status
        assert error["code"] == (code or f"placement_guard.{rule}")
        assert "concurrent_update" not in entry.answer.decode()
        assert "request_id" in error
        last = error["detail"].split("\n")[-1].strip()
        assert last
        return last

    return types.SimpleNamespace(check=check, header=HEADER, placement="placement.undefined_code")
