"""Serves /health and /metrics of one stage on its own port."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ingest.masking import masked
from ingest.telemetry import Event, gauge

#: A stage whose last read is older than this is stuck.
MAX_READ_AGE_SECONDS = 60.0

health_server_started = Event("health_server_started")
health_port_in_use = Event("health_port_in_use", level="warning")
_age = gauge("last_poll_age_seconds", "stage")


class Watched(Protocol):
    """The state of a worker that /health shows."""

    read_at: float

    @property
    def holding_on(self) -> str: ...
    @property
    def partitions(self) -> int: ...


def health_of(stage: str, worker: Watched) -> dict[str, Any]:
    """Return the body of /health: `status` is working, holding or stuck."""
    age = time.monotonic() - worker.read_at
    holding = worker.holding_on
    status = "holding" if holding else "stuck" if age > MAX_READ_AGE_SECONDS else "working"
    _age.labels(stage).set(age)
    return {
        "stage": stage,
        "status": status,
        "holding_on": holding,
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
            elif self.path == "/health":
                status = 503 if now["status"] == "stuck" else 200
                self._answer(status, "application/json", masked(json.dumps(now)).encode())
            else:
                self._answer(404, "text/plain", b"the paths are /health and /metrics\n")

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
