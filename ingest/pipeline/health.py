"""Serves the health and the metrics of one stage on its own port.

/health/live fails when a restart of the process would help, /health/ready while it does no work;
/health has the whole state.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ingest.errors import DependencyUnavailable
from ingest.masking import masked_json
from ingest.telemetry import Event, gauge

#: A stage whose last read is older than this is stuck: half of the time after which the log takes
#: its partitions away. One batch of extraction, or one request to an engine that stalls, takes less.
MAX_READ_AGE_SECONDS = 150.0

#: Path → the states for which it answers 200; 503 for the others.
_GOOD = {
    "/health": ("working", "holding"),
    "/health/live": ("working", "holding"),
    "/health/ready": ("working",),
}

health_server_started = Event("health_server_started")
health_port_in_use = Event("health_port_in_use", level="warning")
_age = gauge("last_read_age_seconds")


class Watched(Protocol):
    """The state of a worker that /health shows."""

    @property
    def read_at(self) -> float: ...
    @property
    def held_by(self) -> DependencyUnavailable | None: ...
    @property
    def held_since(self) -> datetime | None: ...
    @property
    def partitions(self) -> int: ...


def health_of(stage: str, worker: Watched) -> dict[str, Any]:
    """Return the body of /health.

    `status` is working, holding (on `holding_on`, for `cause`, since `holding_since`) or stuck.
    """
    age = time.monotonic() - worker.read_at
    cause, since = worker.held_by, worker.held_since
    status = "stuck" if age > MAX_READ_AGE_SECONDS else "holding" if cause else "working"
    _age.labels(stage).set(age)
    return {
        "stage": stage,
        "status": status,
        "holding_on": cause.dependency if cause else "",
        "holding_since": since.isoformat(timespec="seconds") if since else "",
        "cause": str(cause) if cause else "",
        "partitions": worker.partitions,
        "last_read_seconds_ago": round(age, 1),
    }


def serve_health(
    host: str, port: int, health: Callable[[], dict[str, Any]]
) -> ThreadingHTTPServer | None:
    """Serve on host:port until the process ends; return None, with a warning, if that fails."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = health()
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path in _GOOD:
                status = 200 if now["status"] in _GOOD[self.path] else 503
                self._answer(status, "application/json", masked_json(json.dumps(now)).encode())
            else:
                paths = f"the paths are {', '.join(_GOOD)} and /metrics\n"
                self._answer(404, "text/plain", paths.encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        reason, remedy = str(error), "set telemetry.ports, or 0 for none"
        health_port_in_use(port=port, reason=reason, remedy=remedy)
        return None
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    health_server_started(address=f"http://{host}:{server.server_address[1]}/health")
    return server
