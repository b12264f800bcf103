"""Records as a guard would have made them, and judges by settings and policies."""

import types

import msgspec
import pytest
from oslo_config import cfg
from oslo_policy import opts as policy_opts

from placement_guard.recording.hiding import Hiding
from placement_guard.recording.lines import Header, Record
from placement_guard.replay.judge import Judge
from placement_guard.settings import Settings
from placement_guard.version import __version__

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
JSON = {"CONTENT_TYPE": "application/json"}
INVENTORIES = '{"resource_provider_generation": 1, "inventories": {"VCPU": %s}}'
GOOD = INVENTORIES % '{"total": 8}'
ODD = INVENTORIES % '{"total": 8, "min_unit": 9, "max_unit": 8}'


def record(body=None, **changes):
    """One of a PUT of inventories that was committed."""
    values = {
        "at": 0.0,
        "id": "req-1",
        "by": "header",
        "method": "PUT",
        "path": f"/resource_providers/{PROVIDER}/inventories",
        "operation": "resource_providers:inventories:update",
        "status": 200,
        "outcome": "committed",
        "version": (1, 39),
        "identity": {"user_id": "nova", "project_id": "service", "roles": ["admin", "service"]},
        "asked": True,
        "headers": {},
    }
    if body is not None:
        size = len(body.encode())
        values |= {"body": body, "size": size}
        values["headers"] = {**JSON, "CONTENT_LENGTH": str(size)}
    return Record(**{**values, **changes})


def header(bodies="whole", guard=__version__, **settings):
    modes = {rule: mode.value for rule, mode in Settings(**settings).modes().items()}
    return Header(1, "header", guard, "", bodies, modes)


def reduced(one, bodies, document=None):
    """The same record without its body."""
    changes = {"body": None, "left_out": bodies}
    if bodies == "shape":
        hiding = Hiding(b"k" * 32)
        changes |= {
            "hidden": True,
            "path": hiding.path(one.path),
            "query": hiding.query(one.query) if one.query else "",
            "identity": hiding.identity(one.identity),
            "shape": hiding.shape(document or msgspec.json.decode(one.body), names=True),
        }
    return msgspec.structs.replace(one, **changes)


@pytest.fixture
def stand(tmp_path):
    """``stand.judge(policy, **settings)``, and makers of records and headers."""

    def judge(policy=None, **settings):
        conf = cfg.ConfigOpts()
        file = tmp_path / f"policy-{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(policy or "{}\n")
        policy_opts.set_defaults(conf, policy_file=str(file))
        conf([], default_config_files=[], default_config_dirs=[])
        return Judge(Settings(**settings), conf)

    return types.SimpleNamespace(
        judge=judge, record=record, header=header, reduced=reduced, GOOD=GOOD, ODD=ODD
    )
