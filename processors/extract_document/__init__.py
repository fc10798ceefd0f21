"""Extracts documents from the bytes of pages, in child processes that can be killed."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NamedTuple

import msgspec

from ingest.children import ChildFailure, ChildPool
from ingest.errors import NewsIngestError
from ingest.model import Document, Page
from ingest.outcome import Keep, Outcome, Reject
from ingest.ports import Clock
from ingest.settings.site_rules import NO_RULES, SiteRules
from ingest.telemetry import Event
from ingest.terms import count_words
from processors.extract_document.options import Options

__all__ = ["VERSION", "ExtractDocuments", "Options", "build"]

VERSION = 2
#: The versions that the benchmark was measured with; an upgrade comes with new figures.
PINNED = {
    "trafilatura": "2.3.1", "lxml": "6.1.3", "htmldate": "1.11.0", "courlan": "1.4.0",
    "justext": "3.0.2", "resiliparse": "2.0.1",
}  # fmt: skip
#: What a site's rule `body_xpath` came to: hit, miss, outweighed, broken.
body_rule_tried = Event("body_rule_tried", level="none", counts="extract_body_rules_total")
#: A step of extraction raised; the document goes on without its fields.
extraction_step_failed = Event(
    "extraction_step_failed", level="error", counts="extract_failed_steps_total"
)
_NAMED_IN_ENGINE = ("trafilatura", "resiliparse", "htmldate")


RulesOf = Callable[[str], SiteRules]

_MAX_LINE_CHARACTERS = 200
#: A line is dropped if this many pages of the site have it, including this one: with 2, seven of
#: 77 dropped lines were article text, with 3 one of 41.
_LEAST_PAGES = 3
_MAX_LINES = 2000
_FORGET_AFTER_PAGES = 500
_MAX_SITES = 2000
#: Lines that make up more than this share of a text are not boilerplate but near copies.
_MAX_DROPPED_SHARE = 0.5
_DIGIT = re.compile(r"\d")


def build(
    options: Options, *, clock: Clock, children: int = 0, sites: RulesOf | None = None
) -> ExtractDocuments:
    """Return the extractor with its child processes, which start with the first batch.

    `children` is their number, 0 means one per core. `sites` returns the rules for the page at an
    address; it is called for each page, so that changed rules apply at once.
    Errors: NewsIngestError if other versions of the libraries are installed than the pinned ones.
    """
    for name, wanted in PINNED.items():
        if version(name) != wanted:
            raise NewsIngestError(
                f"extraction needs {name} {wanted}",
                value=version(name),
                remedy=f"pip install {name}=={wanted} (or reinstall news-ingest)",
            )
    return ExtractDocuments(options, clock, children, sites)


class PageWithRules(NamedTuple):
    """One page for a child, with its rules, so that a changed file applies at once."""

    page: Page
    rules: SiteRules = NO_RULES


class ExtractDocuments:
    """Pages in, documents out: a batch processor."""

    def __init__(
        self, options: Options, clock: Clock, children: int, sites: RulesOf | None = None
    ) -> None:
        libraries = " ".join(f"{name} {PINNED[name]}" for name in _NAMED_IN_ENGINE)
        self.engine = f"extract_document@{VERSION} {libraries}"
        self._options = options
        self._clock = clock
        self._lines = RepeatedLines()
        self._rules_of: RulesOf = sites or (lambda _: NO_RULES)
        self._pool = ChildPool(
            "processors.extract_document.child:job_extractor",
            count=children,
            timeout_seconds=options.page_timeout_seconds,
            memory_bytes=options.child_memory_bytes,
            recycle_bytes=options.recycle_memory_bytes,
            arguments=(options.model_dump(), self.engine),
        )

    def process_batch(self, items: Sequence[Page], /) -> list[Outcome[Document]]:
        """Return an outcome for each page, in order.

        Keep for every page that was read, even a poor one; Reject for a page that ended its child
        (class timeout: killed_time, killed_memory, crashed) or raised (class bug).
        Errors: NewsIngestError if no child can be started.
        """
        jobs = [PageWithRules(page, self._rules_of(page.url_canonical)) for page in items]
        results = self._pool.map(jobs)
        return [self._outcome(job, found) for job, found in zip(jobs, results, strict=True)]

    def close(self) -> None:
        """End the child processes."""
        self._pool.close()

    def _outcome(self, job: PageWithRules, found: Document | ChildFailure) -> Outcome[Document]:
        if isinstance(found, ChildFailure):
            return _reject(job, found)
        if found.extraction.body_rule:
            body_rule_tried(result=found.extraction.body_rule)
        for step in found.extraction.failed_steps:
            why = found.provenance[step].why
            extraction_step_failed(step=step, document=found.id, error=why)
        return Keep(self._finished(found, job.rules))

    def _finished(self, document: Document, rules: SiteRules) -> Document:
        document = msgspec.structs.replace(document, extracted_at=self._clock())
        has_site = document.content_source == "page" and document.extraction.mode != "plain"
        drops = self._options.drops_repeated_lines and not rules.keeps_repeated_lines
        if not (drops and has_site and document.domain):
            return document
        text, dropped = self._lines.drop(document.domain, document.id, document.text)
        if not dropped:
            return document
        extraction = msgspec.structs.replace(
            document.extraction, dropped_lines=dropped, characters=len(text)
        )
        return msgspec.structs.replace(
            document, text=text, word_count=count_words(text), extraction=extraction
        )


class RepeatedLines:
    """Remembers, for each site, which documents a short line was in.

    One per worker; lost on restart, which is harmless. A document that comes again counts once:
    neither a retry nor a live blog makes its own lines repeated.
    """

    def __init__(self) -> None:
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    def drop(self, site: str, document_id: str, text: str) -> tuple[str, int]:
        """Return the text without repeated lines, and their number; also learns from the text."""
        known = self._sites.setdefault(site, _Site())
        self._sites.move_to_end(site)
        if len(self._sites) > _MAX_SITES:
            self._sites.popitem(last=False)
        lines = text.split("\n")
        repeated = known.learn(document_id, lines)
        if not repeated:
            return text, 0
        kept = [line for number, line in enumerate(lines) if number not in repeated]
        dropped_characters = sum(len(lines[number]) for number in repeated)
        if dropped_characters > _MAX_DROPPED_SHARE * len(text):
            return text, 0
        return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n"), len(repeated)


class _Site:
    """Short lines of one site by hash, each with up to three documents that contain it."""

    def __init__(self) -> None:
        self._documents: OrderedDict[int, tuple[int, ...]] = OrderedDict()
        self._pages = 0

    def learn(self, document_id: str, lines: list[str]) -> set[int]:
        """Return the numbers of the lines seen in enough documents, including this one."""
        me = hash(document_id)
        repeated = set()
        for number, line in enumerate(lines):
            if not line.strip() or len(line) > _MAX_LINE_CHARACTERS:
                continue
            key = _key(line)
            holders = self._documents.get(key, ())
            if me not in holders and len(holders) < _LEAST_PAGES:
                holders = (*holders, me)
                self._documents[key] = holders
            self._documents.move_to_end(key)
            if len(holders) >= _LEAST_PAGES:
                repeated.add(number)
        self._forget()
        return repeated

    def _forget(self) -> None:
        while len(self._documents) > _MAX_LINES:
            self._documents.popitem(last=False)
        self._pages += 1
        if self._pages % _FORGET_AFTER_PAGES == 0:
            halved = ((key, held[: len(held) // 2]) for key, held in self._documents.items())
            self._documents = OrderedDict((key, held) for key, held in halved if held)


def _key(line: str) -> int:
    folded = _DIGIT.sub("0", " ".join(line.lower().split()))
    digest = hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _reject(job: PageWithRules, failure: ChildFailure) -> Reject:
    page, site = job
    address = page.url_final or page.url_canonical or page.path
    rules = f" · rules of config/sites.yml: {site.site}" if site.site else ""
    is_bug = failure.kind == "raised"
    return Reject(
        reason=failure.kind if not is_bug else "extraction_failed",
        failure_class="bug" if is_bug else "timeout",
        message=f"{failure.message} · page: {address}{rules}",
        exception=failure.message.partition(":")[0] if is_bug else "",
        stacktrace=failure.stacktrace,
        processor="extract_document",
    )
