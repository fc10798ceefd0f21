"""Every index there is, empty or with the corpus in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import NOW
from elastic_archive import an_archive
from index_corpus import CORPUS

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.ports import Index, Placed
from ingest.settings.options import IndexOptions

#: Small enough to be gone over in a test, large enough for every document but one.
MAX_DOCUMENT_BYTES = 200_000

ENGINES = [
    "sqlite",
    pytest.param("elasticsearch", marks=pytest.mark.elasticsearch),
]


@contextmanager
def _opened(engine: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Index]:
    if engine == "elasticsearch":
        # Only now: the server is not started for those who leave these tests out.
        with an_archive(request.getfixturevalue("elasticsearch_url")) as archive:
            index = archive.index(max_document_bytes=MAX_DOCUMENT_BYTES)
            yield index
            index.close()
        return
    options = IndexOptions(max_document_bytes=MAX_DOCUMENT_BYTES)
    embedded = SqliteIndex(folder / "index.db", options, clock=lambda: NOW)
    embedded.apply(NOW)
    yield embedded
    embedded.close()


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Give an empty index whose schema is set up."""
    with _opened(request.param, request, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session", params=ENGINES)
def archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """Give an index that holds the corpus; tests only read it."""
    with _opened(request.param, request, tmp_path_factory.mktemp("archive")) as opened:
        verdicts = opened.put([Placed(document) for document in CORPUS])
        assert {verdict.kind for verdict in verdicts} == {"written"}
        opened.refresh()
        yield opened
