"""All indexes, empty or with the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.ports import Index, IndexWrite
from ingest.settings.options import IndexOptions
from tests.builders import NOW
from tests.contracts.index.index_corpus import CORPUS
from tests.elastic_archive import Archive, an_archive

#: Small enough to be gone over in a test, large enough for every document but one.
MAX_DOCUMENT_BYTES = 200_000

ENGINES = [
    "sqlite",
    pytest.param("elasticsearch", marks=pytest.mark.elasticsearch),
]


@contextmanager
def _embedded(folder: Path) -> Iterator[Index]:
    options = IndexOptions(max_document_bytes=MAX_DOCUMENT_BYTES)
    index = SqliteIndex(folder / "index.db", options, clock=lambda: NOW)
    index.apply(NOW)
    yield index
    index.close()


@contextmanager
def _over(archive: Archive) -> Iterator[Index]:
    index = archive.index(max_document_bytes=MAX_DOCUMENT_BYTES)
    yield index
    index.close()


@pytest.fixture(scope="session")
def elastic_archive(elasticsearch_url: str) -> Iterator[Archive]:
    """Return the archive that tests share in turn, since creating one takes a while."""
    with an_archive(elasticsearch_url) as archive:
        yield archive


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Return an empty index. Elasticsearch is only started when a test asks for it."""
    if request.param == "sqlite":
        with _embedded(tmp_path) as index:
            yield index
        return
    archive = request.getfixturevalue("elastic_archive")
    with _over(archive) as index:
        yield index
    archive.empty()


@pytest.fixture(scope="session", params=ENGINES)
def archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """Return an index that holds the corpus; tests only read it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            opened = stack.enter_context(_embedded(tmp_path_factory.mktemp("archive")))
        else:
            url = request.getfixturevalue("elasticsearch_url")
            opened = stack.enter_context(_over(stack.enter_context(an_archive(url))))
        verdicts = opened.put([IndexWrite(document) for document in CORPUS])
        assert {verdict.kind for verdict in verdicts} == {"written"}
        opened.refresh()
        yield opened
