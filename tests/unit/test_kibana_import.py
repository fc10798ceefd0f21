"""`news-ingest setup` and Kibana, against a server that answers as Kibana does and remembers."""

from __future__ import annotations

import base64
import email
import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ingest.adapters.kibana import WAIT_SECONDS, Kibana
from ingest.errors import DependencyUnavailable, NewsIngestError
from ingest.operations.deployment import analyst_role, fill_kibana
from ingest.settings.load import load
from ingest.settings.options import KibanaOptions

CONFIG = Path(__file__).parents[2] / "config"
STARTING = (503, "Kibana server is not ready yet")
AVAILABLE = (200, {"status": {"overall": {"level": "available"}}})


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: Message
    body: bytes


class StandIn:
    """Returns the prepared responses by path, the last one repeatedly, and records requests."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, list[tuple[int, Any]]] = {
            "/api/status": [AVAILABLE],
            "/api/features": [(200, [{"id": "discover_v2"}, {"id": "dev_tools"}])],
            "/api/security/role/news_analyst_kibana": [(204, None)],
        }
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        if path in self.answers:
            prepared = self.answers[path]
            return prepared.pop(0) if len(prepared) > 1 else prepared[0]
        if path == "/api/saved_objects/_import":
            lines = self.pack(asked).splitlines()
            return 200, {"success": True, "successCount": len(lines)}
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(path)]

    @staticmethod
    def pack(asked: Asked) -> bytes:
        """Return the file in a form that was sent, as any reader of MIME understands it."""
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        (part,) = email.message_from_bytes(head + asked.body).get_payload()
        assert part.get_param("name", header="content-disposition") == "file"
        assert part.get_filename().endswith(".ndjson")
        found: bytes = part.get_payload(decode=True)
        return found

    def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(self.command, self.path, self.headers, body)
                status, content = stand_in.answer(asked)
                text = content if isinstance(content, str) else json.dumps(content)
                data = b"" if content is None else text.encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/login")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def kibana() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()


class Clock:
    """A clock that only moves during sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def client(url: str, clock: Clock | None = None, **options: Any) -> Kibana:
    clock = clock or Clock()
    return Kibana(KibanaOptions(url=url, **options), sleep=clock.sleep, monotonic=clock)


def filled(url: str, **variables: str) -> list[str]:
    environment = {"NEWS_INGEST_KIBANA_URL": url, **variables}
    return fill_kibana(load(CONFIG, environment))


def test_setup_imports_the_shipped_packs_over_what_is_there(kibana: StandIn) -> None:
    lines = filled(kibana.url)
    assert lines == [
        "Kibana: 17 objects of news-feeds.ndjson",
        "Kibana: 14 objects of news-overview.ndjson",
        "Kibana: 9 objects of news-revisions.ndjson",
    ]
    imports = kibana.of("/api/saved_objects")
    names = ("news-feeds", "news-overview", "news-revisions")
    for asked, name in zip(imports, names, strict=True):
        assert asked.method == "POST"
        assert asked.path == "/api/saved_objects/_import?overwrite=true"
        assert asked.headers["kbn-xsrf"]
        assert "authorization" not in asked.headers
        assert kibana.pack(asked) == (CONFIG / "kibana" / f"{name}.ndjson").read_bytes()


def test_the_login_is_sent_and_the_analyst_gets_a_role(kibana: StandIn) -> None:
    lines = filled(
        kibana.url, NEWS_INGEST_KIBANA_USERNAME="elastic", NEWS_INGEST_KIBANA_PASSWORD="s3cret"
    )
    assert lines[-1] == "Kibana: role news_analyst_kibana"
    login = base64.b64encode(b"elastic:s3cret").decode()
    assert {one.headers["authorization"] for one in kibana.asked} == {f"Basic {login}"}
    (put,) = kibana.of("/api/security/role/")
    rights = json.loads(put.body)
    assert rights["kibana"] == [
        {"base": [], "feature": {"discover_v2": ["read"]}, "spaces": ["default"]}
    ]


def test_an_empty_url_sends_no_request() -> None:
    assert filled("") == []


def test_a_prefix_goes_into_the_pack(kibana: StandIn) -> None:
    filled(kibana.url, NEWS_INGEST_INDEX_PREFIX="test1-")
    _, asked, _ = kibana.of("/api/saved_objects")
    first = json.loads(kibana.pack(asked).splitlines()[0])
    assert (first["id"], first["attributes"]["title"]) == (
        "test1-news-documents",
        "test1-news-documents",
    )


def test_it_waits_until_kibana_is_available(kibana: StandIn) -> None:
    degraded = (503, {"status": {"overall": {"level": "degraded"}}})
    kibana.answers["/api/status"] = [STARTING, (502, ""), degraded, AVAILABLE]
    clock = Clock()
    client(kibana.url, clock).wait()
    assert clock.now == 3 * WAIT_SECONDS
    assert len(kibana.of("/api/status")) == 4


def test_it_does_not_wait_for_ever(kibana: StandIn) -> None:
    kibana.answers["/api/status"] = [STARTING]
    clock = Clock()
    with pytest.raises(DependencyUnavailable) as caught:
        client(kibana.url, clock, timeout_seconds=60).wait()
    assert 60 <= clock.now < 60 + WAIT_SECONDS
    assert "not ready yet" in str(caught.value.value)
    assert not kibana.of("/api/saved_objects")


def test_an_absent_kibana_is_waited_for_too() -> None:
    with pytest.raises(DependencyUnavailable, match="Kibana is not available"):
        client("http://127.0.0.1:1", timeout_seconds=10).wait()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_ends_the_wait_at_once(kibana: StandIn, status: int) -> None:
    kibana.answers["/api/status"] = [(status, {"message": "who are you"})]
    clock = Clock()
    with pytest.raises(NewsIngestError, match="who are you") as caught:
        client(kibana.url, clock, username="x", password="s3cret").wait()
    assert clock.now == 0
    assert "kibana.password" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_object_that_kibana_refuses_is_reported(kibana: StandIn) -> None:
    errors = [{"type": "lens", "id": "news-count", "error": {"type": "missing_references"}}]
    kibana.answers["/api/saved_objects/_import"] = [
        (200, {"success": False, "successCount": 13, "errors": errors})
    ]
    with pytest.raises(NewsIngestError, match="missing_references") as caught:
        filled(kibana.url)
    assert caught.value.what == "Kibana did not import news-feeds.ndjson"


def test_a_redirect_is_not_an_import(kibana: StandIn) -> None:
    kibana.answers["/api/saved_objects/_import"] = [(302, None)]
    with pytest.raises(NewsIngestError, match="302"):
        filled(kibana.url)
    assert not kibana.of("/login")


def test_a_dry_run_only_reports(kibana: StandIn) -> None:
    settings = load(CONFIG, {"NEWS_INGEST_KIBANA_URL": kibana.url})
    feeds, overview, _ = fill_kibana(settings, dry_run=True)
    assert "news-feeds.ndjson would be imported" in feeds
    assert "news-overview.ndjson would be imported" in overview
    assert kibana.asked == []


def test_the_analyst_reads_the_newest_version_of_each_feature() -> None:
    known = ["discover", "discover_v2", "discover_v10", "maps", "dashboard_v2", "dev_tools", "ml"]
    (space,) = analyst_role(known)["kibana"]
    assert space["feature"] == {
        "discover_v10": ["read"],
        "maps": ["read"],
        "dashboard_v2": ["read"],
    }
