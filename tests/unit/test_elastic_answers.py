"""What each response of an engine means, as a function and with a scripted HTTP server."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import elastic_transport
import elasticsearch
import elasticsearch.helpers
import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.adapters.elastic_index.client import CLIENT_ERRORS, refusal, translate
from ingest.adapters.elastic_index.verdicts import EngineAnswer, verdict
from ingest.errors import (
    IndexDiffers,
    IndexFault,
    IndexRefused,
    IndexUnavailable,
    NewsIngestError,
)
from ingest.ports import IndexWrite, Verdict
from ingest.settings.options import IndexOptions
from tests.builders import NOW, an_indexed_document
from tests.elastic_archive import CONFIG

URL = "http://engine.example:9200"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (EngineAnswer(200), "written"),
        (EngineAnswer(201), "written"),
        (EngineAnswer(409, "version_conflict_engine_exception"), "older"),
        (EngineAnswer(400, "document_parsing_exception", "bad date"), "refused"),
        (EngineAnswer(400, "illegal_argument_exception"), "refused"),
        (EngineAnswer(413), "refused"),
        (EngineAnswer(500, "null_pointer_exception"), "failed"),
        (EngineAnswer(507, "insufficient_storage"), "failed"),
        (EngineAnswer(500, "unavailable_shards_exception"), None),
        (EngineAnswer(404, "index_not_found_exception"), None),
        (EngineAnswer(429, "es_rejected_execution_exception"), None),
        (EngineAnswer(429, "circuit_breaking_exception"), None),
        (EngineAnswer(403, "cluster_block_exception"), None),
        (EngineAnswer(429, "cluster_block_exception"), None),
        (EngineAnswer(503, "unavailable_shards_exception"), None),
        (EngineAnswer(401, "security_exception"), None),
        (EngineAnswer(403, "security_exception"), None),
    ],
)
def test_an_answer_about_a_document_is_a_verdict(answer: EngineAnswer, kind: str | None) -> None:
    found = verdict(answer)
    assert (None if found is None else found.kind) == kind


def test_a_refusal_has_type_and_cause() -> None:
    error = {
        "type": "document_parsing_exception",
        "reason": "failed to parse field [published_at]",
        "caused_by": {"type": "illegal_argument_exception", "reason": "no such month"},
    }
    found = verdict(EngineAnswer.of(400, error))
    assert found == Verdict(
        "refused",
        "document_parsing_exception",
        "failed to parse field [published_at] (no such month)",
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (EngineAnswer(401, "security_exception"), IndexRefused),
        (EngineAnswer(403, "security_exception"), IndexRefused),
        (EngineAnswer(403, "cluster_block_exception"), IndexUnavailable),
        (EngineAnswer(429, "es_rejected_execution_exception"), IndexUnavailable),
        (EngineAnswer(502), IndexUnavailable),
        (EngineAnswer(503, "master_not_discovered_exception"), IndexUnavailable),
        (EngineAnswer(400, "media_type_header_exception"), IndexDiffers),
        (EngineAnswer(406), IndexDiffers),
        (EngineAnswer(400, "parsing_exception"), IndexFault),
    ],
)
def test_an_answer_about_a_request_is_an_error_of_ours(
    answer: EngineAnswer, expected: type[NewsIngestError]
) -> None:
    error = refusal(answer, URL, "trying")
    assert type(error) is expected
    assert str(answer.status) in str(error)
    assert URL in str(error)
    assert error.remedy


def test_a_full_disk_is_named_as_such() -> None:
    error = refusal(EngineAnswer(403, "cluster_block_exception", "flood-stage"), URL, "writing")
    assert "disk watermark" in str(error)
    assert "free disk space" in str(error)


def _exceptions(module: Any) -> list[type[Exception]]:
    classes = (value for _, value in inspect.getmembers(module, inspect.isclass))
    return [
        found
        for found in classes
        if issubclass(found, Exception) and not issubclass(found, Warning)
    ]


@pytest.mark.parametrize("module", [elasticsearch, elastic_transport, elasticsearch.helpers])
def test_every_exception_of_the_client_is_translated(module: Any) -> None:
    found = _exceptions(module)
    assert found
    for one in found:
        assert issubclass(one, CLIENT_ERRORS), f"{one} of the client has no translation"


def _meta(status: int) -> Any:
    return elastic_transport.ApiResponseMeta(
        status=status, http_version="1.1", headers=elastic_transport.HttpHeaders(),
        duration=0.1, node=elastic_transport.NodeConfig("http", "engine.example", 9200),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (elastic_transport.ConnectionError("refused"), IndexUnavailable),
        (elastic_transport.ConnectionTimeout("late"), IndexUnavailable),
        (elastic_transport.SerializationError("<html>"), IndexUnavailable),
        (elastic_transport.TlsError("CERTIFICATE_VERIFY_FAILED"), IndexRefused),
        (elastic_transport.TlsError("handshake broken off"), IndexUnavailable),
        (elasticsearch.UnsupportedProductError("no", _meta(200), {}), IndexDiffers),
        (elasticsearch.NotFoundError("no", _meta(404), {"error": "none"}), IndexFault),
        (elasticsearch.ApiError("no", _meta(503), "<html>busy</html>"), IndexUnavailable),
    ],
)
def test_an_exception_of_the_client_becomes_one_of_ours(
    error: Exception, expected: type[NewsIngestError]
) -> None:
    assert type(translate(error, URL, "trying")) is expected


# ── a scripted engine ───────────────────────────────────────────────────────────────────────


_MISSING = ("/_component_template/", "/_index_template/", "/_ilm/policy/", "/_alias/")


class Script:
    """An HTTP server that pretends to be Elasticsearch, with scripted bulk responses."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, list[Any]]] = []
        self.bulk: Callable[[list[str]], tuple[int, Any]] = _all_created
        self.others: dict[str, tuple[int, Any]] = {}
        script = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1  # one packet an answer
            protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]

            def do(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                lines = [json.loads(line) for line in self.rfile.read(length).splitlines()]
                status, body = script.answer(self.command, self.path, lines)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("x-elastic-product", "Elasticsearch")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = do  # noqa: N815

            def log_message(self, *given: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, method: str, path: str, lines: list[Any]) -> tuple[int, Any]:
        self.requests.append((method, path, lines))
        plain = path.partition("?")[0]
        if plain == "/_bulk":
            return self.bulk([line["index"]["_id"] for line in lines[::2]])
        if plain in self.others:
            return self.others[plain]
        if plain == "/_index_template/news-documents":
            block = {"index_template": {"_meta": {"schema_version": 1}}}
            return 200, {"index_templates": [block]}
        if method == "GET" and plain.startswith(_MISSING):
            return 404, {}
        return 200, {}

    def bulks(self) -> list[list[str]]:
        """Return the ids of each bulk request that came in."""
        return [
            [line["index"]["_id"] for line in lines[::2]]
            for _, path, lines in self.requests
            if path.startswith("/_bulk")
        ]


def _items(statuses: dict[str, tuple[int, str]]) -> tuple[int, Any]:
    items = []
    for id, (status, kind) in statuses.items():
        item: dict[str, Any] = {"_id": id, "_index": "i", "status": status}
        if kind:
            item["error"] = {"type": kind, "reason": "as scripted"}
        items.append({"index": item})
    return 200, {"errors": True, "items": items}


def _all_created(ids: list[str]) -> tuple[int, Any]:
    return _items(dict.fromkeys(ids, (201, "")))


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def index(script: Script) -> Iterator[ElasticIndex]:
    made = ElasticIndex(IndexOptions(url=script.url), config_folder=CONFIG, clock=lambda: NOW)
    yield made
    made.close()


def put(index: ElasticIndex, *ids: str) -> list[Verdict]:
    return index.put([IndexWrite(an_indexed_document(id=id)) for id in ids])


def test_only_the_item_that_was_too_much_is_sent_again(script: Script, index: ElasticIndex) -> None:
    def busy_once(ids: list[str]) -> tuple[int, Any]:
        busy = {"b"} if len(script.bulks()) == 1 else set()
        return _items(
            {
                id: (429, "es_rejected_execution_exception") if id in busy else (201, "")
                for id in ids
            }
        )

    script.bulk = busy_once
    assert [found.kind for found in put(index, "a", "b", "c")] == ["written"] * 3
    assert script.bulks() == [["a", "b", "c"], ["b"]]


@pytest.mark.slow
def test_an_engine_that_stays_too_busy_is_unavailable(script: Script, index: ElasticIndex) -> None:
    script.bulk = lambda ids: _items(dict.fromkeys(ids, (429, "circuit_breaking_exception")))
    with pytest.raises(IndexUnavailable, match="circuit_breaking_exception"):
        put(index, "a")
    assert len(script.bulks()) == 4


@pytest.mark.slow
def test_a_request_refused_for_now_is_sent_again_whole(script: Script, index: ElasticIndex) -> None:
    script.bulk = lambda ids: (
        (503, {"error": "x"}) if len(script.bulks()) == 1 else _all_created(ids)
    )
    assert [found.kind for found in put(index, "a", "b")] == ["written"] * 2
    assert script.bulks() == [["a", "b"], ["a", "b"]]


def test_a_rejected_request_is_sent_document_by_document(
    script: Script, index: ElasticIndex
) -> None:
    def wrong_with_b(ids: list[str]) -> tuple[int, Any]:
        error = {"type": "illegal_argument_exception", "reason": "malformed action"}
        return (400, {"error": error, "status": 400}) if "b" in ids else _all_created(ids)

    script.bulk = wrong_with_b
    verdicts = put(index, "a", "b", "c")
    assert [found.kind for found in verdicts] == ["written", "refused", "written"]
    assert verdicts[1].code == "illegal_argument_exception"
    assert script.bulks() == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_a_single_document_that_is_too_large_for_the_engine_is_refused(
    script: Script, index: ElasticIndex
) -> None:
    script.bulk = lambda ids: (413, {"error": "too large"}) if "b" in ids else _all_created(ids)
    verdicts = put(index, "a", "b")
    assert [(found.kind, found.code) for found in verdicts] == [
        ("written", ""),
        ("refused", "too_large"),
    ]


def test_a_forbidden_item_is_refused(script: Script, index: ElasticIndex) -> None:
    script.bulk = lambda ids: _items(dict.fromkeys(ids, (403, "security_exception")))
    with pytest.raises(IndexRefused) as caught:
        put(index, "a")
    assert caught.value.exit_code == 4


def test_a_full_disk_holds(script: Script, index: ElasticIndex) -> None:
    script.bulk = lambda ids: _items(dict.fromkeys(ids, (403, "cluster_block_exception")))
    with pytest.raises(IndexUnavailable, match="disk watermark"):
        put(index, "a")


def test_a_response_for_fewer_documents_than_were_sent_is_an_outage(
    script: Script, index: ElasticIndex
) -> None:
    script.bulk = lambda ids: _all_created(ids[:1])
    with pytest.raises(IndexUnavailable, match="fewer"):
        put(index, "a", "b")


def test_a_month_that_cannot_be_read_is_not_taken_for_empty(
    script: Script, index: ElasticIndex
) -> None:
    error = {"type": "no_shard_available_action_exception", "reason": "no shard"}
    docs = [{"_id": "a", "error": error}] * 2
    script.others["/_mget"] = (200, {"docs": docs})
    with pytest.raises(IndexUnavailable, match="no_shard_available"):
        index.known(["a"])


def test_a_response_of_some_shards_is_not_a_search_result(
    script: Script, index: ElasticIndex
) -> None:
    from ingest.query import SearchRequest

    shards = {"total": 3, "failed": 1, "failures": [{"reason": {"reason": "node left"}}]}
    script.others["/news-documents/_search"] = (200, {"_shards": shards})
    with pytest.raises(IndexUnavailable, match="1 of 3 shards: node left"):
        index.search(SearchRequest())


def test_an_engine_with_lifecycles_gets_the_policy_and_the_setting(script: Script) -> None:
    script.others["/"] = (200, {"version": {"number": "9.5.1"}})
    index = ElasticIndex(
        IndexOptions(url=script.url, retention_months=12), config_folder=CONFIG, clock=lambda: NOW
    )
    done = index.apply(NOW)
    assert done[0] == "created lifecycle policy news-documents"
    put = {path: lines[0] for method, path, lines in script.requests if method == "PUT"}
    phases = put["/_ilm/policy/news-documents"]["policy"]["phases"]
    assert phases == {"delete": {"actions": {"delete": {}}, "min_age": "403d"}}
    settings = put["/_component_template/news-overlay"]["template"]["settings"]
    assert settings == {"index.lifecycle.name": "news-documents"}
    assert put["/_index_template/news-documents"]["composed_of"][-1] == "news-overlay"
    # The least that each part of the product needs, where the engine knows roles.
    assert "created role news_index_stage" in done
    index.close()


def test_an_engine_that_keeps_all_months_gets_no_policy(script: Script) -> None:
    script.others["/"] = (200, {"version": {"number": "9.5.1"}})
    index = ElasticIndex(IndexOptions(url=script.url), config_folder=CONFIG, clock=lambda: NOW)
    assert not [line for line in index.apply(NOW) if "lifecycle" in line or "overlay" in line]
    index.close()


@pytest.mark.parametrize("number", ["7.17.9", "8.18.4"])
def test_an_engine_that_is_too_old_differs(
    script: Script, index: ElasticIndex, number: str
) -> None:
    script.others["/"] = (200, {"version": {"number": number}})
    with pytest.raises(IndexDiffers, match=number):
        index.ping()


def test_an_absent_engine_is_unavailable_and_no_password_is_shown() -> None:
    url = "http://reader:secret@127.0.0.1:9"
    index = ElasticIndex(IndexOptions(url=url), config_folder=CONFIG, clock=lambda: NOW)
    for call in (
        index.ping,
        index.refresh,
        lambda: put(index, "a"),
        lambda: index.known(["a"]),
        lambda: index.get("a"),
        lambda: index.apply(NOW),
    ):
        with pytest.raises(IndexUnavailable, match=r"127\.0\.0\.1:9") as caught:
            call()
        assert "secret" not in str(caught.value)
    index.close()


def test_another_server_is_not_taken_for_the_engine(script: Script) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"version": {"number": "9.9.9"}}')

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    index = ElasticIndex(IndexOptions(url=url), config_folder=CONFIG, clock=lambda: NOW)
    with pytest.raises(IndexDiffers, match="Elasticsearch"):
        index.ping()
    index.close()
    server.shutdown()
    server.server_close()


def test_credentials_and_trust_are_taken_from_the_options(script: Script) -> None:
    seen: list[str | None] = []

    class Secured(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("authorization"))
            data = b'{"error": {"type": "security_exception", "reason": "no"}, "status": 401}'
            self.send_response(401)
            self.send_header("content-type", "application/json")
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Secured)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    for options in ({"api_key": "a2V5"}, {"username": "u", "password": "p"}, {}):
        index = ElasticIndex(
            IndexOptions(url=url, **options), config_folder=CONFIG, clock=lambda: NOW
        )
        with pytest.raises(IndexRefused):
            index.ping()
        index.close()
    assert seen == ["ApiKey a2V5", "Basic dTpw", None]
    server.shutdown()
    server.server_close()
