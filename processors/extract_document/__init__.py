"""Extraction: from the bytes of a page to a document, in child processes that can be killed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from ingest.children import ChildFailure, ChildPool
from ingest.errors import NewsIngestError
from ingest.model import Document, Page
from ingest.outcome import Keep, Outcome, Reject
from ingest.ports import Clock
from processors.extract_document.drop_repeated_lines import RepeatedLines
from processors.extract_document.options import Options

__all__ = ["VERSION", "ExtractDocuments", "Options", "build"]

VERSION = 1
#: What the figures of the benchmark were measured with; an upgrade is one change with new ones.
PINNED = {
    "trafilatura": "2.3.1", "lxml": "6.1.3", "htmldate": "1.11.0", "courlan": "1.4.0",
    "justext": "3.0.2", "resiliparse": "2.0.1",
}  # fmt: skip
_NAMED_IN_ENGINE = ("trafilatura", "resiliparse", "htmldate")


def build(options: Options, *, clock: Clock, children: int = 0) -> ExtractDocuments:
    """Give the extractor with its child processes, which start with the first batch.

    `children` is their number, 0 one a core.
    Errors: NewsIngestError when other versions of the libraries are installed than it needs.
    """
    for name, wanted in PINNED.items():
        if version(name) != wanted:
            raise NewsIngestError(
                f"extraction needs {name} {wanted}",
                value=version(name),
                remedy=f"pip install {name}=={wanted} (or install news-ingest anew)",
            )
    return ExtractDocuments(options, clock, children)


class ExtractDocuments:
    """Pages in, documents out: a batch processor."""

    def __init__(self, options: Options, clock: Clock, children: int) -> None:
        libraries = " ".join(f"{name} {PINNED[name]}" for name in _NAMED_IN_ENGINE)
        self.engine = f"extract_document@{VERSION} {libraries}"
        self._options = options
        self._clock = clock
        self._lines = RepeatedLines()
        self._pool = ChildPool(
            "processors.extract_document.child:page_extractor",
            count=children,
            timeout_seconds=options.page_timeout_seconds,
            memory_bytes=options.child_memory_bytes,
            recycle_bytes=options.recycle_memory_bytes,
            arguments=(options.model_dump(), self.engine),
        )

    def process_batch(self, items: Sequence[Page], /) -> list[Outcome[Document]]:
        """Give an outcome for each page, in order.

        Keep for every page that was read, poor ones too; Reject for one that cost its child
        the life (class timeout: killed_time, killed_memory, crashed) or raised (class bug).
        Errors: NewsIngestError when no child can be started.
        """
        results = self._pool.map(items)
        return [self._outcome(page, found) for page, found in zip(items, results, strict=True)]

    def close(self) -> None:
        """End the child processes."""
        self._pool.close()

    def _outcome(self, page: Page, found: Document | ChildFailure) -> Outcome[Document]:
        if isinstance(found, ChildFailure):
            return _reject(page, found)
        return Keep(self._finished(found))

    def _finished(self, document: Document) -> Document:
        now = self._clock()
        has_site = document.content_source == "page" and document.extraction.mode != "plain"
        if not (self._options.drops_repeated_lines and has_site and document.domain):
            return msgspec.structs.replace(document, extracted_at=now)
        text, dropped = self._lines.drop(document.domain, document.id, document.text)
        extraction = msgspec.structs.replace(
            document.extraction, dropped_lines=dropped, characters=len(text)
        )
        return msgspec.structs.replace(document, extracted_at=now, text=text, extraction=extraction)


def _reject(page: Page, failure: ChildFailure) -> Reject:
    is_bug = failure.kind == "raised"
    return Reject(
        reason=failure.kind if not is_bug else "extraction_failed",
        failure_class="bug" if is_bug else "timeout",
        message=f"{failure.message} · page: {page.url_final or page.url_canonical or page.path}",
        exception=failure.message.partition(":")[0] if is_bug else "",
        stacktrace=failure.stacktrace,
        processor="extract_document",
    )
