"""One client's story, told to a bare and to a guarded Placement, and what both answered.

Each side has names of its own in the one database; where the two stories are compared, they are
called alike.
"""

import contextlib
import io
import json
import re
import uuid
from dataclasses import dataclass, field

import webob
from keystoneauth1 import adapter, session, token_endpoint
from wsgi_intercept.interceptor import RequestsInterceptor

SERVICE_ROLES = "admin,service,member,reader"
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
REQUEST_ID = re.compile(r"req-" + UUID.pattern)
HEADER = "Placement-Guard"


@dataclass(frozen=True)
class Entry:
    """One request with its answer."""

    method: str
    path: str
    headers: dict
    body: bytes
    status: int
    answer: bytes
    decision: str | None

    def __str__(self):
        return f"{self.method} {self.status}"


class Recorder:
    """A WSGI application that writes down what passes through it."""

    def __init__(self, application):
        self.application = application
        self.entries = []

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        request = webob.Request(environ)
        answer = request.get_response(self.application)
        self.entries.append(
            Entry(
                request.method,
                request.path_qs,
                dict(request.headers),
                body,
                answer.status_int,
                answer.body,
                answer.headers.get(HEADER),
            )
        )
        return answer(environ, start_response)


class Identified(token_endpoint.Token):
    """What keystone's middleware would tell of the user, said by the client itself (noauth2)."""

    def __init__(self, endpoint, **headers):
        super().__init__(endpoint, "admin")
        self.headers = headers

    def get_headers(self, session, **kwargs):
        return {**super().get_headers(session), **self.headers}


@dataclass
class Side:
    """A Placement as a client sees it; names and identifiers are its own."""

    url: str
    recorder: Recorder
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:10])
    labels: dict = field(default_factory=dict)

    def id(self, label):
        """The UUID of ``label``."""
        found = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{label} of {self.tag}"))
        self.labels[found] = f"<{label}>"
        return found

    def name(self, label):
        return f"{label}.{self.tag}"

    def custom(self, label):
        """A name for a trait or a resource class."""
        return f"CUSTOM_{label}_{self.tag.upper()}"

    def session(self, roles=SERVICE_ROLES, **headers):
        return session.Session(auth=Identified(self.url, **{"X-Roles": roles}, **headers))

    def adapter(self, roles=SERVICE_ROLES, headers=None, **options):
        """What OpenStack's services call Placement with."""
        options.setdefault("additional_headers", {"accept": "application/json"})
        options.setdefault("raise_exc", False)
        return adapter.Adapter(
            self.session(roles, **(headers or {})), service_type="placement", **options
        )

    @property
    def last(self):
        return self.recorder.entries[-1]

    def alike(self, text):
        """``text`` with this side's names replaced by their labels."""
        for value, label in self.labels.items():
            text = text.replace(value, label)
        text = UUID.sub("<another>", REQUEST_ID.sub("<request>", text))
        return text.replace(self.tag, "TAG").replace(self.tag.upper(), "TAG")

    def told(self):
        """What was asked and answered, in a form that both sides have in common."""
        return [
            (entry.method, self.alike(entry.path), entry.status, self.readable(entry.answer))
            for entry in self.recorder.entries
        ]

    def readable(self, body):
        text = self.alike(body.decode())
        try:
            return without_order(json.loads(text))
        except ValueError:
            return text


def without_order(value):
    """Placement's lists are sets; so are they here."""
    if isinstance(value, dict):
        return {key: without_order(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(
            map(without_order, value), key=lambda inner: json.dumps(inner, sort_keys=True)
        )
    return value


class Cloud:
    """Applications by host name, reached through requests without a network."""

    def __init__(self, **applications):
        self.recorders = {name: Recorder(app) for name, app in applications.items()}

    @contextlib.contextmanager
    def reached(self):
        with contextlib.ExitStack() as stack:
            for name, recorder in self.recorders.items():
                stack.enter_context(
                    RequestsInterceptor(lambda app=recorder: app, host=f"{name}.placement", port=80)
                )
            yield self

    def side(self, name):
        """A side with nothing recorded yet."""
        recorder = self.recorders[name]
        recorder.entries.clear()
        return Side(f"http://{name}.placement", recorder)

    def same(self, story, *steps, warned=None):
        """Tell ``story`` to both sides; returns what it returned for the guarded one.

        ``steps`` are the requests expected with their statuses, like ``"PUT 204"``. Both sides
        answer alike, and the guard says nothing of its own; but that the last request breaks the
        rule ``warned``.
        """
        sides = [self.side("bare"), self.side("guarded")]
        results = [story(side) for side in sides]
        bare, guarded = sides
        assert [str(entry) for entry in guarded.recorder.entries] == list(steps)
        assert guarded.told() == bare.told()
        # The kind of a conflict is no decision: Placement made it.
        said = [
            None
            if entry.status == 409 and str(entry.decision).startswith("conflict=")
            else entry.decision
            for entry in guarded.recorder.entries
        ]
        if warned:
            last = said.pop()
            assert last.startswith("decision=warn")
            assert f'rule="{warned}"' in last
        assert set(said) <= {None}
        read = [side.alike(repr(result)) for side, result in zip(sides, results, strict=True)]
        assert read[0] == read[1]
        return results[1]
