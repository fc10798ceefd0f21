"""Rows of the stages that work on documents: extract, enrich, index, each beside its bare loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ingest.bootstrap.engines import chain_of, now, open_index
from ingest.model import Document, EnrichedDocument, IndexedDocument, Page
from ingest.outcome import Keep
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.pipeline.transform import enriched
from ingest.ports import IndexWrite
from processors.extract_document import Options
from processors.extract_document.child import page_extractor
from tests.benchmarks import news
from tests.benchmarks.measure import Row, Spent, of_thread
from tests.benchmarks.rig import StageRun, enrich_work, extract_work, in_folder, settings_in


def extract_rows(
    pages: Sequence[Page], warming: int, children: Sequence[int] = (1, 2), name: str = "extract"
) -> list[Row]:
    """Return the extract stage with so many children each beside the same function in a loop."""
    extract = page_extractor(Options().model_dump(), "bench")
    for page in pages[:warming]:
        extract(page)
    loop = partial(_looped, extract, pages[warming:])
    return [
        in_folder(partial(_extract_row, pages, warming, loop, count, name)) for count in children
    ]


def _extract_row(
    pages: Sequence[Page],
    warming: int,
    loop: Callable[[], Spent],
    children: int,
    name: str,
    folder: Path,
) -> Row:
    run = StageRun("extract", folder, ((page.document_id, page) for page in pages), warming)
    before = loop()
    spent = run.measured(extract_work(run, children))
    bare = before.plus(loop())
    run.close()
    plural = "child" if children == 1 else "children"
    return Row(
        name=f"{name}, {children} {plural}", unit="docs", count=run.count, spent=spent, bare=bare,
        bare_count=2 * run.count, bare_name="the extraction in a loop in one process",
    )  # fmt: skip


def enrich_row(documents: Sequence[Document], warming: int) -> Row:
    """Return the enrich stage beside its processors in a loop."""
    return in_folder(partial(_enrich_row, documents, warming))


def _enrich_row(documents: Sequence[Document], warming: int, folder: Path) -> Row:
    run = StageRun("enrich", folder, ((one.id, one) for one in documents), warming)
    index = open_index(run.settings)
    items = enrichable(documents)
    chain = chain_of(run.settings, "enrich", index=index)
    for item in items[:warming]:
        _chained(chain, item)
    loop = partial(_looped, partial(_chained, chain), items[warming:])
    before = loop()
    spent = run.measured(enrich_work(run, index))
    bare = before.plus(loop())
    index.close()
    run.close()
    return Row(
        name="enrich", unit="docs", count=run.count, spent=spent, bare=bare,
        bare_count=2 * run.count, bare_name="its processors in a loop",
    )  # fmt: skip


def enrichable(documents: Sequence[Document]) -> list[EnrichedDocument]:
    """Return the documents as the enrich stage reads them."""
    return msgspec.json.decode(msgspec.json.encode(documents), type=list[EnrichedDocument])


def _chained(chain: Sequence[Any], document: EnrichedDocument) -> EnrichedDocument:
    for item in chain:
        outcome = item.work(document)
        document = outcome.value if isinstance(outcome, Keep) else outcome
    return document


def enriched_documents(documents: Sequence[Document]) -> list[EnrichedDocument]:
    """Return the documents as the enrich stage writes them."""
    settings = in_folder(settings_in)
    chain = chain_of(settings, "enrich")
    outcomes = [enriched(one, chain, now) for one in enrichable(documents)]
    return [one.value for one in outcomes if isinstance(one, Keep)]


def copied(documents: Sequence[EnrichedDocument], count: int) -> list[EnrichedDocument]:
    """Return so many documents: these again and again, each with an id of its own."""
    return [
        msgspec.structs.replace(documents[number % len(documents)], id=f"{number:032x}")
        for number in range(count)
    ]


def index_row(documents: Sequence[EnrichedDocument], warming: int) -> Row:
    """Return the index stage on the embedded index beside bare `put` in batches."""
    return in_folder(partial(_index_row, documents, warming))


def _index_row(documents: Sequence[EnrichedDocument], warming: int, folder: Path) -> Row:
    run = StageRun("index", folder, ((one.id, one) for one in documents), warming)
    size = run.settings.pipeline.stages["index"].records_a_batch
    before = _put_all(documents, warming, size, folder / "before.db")
    index = open_index(run.settings)
    spent = run.measured(IndexWork(index, now))
    index.close()
    bare = before.plus(_put_all(documents, warming, size, folder / "after.db"))
    run.close()
    return Row(
        name="index", unit="docs", count=run.count, spent=spent, bare=bare,
        bare_count=2 * run.count, bare_name=f"put() on the embedded index, {size} at once",
    )  # fmt: skip


def _put_all(documents: Sequence[EnrichedDocument], warming: int, size: int, path: Path) -> Spent:
    from ingest.adapters.sqlite_index import SqliteIndex
    from ingest.settings.options import IndexOptions

    index = SqliteIndex(path, IndexOptions(), clock=now)
    items = [
        IndexWrite(msgspec.convert(msgspec.structs.asdict(one), IndexedDocument))
        for one in documents
    ]
    index.put(items[:warming])
    began = of_thread()
    for start in range(warming, len(items), size):
        index.put(items[start : start + size])
    spent = of_thread() - began
    index.close()
    return spent


def _looped(work: Callable[[Any], Any], items: Sequence[Any]) -> Spent:
    """Return what it costs to do the work on each item, one after the other."""
    began = Spent(time.monotonic(), time.process_time())
    for item in items:
        work(item)
    return Spent(time.monotonic(), time.process_time()) - began


def pages_of(stories: Sequence[news.Story]) -> list[Page]:
    """Return the fetched pages of these articles."""
    bodies = news.pages_html(list(stories))
    return [
        news.page_of(news.entry_of(one), body) for one, body in zip(stories, bodies, strict=True)
    ]
