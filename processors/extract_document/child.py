"""What runs in a child process: one page in, one document out."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import msgspec
import zstandard

from ingest.model import Document, Page
from processors.extract_document.guard_page import is_binary_file
from processors.extract_document.make_document import make_document
from processors.extract_document.make_plain_document import make_plain_document
from processors.extract_document.options import Options
from processors.extract_document.read_html import HtmlReading, html_reader


def page_extractor(options: dict[str, Any], engine: str) -> Callable[[Page], Document]:
    """Give the function from page to document; what it loads stays for all pages.

    `options` are those of `Options`. The document's `extracted_at` is left for the parent.
    """
    chosen = Options(**options)
    read_html = html_reader(chosen)

    def extract(page: Page) -> Document:
        started = time.perf_counter()
        data = unpacked(page, chosen.max_unpacked_bytes)
        if page.kind == "text" and data and not is_binary_file(data):
            document = make_plain_document(page, data, chosen)
        elif page.kind == "html" and data:
            url = page.url_final or page.url_canonical
            document = make_document(page, read_html(data, page.content_type, url), chosen)
        else:
            outcome = "wrong_type" if page.kind == "text" and data else "no_text"
            document = make_document(page, HtmlReading(outcome=outcome), chosen)
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        extraction = msgspec.structs.replace(
            document.extraction, engine=engine, milliseconds=milliseconds
        )
        return msgspec.structs.replace(document, extraction=extraction)

    return extract


def unpacked(page: Page, max_bytes: int) -> bytes:
    """Give the bytes of a page, never more than `max_bytes`; `b""` for none.

    Errors: zstandard.ZstdError for a body that is no zstd, although it is said to be.
    """
    if not page.body or page.body_encoding != "zstd":
        return page.body[:max_bytes]
    if 0 <= zstandard.frame_content_size(page.body) <= max_bytes:
        return zstandard.ZstdDecompressor().decompress(page.body)
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(page.body)) as reader:
        return bytes(reader.read(max_bytes))
