"""What runs in a child process: one page in, one document out."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import zstandard

from ingest.model import Document, Page
from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document.join_parts import with_parts
from processors.extract_document.make_document import make_document
from processors.extract_document.make_plain_document import make_plain_document
from processors.extract_document.options import Options
from processors.extract_document.page_job import PageWithRules
from processors.extract_document.read.guard import is_binary_file
from processors.extract_document.read.html import HtmlReading, html_reader
from processors.extract_document.read.search_date import load_search

_CHANGED_BY_RULES = ("mode", "rescue_ratio", "author_search", "date_search")


class ExtractPage(Protocol):
    """From a page, and the rules of its site, to its document."""

    def __call__(self, page: Page, rules: SiteRules = NO_RULES, /) -> Document: ...


Reader = Callable[[bytes, str, str], HtmlReading]


def job_extractor(options: dict[str, Any], engine: str) -> Callable[[PageWithRules], Document]:
    """Give what a child of the pool does with one page and its rules."""
    extract = page_extractor(options, engine)
    return lambda job: extract(job.page, job.rules)


def page_extractor(
    options: dict[str, Any], engine: str, lap: Callable[[str], None] | None = None
) -> ExtractPage:
    """Give the function from page to document; what it loads stays for all pages.

    `options` are those of `Options`. `lap` is called with the name of each step when it is done.
    The document's `extracted_at` is left for the parent.
    """
    given = Options(**options)
    if given.date_search:
        load_search()
    part_seconds = given.page_timeout_seconds / 2  # well before the parent kills for it

    def unpack(body: bytes) -> bytes:
        return unpacked_body(body, "zstd", given.max_unpacked_bytes)

    @lru_cache(maxsize=64)
    def ready(rules: SiteRules) -> tuple[Options, Reader]:
        chosen = with_rules(given, rules)
        return chosen, html_reader(chosen, rules) if lap is None else html_reader(
            chosen, rules, lap
        )

    def extract(page: Page, rules: SiteRules = NO_RULES, /) -> Document:
        started = time.perf_counter()
        chosen, read_html = ready(rules)
        data = unpacked(page, chosen.max_unpacked_bytes)
        if page.kind == "text" and data and not is_binary_file(data):
            document = make_plain_document(page, data, chosen, rules)
        elif page.kind == "html" and data:
            url = page.url_final or page.url_canonical
            reading = read_html(data, page.content_type, url)
            if page.parts:
                reading = with_parts(reading, page, read_html, unpack, seconds=part_seconds)
            document = make_document(page, reading, chosen, rules)
        else:
            outcome = "wrong_type" if page.kind == "text" and data else "no_text"
            document = make_document(page, HtmlReading(outcome=outcome), chosen, rules)
        if lap is not None:
            lap("fields")
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        extraction = msgspec.structs.replace(
            document.extraction, engine=engine, milliseconds=milliseconds
        )
        return msgspec.structs.replace(document, extraction=extraction)

    return extract


def with_rules(options: Options, rules: SiteRules) -> Options:
    """Give the options as the rules of a site change them."""
    given = {name: getattr(rules, name) for name in _CHANGED_BY_RULES}
    changes = {name: value for name, value in given.items() if value is not None}
    return options.model_copy(update=changes) if changes else options


def unpacked(page: Page, max_bytes: int) -> bytes:
    """Give the bytes of a page, never more than `max_bytes`; `b""` for none.

    Errors: zstandard.ZstdError for a body that is no zstd, although it is said to be.
    """
    return unpacked_body(page.body, page.body_encoding, max_bytes)


def unpacked_body(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Give the bytes of a body, never more than `max_bytes`. Errors: as `unpacked`."""
    if not body or encoding != "zstd":
        return body[:max_bytes]
    if 0 <= zstandard.frame_content_size(body) <= max_bytes:
        return zstandard.ZstdDecompressor().decompress(body)
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)) as reader:
        return bytes(reader.read(max_bytes))
