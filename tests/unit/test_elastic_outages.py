"""The Elasticsearch index while its engine stops, dies, fills up, or requires a login."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.errors import IndexRefused, IndexUnavailable
from ingest.ports import IndexWrite
from ingest.query import SearchRequest, Word
from ingest.settings.options import IndexOptions
from tests.builders import NOW, an_id, an_indexed_document
from tests.elastic_archive import CONFIG, Archive
from tests.elasticsearch_server import ElasticsearchServer

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]

PASSWORD = "invented-for-this-test"


def put(index: ElasticIndex, *names: str) -> list[str]:
    placed = [IndexWrite(an_indexed_document(name)) for name in names]
    return [verdict.kind for verdict in index.put(placed)]


def until_available(call: Callable[[], Any], seconds: float = 120) -> Any:
    """Retry while the index is unavailable, as a worker on hold does."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except IndexUnavailable:
            assert time.monotonic() < end, "the index did not come back"
            time.sleep(0.5)


def test_a_stopped_engine_is_unavailable_and_fine_after_its_start(
    elasticsearch_server: Callable[..., ElasticsearchServer],
) -> None:
    server = elasticsearch_server()
    archive = Archive(server.address)
    index = archive.index()
    index.apply(NOW)
    assert put(index, "before") == ["written"]

    written: list[str] = []
    troubles: list[BaseException] = []
    is_over = threading.Event()

    def write() -> None:
        writer = archive.index()
        number = 0
        while not is_over.is_set():
            names = [f"doc {number}.{place}" for place in range(20)]
            try:
                kinds = until_available(lambda names=names: put(writer, *names))
            except BaseException as trouble:  # noqa: BLE001 - told to the test
                troubles.append(trouble)
                return
            assert kinds == ["written"] * 20
            written.extend(names)
            number += 1
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(1)
    server.stop()
    for call in (
        lambda: put(index, "while it is away"),
        lambda: index.known([an_id("before")]),
        lambda: index.search(SearchRequest()),
        index.ping,
    ):
        with pytest.raises(IndexUnavailable):
            call()
    server.start()
    until_available(lambda: put(index, "after"))
    time.sleep(1)
    server.kill()
    server.start()
    until_available(lambda: put(index, "after the kill"))
    time.sleep(1)
    is_over.set()
    thread.join(120)

    assert troubles == []
    assert written
    assert len(index.known(map(an_id, written))) == len(written)
    index.refresh()
    result = index.search(SearchRequest(query=Word("harbour"), size=0))
    assert result.total == len(written) + 3
    index.close()


def test_an_index_blocked_by_a_full_disk_is_unavailable_and_recovers(
    elasticsearch_url: str,
) -> None:
    archive = Archive(elasticsearch_url)
    index = archive.index()
    try:
        index.apply(NOW)
        month = f"/{archive.prefix}news-documents-2026.11-r1/_settings"
        block = "index.blocks.read_only_allow_delete"
        archive.ask("PUT", month, {block: True})
        with pytest.raises(IndexUnavailable, match="disk watermark"):
            put(index, "full")
        archive.ask("PUT", month, {block: None})
        assert put(index, "full") == ["written"]
    finally:
        index.close()
        archive.remove()


class Secured:
    """A server with security on, and requests to it as its superuser."""

    def __init__(self, server: ElasticsearchServer) -> None:
        self.url = server.address

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        given = base64.b64encode(f"tester:{PASSWORD}".encode()).decode()
        headers = {"authorization": f"Basic {given}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def index(self, **options: Any) -> ElasticIndex:
        given = IndexOptions(url=self.url, **options)
        return ElasticIndex(given, config_folder=CONFIG, clock=lambda: NOW)

    def key(self, name: str, role: dict[str, Any]) -> dict[str, str]:
        """Return `id` and `encoded` of a new API key with the rights of this role."""
        body = {"name": name, "role_descriptors": {name: role}}
        found: dict[str, str] = self.ask("POST", "/_security/api_key", body)
        return found


def test_each_part_works_with_the_privileges_of_its_role(
    elasticsearch_server: Callable[..., ElasticsearchServer],
) -> None:
    secured = Secured(elasticsearch_server(password=PASSWORD))
    roles = json.loads((CONFIG / "index" / "roles.json").read_text())

    for options in ({}, {"username": "tester", "password": "wrong"}, {"api_key": "d3Jvbmc="}):
        with pytest.raises(IndexRefused) as caught:
            secured.index(**options).ping()
        assert caught.value.exit_code == 4
        assert "wrong" not in str(caught.value)

    setup = secured.index(username="tester", password=PASSWORD)
    assert "created role news_index_stage" in setup.apply(NOW)
    assert setup.apply(NOW) == []

    # The index stage: everything it does, a new month included, and no more.
    stage_key = secured.key("stage", roles["news_index_stage"])
    stage = secured.index(api_key=stage_key["encoded"])
    stage.ping()
    old = an_indexed_document("old", first_seen_at=NOW - timedelta(days=90))
    assert [found.kind for found in stage.put([IndexWrite(old)])] == ["written"]
    assert put(stage, "flood") == ["written"]
    assert set(stage.known([an_id("flood"), an_id("old")])) == {an_id("flood"), an_id("old")}
    stage.refresh()
    assert stage.expire(NOW - timedelta(days=50)) == 0  # not its right: the lifecycle policy's work
    assert setup.expire(NOW - timedelta(days=50)) == 1
    with pytest.raises(IndexRefused):
        _changed(secured, stage)

    # The web reads, and is refused where it writes.
    web = secured.index(api_key=secured.key("web", roles["news_web"])["encoded"])
    assert web.search(SearchRequest(query=Word("harbour"))).total == 1
    assert len(web.export(SearchRequest()).documents) == 1
    assert web.get(an_id("flood")) is not None
    with pytest.raises(IndexRefused):
        put(web, "by the web")

    # The analyst sees what the read alias shows, not the months behind it.
    analyst = secured.key("analyst", roles["news_analyst"])["encoded"]
    assert setup.remove([an_id("flood")], "court order", NOW) == 1
    setup.refresh()
    assert secured.index(api_key=analyst).search(SearchRequest()).total == 0
    with pytest.raises(IndexRefused):
        secured.index(api_key=analyst).known([an_id("flood")])

    secured.ask("DELETE", "/_security/api_key", {"ids": [stage_key["id"]]})
    with pytest.raises(IndexUnavailable, match="401"):  # for a minute: the engine may be starting
        put(stage, "after the key was taken away")
    with pytest.raises(IndexRefused, match="401"):
        put(secured.index(api_key=stage_key["encoded"]), "by a new worker")


def _changed(secured: Secured, stage: ElasticIndex) -> None:
    """Change a template, which only setup may fix."""
    secured.ask("PUT", "/_component_template/news-settings", {"template": {"settings": {}}})
    stage.apply(NOW)
