"""Serves the sites of seeds/ over real HTTP on loopback, each under its invented host name.

A site is a folder with `site.yml` and `www/`:

    host: harbour-times.example      # invented; *.example
    publisher: Harbour Times
    country: GB                      # optional
    language: en
    feed: /feed.xml
    answers:                         # optional: what a path answers instead of its file
      /slow: [{status: 503, headers: {Retry-After: "1"}}, {file: slow.html}]

The answers of a path are given in order; the last one is repeated. In text files
`{{ago 3h}}` becomes the RFC 822 time of three hours before the server's start and
`{{ago 3h iso}}` the ISO 8601 one, so that the demo's news are never old.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from ingest.errors import ConfigError, ConfigFault
from ingest.settings.faults import checked
from ingest.settings.options import Options
from ingest.settings.yaml_file import read_yaml

_AGO = re.compile(r"\{\{ago (\d+)([mhd])( iso)?\}\}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TEXTS = ("", ".xml", ".html", ".htm", ".json", ".txt", ".atom", ".rss")


class Answer(Options):
    """One scripted answer; `file` lies under www/."""

    status: int = 200
    headers: dict[str, str] = {}
    file: str = ""
    text: str = ""
    delay_seconds: float = 0.0
    is_gzipped: bool = False


class SeedSite(Options):
    """One publisher's site."""

    host: str
    publisher: str
    country: str = ""
    language: str = ""
    feed: str
    answers: dict[str, list[Answer]] = {}


class SeedSites:
    """All sites of a folder behind one port; `requests` lists every request in order."""

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        self.sites: dict[str, SeedSite] = {}
        self._folders: dict[str, Path] = {}
        self._started_at = now or datetime.now(UTC)
        self._served: dict[tuple[str, str], int] = {}
        self._lock = Lock()
        self.requests: list[tuple[float, str, str, int]] = []
        for path in sorted(folder.glob("*/site.yml")):
            site = checked(read_yaml(path), SeedSite)
            self.sites[site.host] = site
            self._folders[site.host] = path.parent / "www"
        if not self.sites:
            reason, remedy = "contains no */site.yml", "give a folder of seed sites with --seeds"
            raise ConfigError([ConfigFault(str(folder), None, "seeds", None, reason, remedy)])
        self._server: ThreadingHTTPServer | None = None

    def start(self, port: int = 0) -> int:
        """Listen on loopback and return the port."""
        sites = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = (self.headers.get("Host") or "").partition(":")[0].lower()
                status, headers, body = sites.answer(host, self.path, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 304:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """The demo shows its own progress."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="seed-sites", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def count(self, host: str, path: str) -> int:
        """Return the number of requests for a path."""
        return self._served.get((host, path), 0)

    def answer(
        self, host: str, target: str, asked: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for one request."""
        path = target.partition("?")[0]
        site = self.sites.get(host)
        if site is None:
            return 404, {"Content-Type": "text/plain"}, b"no such site\n"
        with self._lock:
            number = self._served.get((host, path), 0)
            self._served[host, path] = number + 1
        scripted = site.answers.get(path)
        answer = scripted[min(number, len(scripted) - 1)] if scripted else Answer(file=path)
        if answer.delay_seconds:
            time.sleep(answer.delay_seconds)
        status, headers, body = self._made(host, path, answer)
        tag = headers.get("ETag")
        if status == 200 and tag and asked.get("If-None-Match") == tag:
            status, body = 304, b""
        self.requests.append((time.time(), host, path, status))
        return status, headers, body

    def _made(self, host: str, path: str, answer: Answer) -> tuple[int, dict[str, str], bytes]:
        headers = dict(answer.headers)
        if not answer.file:
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            return answer.status, headers, answer.text.encode()
        root = self._folders[host].resolve()
        file = (root / answer.file.lstrip("/")).resolve()
        if file.is_dir():
            file = file / "index.html"
        if root not in file.parents or not file.is_file():
            return 404, {"Content-Type": "text/plain"}, b"not found\n"
        body = self._filled(file)
        kind = mimetypes.guess_type(file.name)[0] or (
            "application/octet-stream" if file.suffix else "text/html"
        )
        headers.setdefault(
            "Content-Type", f"{kind}; charset=utf-8" if file.suffix in _TEXTS else kind
        )
        if path == self.sites[host].feed and "ETag" not in headers:
            headers["ETag"] = f'"{hash(body) & 0xFFFFFFFF:x}"'
        if answer.is_gzipped:
            body = gzip.compress(body)
            headers.setdefault("Content-Encoding", "gzip")
        return answer.status, headers, body

    def _filled(self, file: Path) -> bytes:
        data = file.read_bytes()
        if file.suffix not in _TEXTS or b"{{ago " not in data:
            return data
        return _AGO.sub(self._time, data.decode("utf-8")).encode("utf-8")

    def _time(self, match: re.Match[str]) -> str:
        ago = timedelta(**{_UNITS[match[2]]: int(match[1])})
        at = (self._started_at - ago).replace(microsecond=0)
        return at.isoformat() if match[3] else format_datetime(at, usegmt=True)
