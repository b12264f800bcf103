"""Small WSGI applications and requests for tests of the guard without a Placement."""

import types

import pytest
import webtest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings
from placement_guard.rules import RULES


class Application:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer = ("204 No Content", [], [])
        self.error = None

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.asked.append((environ["REQUEST_METHOD"], environ["wsgi.input"].read(length)))
        if self.error is not None:
            raise self.error
        status, headers, body = self.answer
        start_response(status, headers)
        return body


def context(**changes):
    """A request context of an admin, as keystone's middleware would lead to."""
    values = {"user_id": "user", "project_id": "project", "roles": ["admin"], "overwrite": False}
    return RequestContext(**{**values, **changes})


@pytest.fixture
def stand():
    """A guard before an application; ``stand.ask(...)`` sends a request through it."""
    application = Application()
    registry = CollectorRegistry()

    def guard(**settings):
        return Guard(application, Settings(**settings), registry=registry)

    made = {}

    def ask(path="/traits/CUSTOM_A", method="PUT", *, body=b"", settings=None, **environ):
        key = repr(settings)
        if key not in made:
            made[key] = webtest.TestApp(guard(**(settings or {})))
        given = {
            "placement.context": context(),
            "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
            "CONTENT_TYPE": "application/json",
            **environ,
        }
        request = webtest.TestRequest.blank(
            "/", method=method, environ={k: v for k, v in given.items() if v is not None}
        )
        if body:
            request.body = body
        request.environ["PATH_INFO"] = path
        return made[key].do_request(request, expect_errors=True)

    def count(name, **labels):
        return registry.get_sample_value(name, labels) or 0.0

    def rejections():
        """Rules by which something was rejected, with the mode."""
        found = {}
        for family in registry.collect():
            for sample in family.samples:
                if sample.name == "placement_guard_rejections_total" and sample.value:
                    found[sample.labels["rule"]] = sample.labels["mode"]
        return found

    return types.SimpleNamespace(
        application=application,
        registry=registry,
        guard=guard,
        ask=ask,
        context=context,
        count=count,
        rejections=rejections,
        rules={rule.id: rule for rule in RULES},
    )
