"""Send what the pages show through a guard, as a server would."""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings, wire
from placement_guard.rules import Rule
from tests.rule_examples import EXAMPLES
from tests.rule_examples.example import WRITTEN_OUT


class Answer(NamedTuple):
    """What came back; ``decision`` is the header ``Placement-Guard``, or None."""

    status: str
    decision: str | None
    code: str | None
    detail: str


def refused(rule: Rule, modes: Mapping[str, str] | None = None, *, observe: bool = False) -> Answer:
    """The answer to the request that breaks ``rule``."""
    example = EXAMPLES[rule.id]
    context = _context(example.context)
    with _policy(example.policy) as file:
        settings = Settings(rules=modes or {}, observe=observe, target_policy_file=file)
        guard = _guard(settings, example.failure, readable=not example.unread)
        if rule.id == "context.reused":
            _send(guard, example.refused, context)
        return _send(guard, example.refused, context)


def accepted(rule: Rule) -> Answer:
    """The answer to the same request, put right."""
    example = EXAMPLES[rule.id]
    with _policy("" if example.unread else example.policy) as file:
        guard = _guard(Settings(target_policy_file=file))
        return _send(guard, example.accepted, _context(example.context_right))


@contextlib.contextmanager
def _policy(text: str) -> Iterator[str]:
    """The path of a policy file with this text; empty where there is none."""
    if not text:
        yield ""
        return
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        yield file.name


def _guard(settings: Settings, failure: Exception | None = None, *, readable: bool = True) -> Guard:
    def placement(environ: Any, start_response: Any) -> list[bytes]:
        if failure is not None:
            raise failure
        if environ["REQUEST_METHOD"] == "GET" and not readable:
            raise RuntimeError("nothing can be read")
        start_response("204 No Content", [])
        return []

    return Guard(placement, settings, registry=CollectorRegistry())


def _context(given: Any) -> Any:
    return RequestContext(**given) if isinstance(given, dict) else given


def _send(guard: Guard, request: str, context: Any) -> Answer:
    heads: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        heads.append((status, dict(headers)))

    body = b"".join(guard(_environ(request, context), start_response))
    ((status, headers),) = heads
    code, detail = wire.code_and_detail(body)
    return Answer(status, headers.get(wire.HEADER), code, detail)


def _environ(request: str, context: Any) -> dict[str, Any]:
    for short, whole in WRITTEN_OUT.items():
        request = request.replace(short, whole)
    head, _, text = request.partition("\n\n")
    line, *headers = head.splitlines()
    method, target, _ = line.split(" ")
    path, _, query = target.partition("?")
    body = text.encode()
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for header in headers:
        name, _, value = header.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    if context is not None:
        environ["placement.context"] = context
    return environ
