"""A news site for a container: three feeds; PUT /feed/N publishes N articles in that feed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STARTED = time.time()
TOPICS = ("bridge", "ferry", "harbour", "council", "school", "hospital", "railway", "library")
published = {"first": 12, "second": 5}
asked: Counter[str] = Counter()


def article(name: str, number: int) -> str:
    topic = TOPICS[number % len(TOPICS)]
    text = "".join(
        f"<p>Mira Dahlke of the Elsin {topic} authority said on Monday that report {number} of the "
        f"{name} series, part {part}, had been accepted by the county after a long debate about "
        "costs, safety and noise. Residents may speak at a public hearing next week.</p>"
        for part in range(5)
    )
    title = f"The {topic} report {name} {number} is out"
    return (
        f'<html lang="en"><head><title>{title}</title></head><body><article><h1>{title}</h1>'
        f"{text}</article></body></html>"
    )


def feed(name: str) -> str:
    items = "".join(
        f"<item><title>The {TOPICS[number % len(TOPICS)]} report {name} {number} is out</title>"
        f"<link>http://site:8000/{name}/{number}.html</link><guid>{name}{number}</guid>"
        f"<pubDate>{formatdate(STARTED - 60 * number)}</pubDate></item>"
        for number in reversed(range(published[name]))
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Elsin {name}</title>'
        f"<link>http://site:8000/</link><description>News</description>{items}</channel></rss>"
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name, _, rest = self.path[1:].partition("/")
        if self.path == "/robots.txt":
            self.send("User-agent: *\nAllow: /\n", "text/plain")
        elif self.path == "/asked":
            self.send("\n".join(f"{count} {path}" for path, count in asked.items()), "text/plain")
        elif name.removesuffix(".xml") in published and not rest:
            self.send(feed(name.removesuffix(".xml")), "application/rss+xml")
        elif name in published and rest.endswith(".html"):
            asked[self.path] += 1
            self.send(article(name, int(rest.removesuffix(".html"))), "text/html")
        else:
            self.send("not here", "text/plain", 404)

    def do_PUT(self) -> None:
        name, _, count = self.path[1:].partition("/")
        published[name] = int(count)
        self.send("published", "text/plain")

    def send(self, text: str, kind: str, status: int = 200) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *given: object) -> None:
        """Print nothing."""


signal.signal(signal.SIGTERM, lambda *given: os._exit(0))
ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
