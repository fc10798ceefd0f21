"""A scripted web server for tests: any number of invented hosts on one loopback port.

    with HttpSite() as site:
        site.serve("harbour-times.example", "/a", Answer(body=b"<p>…"))
        site.serve("harbour-times.example", "/b", [Answer(503), Answer(200)])   # in turn
        options = AddressGuardOptions(hosts=site.hosts("*.example"))
        …
        assert [seen.path for seen in site.requests] == ["/robots.txt", "/a"]

Paths nobody serves, robots.txt too, answer 404. The record of requests is complete and in the
order of arrival.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Content-Length is added unless given or `is_open` (ends by closing)."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str | bytes]] = ()
    wait_seconds: float = 0.0
    is_open: bool = False

    def as_bytes(self) -> bytes:
        names = {name.lower() for name, _ in self.headers}
        lines = [b"HTTP/1.1 %d Answer" % self.status]
        for name, value in self.headers:
            lines.append(
                name.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
            )
        if not self.is_open and not names & {"content-length", "transfer-encoding"}:
            lines.append(b"Content-Length: %d" % len(self.body))
        if "content-type" not in names:
            lines.append(b"Content-Type: text/html; charset=utf-8")
        lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass
class Seen:
    """One request as it came in. Header names are lower case; times are time.monotonic()."""

    method: str
    host: str
    path: str
    headers: list[tuple[str, str]]
    started_at: float
    ended_at: float | None = None
    sent_bytes: int = 0

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


#: Writes raw bytes, for responses that are not valid HTTP.
Raw = Callable[[asyncio.StreamWriter], Awaitable[None]]
Script = Answer | Raw | list[Answer] | Callable[["Seen"], Answer | Raw]


@dataclass
class _Page:
    script: Script
    is_raw: bool = False
    turn: int = 0


def html(title: str, text: str, head: str = "") -> Answer:
    """Return a small article page."""
    body = (
        f"<!doctype html><html><head><title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    )
    return Answer(body=body.encode())


def redirect(location: str | bytes, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(status, headers=[("Location", location)])


@dataclass
class HttpSite:
    """The server; a context manager that runs it in a thread of its own."""

    tls: ssl.SSLContext | None = None
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._pages: dict[tuple[str, str], _Page] = {}
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    # ── what it serves ───────────────────────────────────────────────────────────────────

    def serve(self, host: str, path: str, script: Script) -> None:
        """Serve this at host and path (with its query); host `*` is any, path `*` any."""
        with self._lock:
            self._pages[host, path] = _Page(script)

    def serve_raw(self, host: str, path: str, play: Raw) -> None:
        """Let `play(writer)` write the whole answer; the connection closes when it returns."""
        with self._lock:
            self._pages[host, path] = _Page(play, is_raw=True)

    def hosts(self, *names: str) -> dict[str, str]:
        """Return the value of `address_guard.hosts` that sends these names here."""
        return dict.fromkeys(names, f"127.0.0.1:{self.port}")

    # ── what it saw ──────────────────────────────────────────────────────────────────────

    def asked(self, host: str | None = None, path: str | None = None) -> list[Seen]:
        """Return the requests for this host and path, in order."""
        with self._lock:
            return [
                seen
                for seen in self.requests
                if host in (None, seen.host) and path in (None, seen.path)
            ]

    def keeps_gap(self, gap: float, began: float, host: str | None = None) -> bool:
        """Return whether each request started at least this long after the one before.

        A busy machine notes a start late, never early. So the starts are compared with `began`, a
        moment before the first request: request number k (from 0) starts `k * gap` after it.
        """
        starts = sorted(seen.started_at for seen in self.asked(host))
        return all(at - began >= number * gap for number, at in enumerate(starts))

    def most_in_flight(self, host: str | None = None) -> int:
        """Return how many requests were open at once, at most."""
        marks: list[tuple[float, int]] = []
        for seen in self.asked(host):
            marks += [(seen.started_at, 1), (seen.ended_at or float("inf"), -1)]
        most = now = 0
        for _, step in sorted(marks):
            now += step
            most = max(most, now)
        return most

    # ── running ──────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> HttpSite:
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http-site", daemon=True)
        self._thread.start()
        assert self._is_ready.wait(10), "the test server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the test server did not stop"

    def _run(self) -> None:
        asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self.tls, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # closed transports go at the next turn of the loop

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = _read(await reader.readuntil(b"\r\n\r\n"))
        with self._lock:
            self.requests.append(seen)
            page = self._page(seen)
        try:
            if page is not None and page.is_raw:
                await page.script(writer)  # type: ignore[operator,arg-type,misc]
                return
            answer = self._chosen(page, seen)
            if not isinstance(answer, Answer):
                await answer(writer)
                return
            if answer.wait_seconds:
                await asyncio.sleep(answer.wait_seconds)
            data = answer.as_bytes()
            seen.sent_bytes = len(data)
            seen.ended_at = time.monotonic()
            writer.write(data)
            await writer.drain()
        finally:
            seen.ended_at = time.monotonic() if seen.ended_at is None else seen.ended_at

    def _page(self, seen: Seen) -> _Page | None:
        places = ((seen.host, seen.path), ("*", seen.path), (seen.host, "*"), ("*", "*"))
        if seen.path == "/robots.txt":
            places = places[:2]
        return next((self._pages[place] for place in places if place in self._pages), None)

    def _chosen(self, page: _Page | None, seen: Seen) -> Answer | Raw:
        if page is None:
            return Answer(404, b"nothing here")
        script = page.script
        if isinstance(script, Answer):
            return script
        if isinstance(script, list):
            page.turn += 1
            return script[min(page.turn, len(script)) - 1]
        return script(seen)  # type: ignore[return-value,arg-type]


def _read(head: bytes) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    host = next((value for name, value in headers if name == "host"), "")
    return Seen(method, host.rsplit(":", 1)[0], target, headers, time.monotonic())
