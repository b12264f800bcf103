"""A receiver of OTLP over HTTP: decodes what a real exporter sends. ``python -m tests.otlp_receiver``
serves one, and prints its address."""

import gzip
import http.server
import sys
import threading
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver:
    """Keeps the spans that were sent, as plain values. ``status`` is what it answers."""

    def __init__(self, status=200, *, keep=True):
        self.spans = []
        self.status = status
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if receiver.status == 200 and keep:
                    receiver.spans += plain(ExportTraceServiceRequest.FromString(body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_told):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def until(self, is_so, seconds=20):
        """Wait until this holds for the spans; they are returned."""
        deadline = time.monotonic() + seconds
        while not is_so(self.spans):
            assert time.monotonic() < deadline, self.spans
            time.sleep(0.05)
        return self.spans

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def plain(request):
    return [
        {
            "name": span.name,
            "trace": span.trace_id.hex(),
            "id": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "began": span.start_time_unix_nano,
            "ended": span.end_time_unix_nano,
            "failed": span.status.code == 2,
            "events": len(span.events),
            "state": span.trace_state,
            "attributes": {a.key: value(a.value) for a in span.attributes},
        }
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


if __name__ == "__main__":
    sys.stdout.write(f"{Receiver(keep=False).url}\n")
    sys.stdout.flush()
    threading.Event().wait()
