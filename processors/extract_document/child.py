"""Runs in a child process: one page in, one document out."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import zstandard

from ingest.model import Document, Page
from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document import PageWithRules
from processors.extract_document.make_document import make_document
from processors.extract_document.options import Options
from processors.extract_document.plain_document import make_plain_document
from processors.extract_document.read import HtmlReading, ReadHtml, html_reader, no_lap
from processors.extract_document.read.decode import is_binary_file
from processors.extract_document.read.text import load_search

_CHANGED_BY_RULES = ("mode", "rescue_ratio", "author_search", "date_search")
#: A paragraph of at least this length is dropped if an earlier page had it; a shorter one (a
#: question, a name) may be meant twice, and is dropped only at the edge of its page.
_LONG_CHARACTERS = 60
#: "Page 2 of 5", "Seite 2/5", "2 / 5".
_COUNT_LINE = re.compile(
    r"\W{0,4}(?:(?:page|seite|pagina|página|strona|sida|side|part|teil)\s{0,3}\d{1,2}"
    r"(?:\s{0,3}(?:of|von|de|di|van|av|af|z|/)\s{0,3}\d{1,2})?|\d{1,2}\s{0,3}/\s{0,3}\d{1,2})\W{0,4}",
    re.IGNORECASE,
)


class ExtractPage(Protocol):
    """Turns a page, with the rules of its site, into a document."""

    def __call__(self, page: Page, rules: SiteRules = NO_RULES, /) -> Document: ...


def job_extractor(options: dict[str, Any], engine: str) -> Callable[[PageWithRules], Document]:
    """Return what a child of the pool does with one page and its rules."""
    extract = page_extractor(options, engine)
    return lambda job: extract(job.page, job.rules)


def page_extractor(
    options: dict[str, Any], engine: str, lap: Callable[[str], None] = no_lap
) -> ExtractPage:
    """Return the function from page to document; what it loads is kept for all pages.

    `options` are those of `Options`. `lap` is called with the name of each completed step.
    The parent sets the document's `extracted_at`.
    """
    given = Options(**options)
    if given.date_search:
        load_search()
    part_seconds = given.page_timeout_seconds / 2  # well before the parent kills for it

    def unpack(body: bytes) -> bytes:
        return unpacked(body, "zstd", given.max_unpacked_bytes)

    @lru_cache(maxsize=64)
    def ready(rules: SiteRules) -> tuple[Options, ReadHtml]:
        chosen = with_rules(given, rules)
        return chosen, html_reader(chosen, rules, lap)

    def extract(page: Page, rules: SiteRules = NO_RULES, /) -> Document:
        started = time.perf_counter()
        chosen, read_html = ready(rules)
        data = unpacked(page.body, page.body_encoding, chosen.max_unpacked_bytes)
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
        lap("fields")
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        extraction = msgspec.structs.replace(
            document.extraction, engine=engine, milliseconds=milliseconds
        )
        return msgspec.structs.replace(document, extraction=extraction)

    return extract


def with_rules(options: Options, rules: SiteRules) -> Options:
    """Return the options as the rules of a site change them."""
    given = {name: getattr(rules, name) for name in _CHANGED_BY_RULES}
    changes = {name: value for name, value in given.items() if value is not None}
    return options.model_copy(update=changes) if changes else options


def unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the bytes of a body, never more than `max_bytes`.

    Errors: zstandard.ZstdError for a body that is declared as zstd but is not.
    """
    if not body or encoding != "zstd":
        return body[:max_bytes]
    if 0 <= zstandard.frame_content_size(body) <= max_bytes:
        return zstandard.ZstdDecompressor().decompress(body)
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)) as reader:
        return bytes(reader.read(max_bytes))


def with_parts(
    reading: HtmlReading,
    page: Page,
    read: ReadHtml,
    unpack: Callable[[bytes], bytes],
    *,
    seconds: float,
) -> HtmlReading:
    """Return the reading of the first page with the text of all pages, in order.

    If the site's rule found the text of the first page, it is applied to the others too; a page
    where it finds nothing contributes its general text. No page is started after `seconds`:
    `is_truncated` then says that some are missing. Errors: those of `read` and `unpack`.
    """
    until = time.monotonic() + seconds
    texts, by_rule = [reading.text.text], [reading.site.text]
    is_truncated = reading.is_truncated
    for part in page.parts:
        if time.monotonic() > until:
            is_truncated = True
            break
        found = read(unpack(part.body), part.content_type, part.url)
        texts.append(found.text.text)
        by_rule.append(found.site.text or found.text.text)
        is_truncated = is_truncated or found.is_truncated
    titles = (page.entry.title, *reading.metadata.headings, reading.metadata.title)
    text = msgspec.structs.replace(reading.text, text=joined_texts(texts, titles))
    site = reading.site
    if site.text:
        site = msgspec.structs.replace(site, text=joined_texts(by_rule, titles))
    is_found = text.text and reading.outcome == "no_text"
    return msgspec.structs.replace(
        reading,
        text=text,
        site=site,
        outcome="ok" if is_found else reading.outcome,
        is_truncated=is_truncated,
    )


def joined_texts(texts: Sequence[str], titles: Iterable[str] = ()) -> str:
    """Return the texts of an article's pages as one, without what they repeat.

    A blank line separates paragraphs, in the input and the result. Dropped from later pages are
    long paragraphs that an earlier page had, runs of known paragraphs of any length at the start
    and end (headlines, boxes, footnotes), the titles, and lines that count pages.
    Errors: none.
    """
    kept = _paragraphs(texts[0]) if texts else []
    seen = {_key(one) for one in kept}
    names = {_key(one) for one in titles if one} - {""}
    for text in texts[1:]:
        paragraphs = [one for one in _paragraphs(text) if not _COUNT_LINE.fullmatch(one)]
        known = [_key(one) in seen or _key(one) in names for one in paragraphs]
        start, end = _inner(known)
        fresh = [
            one
            for one, is_known in zip(paragraphs[start:end], known[start:end], strict=True)
            if not (is_known and len(one) >= _LONG_CHARACTERS)
        ]
        kept += fresh
        seen |= {_key(one) for one in fresh}
    return "\n\n".join(kept)


def _inner(known: Sequence[bool]) -> tuple[int, int]:
    """Return where a page's own paragraphs begin and end, between known ones at its edges."""
    start, end = 0, len(known)
    while start < end and known[start]:
        start += 1
    while end > start and known[end - 1]:
        end -= 1
    return start, end


def _paragraphs(text: str) -> list[str]:
    return [one for one in text.split("\n\n") if one.strip()]


def _key(paragraph: str) -> str:
    return " ".join(paragraph.casefold().split())
