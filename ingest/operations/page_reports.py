"""Reads pages for `extract`, in order, each in a child process that can be killed."""

from __future__ import annotations

import gzip
import io
import time
import zlib
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ingest import registry
from ingest.bootstrap.engines import now
from ingest.children import ChildFailure, ChildPool, Submitter
from ingest.errors import ConfigError, NewsIngestError
from ingest.model import Document, EnrichedDocument, Page
from ingest.operations.enrichment.documents import with_room
from ingest.operations.page_changes import RulesEffect, changes_between
from ingest.outcome import Keep
from ingest.pipeline.transform import enriched
from ingest.registry import Chosen
from ingest.settings.load import Settings
from ingest.settings.options import FetchingOptions
from ingest.settings.site_rules import SiteRules
from ingest.settings.sites import Sites, read_sites
from ingest.sources.documents.files import FileRefused, page_of_data, printable, read_document
from processors.extract_document import Options
from processors.extract_document.child import ExtractPage, page_extractor

_EXTRACTOR, _LANGUAGE = "extract_document", "detect_language"
#: Memory for the model that detects languages, on top of that for extraction.
_LANGUAGE_BYTES = 128 * 1024 * 1024
#: Sources of a date that the page does not name.
_FALLBACK_DATES = ("file", "first_seen_at")
_UNKNOWN_LANGUAGE = ("", "und")
_SHOWN_FIRST = ("title", "text", "authors", "published_at", "modified_at", "language")
_SHOWN_LAST = ("content_source", "extraction", "provenance")
#: Fields that come from the feed or from the stages, or repeat another field.
_NOT_SHOWN = frozenset((
    "id", "version", "entry_id", "url_published", "url_match_key", "first_seen_at", "fetched_at",
    "extracted_at", "content_hash", "publisher_country", "publisher_home", "feed_ids", "path", "change",
    "language_hint",
))  # fmt: skip


class Reading(NamedTuple):
    """How pages are read: options and version of the extractor, and the language detector.

    `sites` holds the rules that apply to single sites, `against` those to compare them with.
    """

    options: dict[str, Any]
    engine: str
    language: Chosen
    max_page_bytes: int
    sites: Sites = Sites()
    against: Sites = Sites()


class PageJob(NamedTuple):
    """One page to show: a file, or the fetched page of an address, or why there is none."""

    name: str
    is_url: bool
    page: Page | None = None
    error: str = ""


class PageReport(NamedTuple):
    """The result for one page: its line of JSON, or the document, or an error.

    `timings` are the steps with their milliseconds, `rules` the effect of the site's rules; both
    only on request.
    """

    name: str
    is_url: bool
    error: str
    line: bytes
    document: EnrichedDocument | None
    seconds: float
    timings: tuple[tuple[str, float], ...] = ()
    rules: RulesEffect | None = None


def reading_of(
    settings: Settings | None, site_rules: Path | None = None, *, without_rules: bool = False
) -> Reading:
    """Return how these settings read pages; None is the default settings.

    `site_rules` is a file to use instead of config/sites.yml, and to compare with it;
    `without_rules` ignores all rules of single sites.
    Errors: NewsIngestError when other versions of libraries are installed; ConfigError.
    """
    stages = settings.pipeline.stages if settings is not None else {}
    chosen = {
        item.name: item
        for name, stage in stages.items()
        for item in registry.chosen(stage.processors, name)
    }
    named = chosen.get(_EXTRACTOR, Chosen(_EXTRACTOR, {}, ()))
    # Repeated lines of a site are kept: each page is read by itself.
    alone = named._replace(options={**named.options, "drops_repeated_lines": False})
    extractor = registry.built(alone, {"clock": now, "children": 1, "sites": None})
    extractor.work.close()
    language = chosen.get(_LANGUAGE, Chosen(_LANGUAGE, {}, ()))
    fetching = settings.pipeline.fetching if settings is not None else FetchingOptions()
    sites = against = Sites()
    if settings is not None and not without_rules:
        sites = settings.sites
    if site_rules is not None:
        sites, against = _rules_in(site_rules), sites
    return Reading(
        alone.options, extractor.engine, language, fetching.max_page_bytes, sites, against
    )


def _rules_in(path: Path) -> Sites:
    sites, faults = read_sites(path.resolve())
    if faults:
        raise ConfigError(faults)
    return sites


def page_reports(
    jobs: Iterable[PageJob], reading: Reading, *, workers: int, as_json: bool, explain: bool = False
) -> Generator[PageReport, None, None]:
    """Return a report for every page, in order.

    `workers` children run at once, with only a few pages each in memory. `explain` adds the time of
    each step and the effect of the site's rules.
    Errors: NewsIngestError when no child can be started.
    """
    pool = _pool(reading, as_json, explain, workers)
    with Submitter[PageJob](pool) as children:
        for job, result in children.map(jobs):
            yield _report(job, result)


