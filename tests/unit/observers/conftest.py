import pytest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard


@pytest.fixture
def stand_for_metrics():
    """A registry, and a way to send requests through a guard that counts in it."""
    registry = CollectorRegistry()

    def application(environ, start_response):
        start_response("200 OK", [])
        return [b""]

    guard = Guard(application, registry=registry)

    def ask(path, method, version="1.39"):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "HTTP_OPENSTACK_API_VERSION": f"placement {version}",
            "placement.context": RequestContext(
                user_id="user", roles=["admin"], project_id="project", overwrite=False
            ),
        }
        return b"".join(guard(environ, lambda *given: None))

    return registry, ask
