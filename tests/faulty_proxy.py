"""Proxies that do to a server what networks and sick servers do: for tests of half-failures.

`FaultyHttp` understands HTTP and can answer instead of the server; `FaultyTcp` passes bytes.
"""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

#: Reasons as Elasticsearch words them.
NO_SPACE = "No space left on device"


@dataclass
class Asked:
    """One request as it reached the proxy."""

    method: str
    path: str
    body: bytes


@dataclass
class Fault:
    """What happens to requests whose `METHOD path` matches `pattern`.

    `answer` returns status and JSON body instead of the server, None to let the request pass.
    `stalls` keeps the request unanswered until the fault ends; `resets` cuts the connection,
    after the server has done the work if `is_late`; `seconds` delays the request. `items` returns
    status and error of the items of a bulk request that fail, by their id, None for others.
    """

    pattern: str
    answer: Callable[[Asked], tuple[int, Any] | None] | None = None
    items: Callable[[str], tuple[int, str] | None] | None = None
    stalls: bool = False
    resets: bool = False
    is_late: bool = False
    seconds: float = 0.0
    applies: Callable[[Asked], bool] = lambda _: True
    count: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def matches(self, asked: Asked) -> bool:
        """Return whether this fault applies."""
        is_named = re.search(self.pattern, f"{asked.method} {asked.path}") is not None
        return is_named and self.applies(asked)


def error_body(status: int, type: str, reason: str) -> dict[str, Any]:
    """Return an error as Elasticsearch sends it."""
    cause = {"type": type, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


def whole(pattern: str, status: int, type: str = "i_o_exception", reason: str = NO_SPACE) -> Fault:
    """Return the fault that answers whole requests with an error."""
    return Fault(pattern, answer=lambda _: (status, error_body(status, type, reason)))


def items(status: int, type: str, every: int = 1) -> Fault:
    """Return the fault that fails one of n items of bulk requests, by a hash of their ids."""
    return Fault("_bulk", items=lambda id: None if crc32(id.encode()) % every else (status, type))


def no_reads() -> Fault:
    """Return the fault of an engine that answers `/` while the shards of its indexes are missing."""
    return whole(
        "_search|_mget|_bulk|_count", 503, "no_shard_available_action_exception", "no shard"
    )


class FaultyHttp:
    """An HTTP proxy before one server. Use as a context manager."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultyHttp:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for fault in self.faults:
            fault.is_over.set()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def having(self, *faults: Fault) -> Iterator[Sequence[Fault]]:
        """Have these faults until the block ends."""
        self.faults += faults
        try:
            yield faults
        finally:
            for fault in faults:
                self.faults.remove(fault)
                fault.is_over.set()

    def fault_of(self, asked: Asked) -> Fault | None:
        """Return the first fault that applies to a request, and count it."""
        self.asked.append(asked)
        for fault in list(self.faults):
            if fault.matches(asked):
                fault.count += 1
                return fault
        return None

    def forward(self, asked: Asked, headers: dict[str, str]) -> tuple[int, list[Any], bytes]:
        """Return status, headers and body of the server's answer."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=120)
        try:
            connection.request(asked.method, asked.path, asked.body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what is tested here."""


def _handler(proxy: FaultyHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            asked = Asked(self.command, self.path, self.rfile.read(length))
            fault = proxy.fault_of(asked)
            if fault is None:
                self._pass(asked)
                return
            if fault.seconds:
                fault.is_over.wait(fault.seconds)
            if fault.stalls:
                fault.is_over.wait()
                self._cut()
            elif fault.resets:
                if fault.is_late:
                    proxy.forward(asked, self._headers())
                self._cut()
            elif fault.items is not None:
                self._answer(*_with_failed_items(proxy, asked, self._headers(), fault.items))
            else:
                answer = None if fault.answer is None else fault.answer(asked)
                if answer is None:
                    self._pass(asked)
                else:
                    self._answer(answer[0], json.dumps(answer[1]).encode())

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _any  # noqa: N815 - names that the base class asks for

        def _headers(self) -> dict[str, str]:
            left = {"host", "connection", "content-length", "accept-encoding"}
            return {name: at for name, at in self.headers.items() if name.lower() not in left}

        def _pass(self, asked: Asked) -> None:
            try:
                status, headers, body = proxy.forward(asked, self._headers())
            except OSError:
                self._cut()
                return
            kind = next((v for k, v in headers if k.lower() == "content-type"), "text/plain")
            self._answer(status, body, kind)

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _cut(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                _reset(self.connection)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


def _with_failed_items(
    proxy: FaultyHttp,
    asked: Asked,
    headers: dict[str, str],
    items: Callable[[str], tuple[int, str] | None],
) -> tuple[int, bytes]:
    """Send the items of a bulk request that do not fail, and answer for all in their order."""
    lines = asked.body.splitlines()
    actions: list[tuple[str, str, list[bytes]]] = []
    place = 0
    while place < len(lines):
        ((verb, head),) = json.loads(lines[place]).items()
        size = 1 if verb == "delete" else 2
        actions.append((verb, head["_id"], lines[place : place + size]))
        place += size
    found = [items(id) for _, id, _ in actions]
    sent = [action for action, fault in zip(actions, found, strict=True) if fault is None]
    real: list[Any] = []
    if sent:
        body = b"\n".join(line for _, _, part in sent for line in part) + b"\n"
        status, _, answer = proxy.forward(Asked(asked.method, asked.path, body), headers)
        if status != 200:
            return status, answer
        real = json.loads(answer)["items"]
    rest = iter(real)
    results = [
        next(rest)
        if fault is None
        else {verb: {"_id": id, "status": fault[0], "error": {"type": fault[1], "reason": "test"}}}
        for (verb, id, _), fault in zip(actions, found, strict=True)
    ]
    return 200, json.dumps({"took": 1, "errors": True, "items": results}).encode()


class FaultyTcp:
    """A TCP proxy before one server. Use as a context manager.

    `mode` is pass, stall (bytes wait in both directions), refuse (new connections are reset) or
    lose (bytes are read and thrown away, as behind a half-open connection).
    """

    def __init__(self, upstream: tuple[str, int], port: int = 0) -> None:
        self.upstream = upstream
        self.mode = "pass"
        self.delay_seconds = 0.0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._is_over = threading.Event()

    def __enter__(self) -> FaultyTcp:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Cut all connections."""
        for pair in self._pairs:
            for one in pair:
                with suppress(OSError):
                    _reset(one)
        self._pairs.clear()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                _reset(near)
                continue
            try:
                far = socket.create_connection(self.upstream, timeout=10)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            self._pairs.append((near, far))
            threading.Thread(target=self._pump, args=(near, far), daemon=True).start()

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        try:
            while not self._is_over.is_set():
                if self.mode == "stall":
                    time.sleep(0.05)
                    continue
                ready, _, _ = select.select([near, far], [], [], 0.2)
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    if self.delay_seconds:
                        time.sleep(self.delay_seconds)
                    if self.mode != "lose":
                        (far if one is near else near).sendall(data)
        except (OSError, ValueError):
            return
        finally:
            near.close()
            far.close()


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