def build_reader(
    reading: Reading, as_json: bool, explain: bool = False
) -> Callable[[PageJob], PageReport]:
    """Return the function that a child applies to each page."""
    laps = _Laps()
    extract = page_extractor(reading.options, reading.engine, laps)
    chain = [registry.built(reading.language, {"clock": now})]

    def read(job: PageJob) -> PageReport:
        started = time.perf_counter()
        name, page = printable(job.name), job.page
        if page is None:
            found = FileRefused("", job.error, "") if job.error else _read_file(job, reading)
            if isinstance(found, FileRefused):
                error = f"{found.reason}: {found.detail}" if found.detail else found.reason
                return _failed(job, error)
            page = found
        laps.start()
        rules = reading.sites.rules_of(page.url_canonical)
        extracted = extract(page, rules)
        outcome = enriched(with_room(extracted), chain, now)
        laps("language")
        if not isinstance(outcome, Keep):
            return _failed(job, outcome.reason)
        document = _shown(outcome.value)
        seconds = time.perf_counter() - started
        timings = tuple(laps.steps) if explain else ()
        effect = _effect(page, extracted, rules, reading, extract) if explain else None
        if as_json:
            plain = _plain(job, document)
            if explain:
                plain["timings_milliseconds"] = dict(timings)
            if effect is not None:
                plain["site_rules"] = effect
            return PageReport(name, job.is_url, "", msgspec.json.encode(plain), None, seconds)
        return PageReport(name, job.is_url, "", b"", document, seconds, timings, effect)

    return read


class _Laps:
    """Measures the milliseconds of each step."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []
        self._at = 0.0

    def start(self) -> None:
        self.steps = []
        self._at = time.perf_counter()

    def __call__(self, step: str) -> None:
        at = time.perf_counter()
        self.steps.append((step, round((at - self._at) * 1000, 2)))
        self._at = at


def _effect(
    page: Page, extracted: Document, rules: SiteRules, reading: Reading, extract: ExtractPage
) -> RulesEffect | None:
    """Return what the rules change against the others; None where both are the same."""
    others = reading.against.rules_of(page.url_canonical)
    if rules == others:
        return None
    changes = changes_between(extract(page, others), extracted)
    return RulesEffect(rules.site, others.site, changes)


def _read_file(job: PageJob, reading: Reading) -> Page | FileRefused:
    data = read_document(job.name, reading.max_page_bytes)
    name = job.name
    if not isinstance(data, FileRefused) and name.lower().endswith(".gz"):
        data, name = _unwrapped(name, data, reading.max_page_bytes), name[:-3]
    return data if isinstance(data, FileRefused) else page_of_data(job.name, data, now(), name)


def _unwrapped(path: str, data: bytes, max_bytes: int) -> bytes | FileRefused:
    """Return the unpacked data, with at most `max_bytes` of it in memory."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        return FileRefused(path, "unreadable", "", f"broken gzip: {error}")
    if len(found) > max_bytes:
        return FileRefused(path, "too_large", "", f"over {max_bytes} bytes after decompression")
    return found


def _shown(document: EnrichedDocument) -> EnrichedDocument:
    """Return the document as shown: with a language, and without a date the page does not name."""
    is_named = document.date_source not in _FALLBACK_DATES
    language = document.language
    if language in _UNKNOWN_LANGUAGE:
        language = document.language_hint or language
    return msgspec.structs.replace(
        document,
        language=language,
        published_at=document.published_at if is_named else None,
        date_precision=document.date_precision if is_named else "",
    )


def _plain(job: PageJob, document: EnrichedDocument) -> dict[str, Any]:
    hidden = {*_SHOWN_FIRST, *_SHOWN_LAST, *_NOT_SHOWN}
    others = [name for name in Document.__struct_fields__ if name not in hidden]
    values = {name: getattr(document, name) for name in (*_SHOWN_FIRST, *others, *_SHOWN_LAST)}
    return {"url" if job.is_url else "path": printable(job.name), **values}


def _report(job: PageJob, result: object) -> PageReport:
    if isinstance(result, PageReport):
        return result
    if isinstance(result, ChildFailure):
        return _failed(job, f"{result.kind}: {result.message}".rstrip(": "))
    raise NewsIngestError("a child process returned no report", value=job.name)


def _failed(job: PageJob, error: str) -> PageReport:
    name, error = printable(job.name), error.encode("utf-8", "replace").decode()
    line = msgspec.json.encode({"url" if job.is_url else "path": name, "error": error})
    return PageReport(name, job.is_url, error, line, None, 0.0)


def _pool(reading: Reading, as_json: bool, explain: bool, workers: int) -> ChildPool:
    options = Options(**reading.options)
    memory, recycle = options.child_memory_bytes, options.recycle_memory_bytes
    return ChildPool(
        "ingest.operations.page_reports:build_reader",
        count=workers,
        timeout_seconds=options.page_timeout_seconds,
        memory_bytes=memory and memory + _LANGUAGE_BYTES,
        recycle_bytes=recycle and recycle + _LANGUAGE_BYTES,
        arguments=(reading, as_json, explain),
    )
