"""Joins the pages of an article that its site spreads over several; the first one's data counts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ingest.model import Page
from processors.extract_document.read.html import HtmlReading

#: Bytes, Content-Type and address of a page to what it holds.
ReadHtml = Callable[[bytes, str, str], HtmlReading]

#: A paragraph of this length that an earlier page had is never meant to be read twice; a shorter
#: one may be (a question, a name), and goes only where it stands at the edge of its page.
_LONG_CHARACTERS = 60
#: "Page 2 of 5", "Seite 2/5", "2 / 5".
_COUNT_LINE = re.compile(
    r"\W{0,4}(?:(?:page|seite|pagina|página|strona|sida|side|part|teil)\s{0,3}\d{1,2}"
    r"(?:\s{0,3}(?:of|von|de|di|van|av|af|z|/)\s{0,3}\d{1,2})?|\d{1,2}\s{0,3}/\s{0,3}\d{1,2})\W{0,4}",
    re.IGNORECASE,
)


def with_parts(
    reading: HtmlReading,
    page: Page,
    read: ReadHtml,
    unpack: Callable[[bytes], bytes],
    *,
    seconds: float,
) -> HtmlReading:
    """Give the reading of the first page with the text of all, in their order.

    Where a rule of the site found the text of the first page, what it finds on the others joins
    that; a part where it finds none gives its general text. No part is begun after so many seconds: `is_truncated` then says that some are missing. A
    first page without text takes that of the others. Errors: those of `read` and `unpack`.
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
    """Give the texts of the pages of one article as one, what they repeat only once.

    Paragraphs have a blank line between them, there and here. From the later pages go long
    paragraphs that an earlier one had, the run of such paragraphs at beginning and end whatever
    their length (headlines, boxes, notes under the text), the titles, and lines that count pages.
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
    """Give where a page's own paragraphs begin and end between those known at its edges."""
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
