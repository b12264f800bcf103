"""The stories of clients again, the guarded side with the policy that is shipped.

Each module says by ``role`` which role the sender of a request has; what a story only makes ready, as
another service would, is sent by nobody of a profile. Both sides still have to answer alike.
"""

import json

import pytest
from prometheus_client import CollectorRegistry

from tests.clients import sides
from tests.clients.conftest import guarded, nova, refusal, same
from tests.policy_asking import POLICY

__all__ = ["guarded", "nova", "refusal", "same"]


class Side(sides.Side):
    """A side whose names are those that the service would give."""

    called = staticmethod("{label}.{tag}".format)

    def name(self, label):
        return self.called(label=label, tag=self.tag)


class Cloud(sides.Cloud):
    def __init__(self, called, **applications):
        super().__init__(**applications)
        self.called, self.tag = called, ""

    def side(self, name):
        found = Side(f"http://{name}.placement", self.recorders[name])
        found.recorder.entries.clear()
        if self.called:
            found.called = self.called
        self.tag = found.tag
        return found


class As:
    """Gives the sender of a request the role of a profile, as keystone's middleware would."""

    def __init__(self, application, role):
        self.application, self.role, self.sent = application, role, []
        self.cloud = None

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"].seek(0)
        version = environ.get("HTTP_OPENSTACK_API_VERSION", "").removeprefix("placement ")
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        role = self.role(environ["REQUEST_METHOD"], environ["PATH_INFO"], document, version)
        if role:
            environ["HTTP_X_ROLES"] = f"{environ.get('HTTP_X_ROLES', 'admin')},{role}"
            environ["HTTP_X_USER_NAME"] = f"nova-compute-host.{self.tag(environ)}"
            self.sent.append(role)
        return self.application(environ, start_response)

    def tag(self, environ):
        """The names of a side end in its tag."""
        return self.cloud.tag


@pytest.fixture(scope="module")
def cloud(real, api, tmp_path_factory, request):
    """The hosts ``bare``, and ``guarded`` by the policy that is shipped."""
    from placement.deploy import deploy

    directory = tmp_path_factory.mktemp("policed")
    options = {"target_policy_dirs": str(POLICY)}
    conf = api.read_conf(api.write_conf(directory, placement_guard=options))
    guard = As(real.guard(deploy(conf), conf, registry=CollectorRegistry()), request.module.role)
    found = Cloud(getattr(request.module, "CALLED", None), bare=real.bare.app, guarded=guard)
    guard.cloud = found
    with found.reached():
        yield found
    assert guard.sent, "nobody of a profile has sent anything"
