"""What every feed format promises, on the document that its file in this folder gives."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import ingest.sources.feeds
from ingest import wire
from ingest.errors import SourceError
from ingest.ports import ParsedFeed, Source
from ingest.sources.feeds.parse_feed import parse_feed
from tests.contracts.sources.source_documents import BROKEN, DOCUMENTS, URL


def _sources() -> dict[str, Source]:
    found = {}
    for module in pkgutil.iter_modules(ingest.sources.feeds.__path__):
        if module.name in ("decode_feed", "parse_feed"):
            continue
        loaded = importlib.import_module(f"ingest.sources.feeds.{module.name}")
        if hasattr(loaded, "build"):
            found[module.name] = loaded.build()
    return found


SOURCES = _sources()


def test_every_source_has_a_document_here() -> None:
    assert set(SOURCES) <= {name for name, _ in DOCUMENTS}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_recognises_its_own_documents_and_no_others(name: str) -> None:
    for owner, body in DOCUMENTS:
        assert SOURCES[name].recognises(body.encode()) is (owner == name), body[:60]
    assert not SOURCES[name].recognises(b"")
    assert not SOURCES[name].recognises(b"<!doctype html><html><body>Log in</body></html>")


@pytest.mark.parametrize(("name", "body"), DOCUMENTS, ids=lambda value: value[:12])
def test_a_document_gives_its_entries(name: str, body: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        parsed = parse_feed(body.encode(encoding), URL, "")
        assert isinstance(parsed, ParsedFeed)
        assert parsed.format
        first = parsed.entries[0]
        assert first.title == "Müller wins in Port Elsin"
        assert first.link == "http://elsin-courier.example/a/1"
        assert first.published_raw
        assert len(parsed.entries) == 2
        assert wire.encode(parsed)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_bytes_that_are_not_a_feed_are_a_typed_error(name: str, body: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        SOURCES[name].parse(body, URL)
    assert caught.value.kind in ("not_a_feed", "empty_body", "parse_failed")


@pytest.mark.parametrize(("name", "body"), DOCUMENTS, ids=lambda value: value[:12])
def test_a_document_cut_anywhere_never_fails_otherwise(name: str, body: str) -> None:
    data, kinds = body.encode(), set()
    for end in range(0, len(data), 37):
        try:
            parse_feed(data[:end], URL, "")
        except SourceError as error:
            kinds.add(error.kind)
    assert kinds <= {"not_a_feed", "empty_body", "parse_failed"}
