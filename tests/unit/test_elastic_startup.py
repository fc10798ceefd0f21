"""401 of a starting engine, and 401 of one that refuses: a server with scripted responses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import elastic_transport
import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.adapters.elastic_index.client import (
    STARTING_SECONDS,
    NotAuthorisedYet,
    StartupTransport,
)
from ingest.errors import IndexRefused, IndexUnavailable
from ingest.settings.options import IndexOptions
from tests.builders import NOW

CONFIG = Path(__file__).parents[2] / "config"
REFUSAL = b'{"error": {"type": "security_exception", "reason": "unknown user"}, "status": 401}'
GREETING = b'{"version": {"number": "9.5.1"}}'


class Door:
    """An engine that authorises everybody, or nobody, and can be stopped."""

    def __init__(self) -> None:
        self.is_open = True
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(door: Door) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = (200, GREETING) if door.is_open else (401, REFUSAL)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("x-elastic-product", "Elasticsearch")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.stop()


class Clock:
    """A clock that tests move."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """A transport with a clock of its own."""

    def __init__(self, door: Door) -> None:
        self.clock = Clock()
        node = elastic_transport.NodeConfig("http", "127.0.0.1", door.port)
        self._transport = StartupTransport([node], max_retries=0, monotonic=self.clock)

    def status(self, seconds_later: float = 0.0) -> int:
        self.clock.now += seconds_later
        return self._transport.perform_request("GET", "/").meta.status


def test_the_first_answer_counts_at_once(door: Door) -> None:
    door.start()
    door.is_open = False
    assert Client(door).status() == 401


def test_an_authorised_client_waits_for_a_while_and_then_is_refused(door: Door) -> None:
    door.start()
    client = Client(door)
    assert client.status() == 200
    door.is_open = False
    for later in (0.0, STARTING_SECONDS / 2, STARTING_SECONDS / 2 - 1):
        with pytest.raises(NotAuthorisedYet) as caught:
            client.status(later)
        assert caught.value.message == "401 security_exception: unknown user"
    assert client.status(1) == 401
    door.is_open = True
    assert client.status() == 200
    door.is_open = False
    with pytest.raises(NotAuthorisedYet):  # the while begins again
        client.status(STARTING_SECONDS)


def test_a_client_that_found_no_engine_waits_too(door: Door) -> None:
    client = Client(door)
    with pytest.raises(elastic_transport.ConnectionError):
        client.status()
    door.start()
    door.is_open = False
    with pytest.raises(NotAuthorisedYet):
        client.status()
    assert client.status(STARTING_SECONDS) == 401


def test_a_worker_holds_while_the_engine_starts(door: Door) -> None:
    options = IndexOptions(url=f"http://127.0.0.1:{door.port}", username="u", password="s3cret")
    index = ElasticIndex(options, config_folder=CONFIG, clock=lambda: NOW)
    with pytest.raises(IndexUnavailable, match="does not answer"):
        index.ping()
    door.start()
    door.is_open = False
    with pytest.raises(IndexUnavailable, match="did not authorise this client") as caught:
        index.ping()
    assert "s3cret" not in str(caught.value)
    assert "index.password" in str(caught.value.remedy)
    door.is_open = True
    index.ping()
    index.close()

    door.is_open = False
    fresh = ElasticIndex(options, config_folder=CONFIG, clock=lambda: NOW)
    with pytest.raises(IndexRefused):
        fresh.ping()
    fresh.close()
