"""Stand-in for Kibana: available once its password opens Elasticsearch; takes imports and roles."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ELASTICSEARCH = os.environ["ELASTICSEARCH_HOSTS"]
SETTINGS = Path(os.environ["KBN_CONFIG_PATHS"].split(",")[1]).read_text()
FEATURES = ("discover", "dashboard", "visualize", "maps")
level = {"now": "unavailable"}


def setting(name: str) -> str:
    found = re.search(rf'^{re.escape(name)}: "?([^"\n]+)"?$', SETTINGS, re.MULTILINE)
    return found[1] if found else ""


def is_known(authorization: str) -> bool:
    request = urllib.request.Request(f"{ELASTICSEARCH}/_security/_authenticate")
    request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return "username" in json.load(answer)
    except (OSError, ValueError):
        return False


def watch() -> None:
    login = f"{setting('elasticsearch.username')}:{setting('elasticsearch.password')}"
    basic = f"Basic {base64.b64encode(login.encode()).decode()}"
    while True:
        level["now"] = "available" if is_known(basic) else "unavailable"
        time.sleep(3)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = 200
        found: Any = {}
        if self.path == "/api/status":
            found = {"status": {"overall": {"level": level["now"]}}}
            status = 200 if level["now"] == "available" else 503
        elif not is_known(self.headers.get("Authorization", "")):
            status, found = 401, {"message": "Unauthorized"}
        elif self.path.startswith("/api/saved_objects/_import"):
            found = {"success": True, "successCount": body.count(b'"type":')}
        elif self.path == "/api/features":
            found = [{"id": name} for name in FEATURES]
        data = json.dumps(found, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, *given: object) -> None:
        """Print nothing."""


signal.signal(signal.SIGTERM, lambda *given: os._exit(0))
threading.Thread(target=watch, daemon=True).start()
ThreadingHTTPServer(("0.0.0.0", 5601), Handler).serve_forever()
